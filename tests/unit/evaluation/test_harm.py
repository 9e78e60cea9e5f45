"""Harm on named statements: found when it is sure, not cried when it is chance."""

import numpy as np
import pytest
from scipy.stats import norm

from twelvelead.evaluation.harm import HARM, MARGIN, harm, holm, p_values


def test_holm_gives_the_textbook_values():
    # Holm (1979) by hand: .01·4, .02·3, .03·2, .04·1, each at least the one before
    assert holm(np.array([0.03, 0.01, 0.04, 0.02])).tolist() == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]
    assert holm(np.array([])).tolist() == []


def test_a_difference_at_the_margin_is_a_coin_flip_and_no_spread_is_certain():
    found = p_values(np.array([-MARGIN, -MARGIN - 0.02, 0.0, -0.2]), np.array([0.01, 0.01, 0.0, 0.0]), MARGIN)
    assert found.tolist() == pytest.approx([0.5, norm.cdf(-2), 1.0, 0.0])


def replicates(deltas, spread, count=4000):
    return np.random.default_rng(0).normal(deltas, spread, size=(count, len(deltas)))


def test_only_named_statements_that_are_surely_worse_count():
    codes = ["IMI", "NORM", "WPW", "PVC"]
    deltas = np.array([-0.15, -0.06, -0.4, 0.02])  # WPW is not named
    found = harm(codes, deltas, replicates(deltas, 0.02))
    assert (found["harmed"], found["codes"]) == (1, ["IMI"])
    assert set(found["statements"]) == {"IMI", "NORM", "PVC"}
    assert found["statements"]["IMI"]["se"] == pytest.approx(0.02, rel=0.05)
    loose = harm(codes, deltas, replicates(deltas, 0.2))
    assert loose["harmed"] == 0


def test_false_alarms_stay_at_one_in_twenty_over_all_statements_together():
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(400):
        ps = p_values(rng.normal(-MARGIN, 0.03, len(HARM)), np.full(len(HARM), 0.03), MARGIN)
        alarms += bool((holm(ps) <= 0.05).any())
    assert alarms / 400 < 0.08  # uncorrected it would be .37


def test_nothing_named_harms_nothing():
    assert harm(["WPW"], np.array([-0.5]), replicates([-0.5], 0.01))["harmed"] == 0
    assert harm([], np.array([]), np.empty((10, 0)))["statements"] == {}
