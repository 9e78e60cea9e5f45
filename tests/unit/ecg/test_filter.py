"""Continuing a signal past its ends."""

import numpy as np
import pytest

from twelvelead.ecg.filter import mirror


@pytest.mark.parametrize(("left", "right"), [(0, 0), (3, 5), (9, 9), (4, 30), (25, 2)])
def test_a_mirrored_signal_is_what_numpy_pads(left: int, right: int) -> None:
    x = np.random.default_rng(1).normal(size=(2, 10))
    padded = np.pad(x, ((0, 0), (left, right)), mode="reflect", reflect_type="odd")
    assert np.array_equal(mirror(x, left, right), padded)
