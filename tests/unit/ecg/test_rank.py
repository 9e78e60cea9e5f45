"""The quick medians and quantiles are numpy's own to the bit."""

import numpy as np
import pytest

from twelvelead.ecg.rank import MOST, median, median_beat, quantile


@pytest.mark.parametrize("n", [*range(1, 14), 20, MOST, MOST + 1])
def test_the_median_beat_is_numpys_for_any_number_of_beats(n: int) -> None:
    rng = np.random.default_rng(n)
    beats = np.concatenate([rng.normal(size=(n, 12, 40)), rng.integers(0, 3, (n, 12, 40)) / 3], axis=2)
    before = beats.copy()
    assert np.array_equal(median_beat(beats), np.median(beats, axis=0))
    assert np.array_equal(beats, before), "the beats are still needed"


@pytest.mark.parametrize("n", [1, 2, 3, 10, 51])
def test_median_and_quantiles_of_a_row_are_numpys(n: int) -> None:
    rows = np.random.default_rng(n).normal(size=(3, n))
    for share in (0.0, 0.2, 0.5, 0.98, 1.0):
        assert np.array_equal(quantile(rows, share), np.quantile(rows, share, axis=1))
    assert median(rows[0]) == np.median(rows[0])
