"""Folds: patients whole, marks even, tests owed what they need."""

from collections import Counter

import numpy as np
import pytest

from twelvelead.simulate import folds


def test_folds_spread_a_rare_mark_evenly_and_keep_groups_whole():
    groups = [float(k // 2) for k in range(400)]
    marks = [frozenset({"rare"} if k % 20 == 0 else {"common"}) for k in range(400)]
    fold = folds.assign(groups, marks, np.random.default_rng(1))
    assert all(fold[k] == fold[k + 1] for k in range(0, 400, 2))
    rare = Counter(f for f, mark in zip(fold, marks, strict=True) if "rare" in mark)
    assert set(rare.values()) == {2}
    assert max(Counter(fold).values()) - min(Counter(fold).values()) <= 6


def test_a_mark_can_be_kept_out_of_the_test_folds_or_be_frequent_there():
    rng = np.random.default_rng(2)
    reader = rng.choice(["a", "b", "c"], 3_000, p=[0.3, 0.4, 0.3])
    marks = [frozenset({name, f"label {rng.integers(5)}"}) for name in reader]
    share = {"a": 0.0, "b": 0.10, "c": 0.20}
    fold = np.array(folds.assign(list(range(3_000)), marks, rng, test_share=share))
    for name, wanted in share.items():
        for test in (9, 10):
            assert np.mean(fold[reader == name] == test) == pytest.approx(wanted, abs=0.01)
    for k in range(5):
        carries = np.array([f"label {k}" in mark for mark in marks])
        assert Counter(fold[carries])[9] == pytest.approx(carries.sum() / 10, rel=0.1)


def test_the_fewest_are_owed_to_training_and_to_both_tests():
    rng = np.random.default_rng(3)
    marks = [frozenset({f"label {k % 40}", f"other {rng.integers(40)}"}) for k in range(400)]
    least = {f"{kind} {k}": (3, 1) for k in range(40) for kind in ("label", "other")}
    fold = np.array(folds.assign(list(range(400)), marks, rng, least=least))
    for name, (train, test) in least.items():
        carried = fold[[name in mark for mark in marks]]
        if carried.size >= train + 2 * test:
            assert (carried <= 8).sum() >= train
            assert (carried == 9).sum() >= test
            assert (carried == 10).sum() >= test


def test_what_is_too_rare_to_be_owed_stays_where_it_falls():
    marks = [frozenset({"only"} if k == 0 else {"common"}) for k in range(50)]
    fold = folds.assign(list(range(50)), marks, np.random.default_rng(4), least={"only": (3, 1)})
    assert sorted(set(fold)) == list(range(1, 11))
