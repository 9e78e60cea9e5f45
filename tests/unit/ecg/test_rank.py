"""The quick medians and quantiles are numpy's own to the bit."""

import numpy as np
import pytest

from twelvelead.ecg.rank import FEW, MOST, median, median_down, medians, quantile


@pytest.mark.parametrize("n", [*range(1, 14), 20, MOST, MOST + 1])
def test_the_median_down_is_numpys_for_any_number_of_beats(n: int) -> None:
    rng = np.random.default_rng(n)
    beats = np.concatenate([rng.normal(size=(n, 12, 40)), rng.integers(0, 3, (n, 12, 40)) / 3], axis=2)
    before = beats.copy()
    assert np.array_equal(median_down(beats), np.median(beats, axis=0))
    assert np.array_equal(beats, before), "the beats are still needed"
    small = beats.astype(np.float32)
    assert np.array_equal(median_down(small), np.median(small, axis=0))


@pytest.mark.parametrize("n", [1, 2, 3, 10, 51, 50 * FEW])
def test_medians_and_quantiles_of_rows_are_numpys(n: int) -> None:
    rng = np.random.default_rng(n)
    for rows in (rng.normal(size=(3, n)), rng.integers(0, 4, (3, n)) / 4):
        for share in (0.0, 0.2, 0.5, 0.98, 1.0):
            assert np.array_equal(quantile(rows, share), np.quantile(rows, share, axis=1))
            assert quantile(rows[0], share) == np.quantile(rows[0], share)
        assert median(rows[0]) == np.median(rows[0])
        for kind in (np.float32, np.float64):
            assert np.array_equal(medians(rows.astype(kind)), np.median(rows.astype(kind), axis=1))
