"""Calibrated probabilities say how often it is so, and never change the order."""

import numpy as np
import pytest
from scipy.special import expit, logit

from twelvelead.evaluation.calibration import calibrated, fit
from twelvelead.evaluation.metrics import aucs, eces
from twelvelead.evaluation.predictions import Predictions


def told(records, *, seed=0, shift=0.0, scale=1.0, rates=(0.3, 0.1)):
    """Labels and the probabilities of a model that orders well but says too much."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=(records, len(rates))) * 2 + logit(np.array(rates))
    labels = (rng.random(score.shape) < expit(score)).astype(np.uint8)
    return labels, expit(score * scale + shift).astype(np.float32)


def test_too_loud_and_too_high_probabilities_come_to_mean_what_they_say():
    labels, raw = told(4000, shift=2.0, scale=1.7)
    fitted = fit(labels, raw)
    assert fitted.slope == pytest.approx([1 / 1.7] * 2, rel=0.15)
    fresh, again = told(4000, seed=1, shift=2.0, scale=1.7)
    assert eces(fresh, again).min() > 0.1
    assert eces(fresh, fitted.of(again)).max() < 0.03


def test_the_order_of_records_stays():
    labels, raw = told(500, shift=3.0)
    np.testing.assert_allclose(aucs(labels, fit(labels, raw).of(raw)), aucs(labels, raw), atol=1e-12)


@pytest.mark.parametrize("positives", [0, 1, 9])
def test_a_rare_statement_gets_another_level_and_no_slope(positives):
    labels, raw = told(300)
    labels[:] = 0
    labels[:positives] = 1
    fitted = fit(labels, raw)
    assert fitted.slope.tolist() == [1, 1]
    assert np.isfinite(fitted.intercept).all()
    assert fitted.of(raw).mean(axis=0) == pytest.approx([(positives + 0.5) / 300] * 2, abs=0.01)


def test_a_model_that_orders_the_wrong_way_is_not_turned_round():
    labels, raw = told(2000)
    wrong = 1 - raw
    fitted = fit(labels, wrong)
    assert (fitted.slope == 1).all()
    assert (aucs(labels, fitted.of(wrong)) < 0.5).all()


def test_certainty_and_equal_scores_stay_finite():
    labels, _ = told(100)
    for raw in (np.zeros((100, 2)), np.ones((100, 2)), np.full((100, 2), 0.5), labels.astype(float)):
        found = fit(labels, raw).of(raw)
        assert np.isfinite(found).all()
        assert ((found >= 0) & (found <= 1)).all()


def test_each_model_goes_through_its_own_map_and_controls_through_their_model_s():
    labels, raw = told(400, shift=2)
    names = np.array([str(n) for n in range(400)])
    both = Predictions(("NORM", "AFIB"), names, names, labels, {"one": raw, "two": raw / 2})
    maps = {name: fit(labels, values) for name, values in both.probabilities.items()}
    found = calibrated(both, maps)
    assert np.array_equal(found.probabilities["two"], maps["two"].of(raw / 2))
    blind = Predictions(("NORM", "AFIB"), names, names, labels, {"blank": raw})
    through = calibrated(blind, maps, control_of="one").probabilities["blank"]
    assert np.array_equal(through, found.probabilities["one"])
