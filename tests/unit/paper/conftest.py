"""A ruler: where ink lies on a page, to a fraction of a pixel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from twelvelead.ecg.lead import LEADS


def centre(darkness: NDArray[Any]) -> float:
    """Centre of the ink along a line of pixels, in pixels from its edge."""
    weight = darkness.astype(float)
    return float((weight * (np.arange(len(weight)) + 0.5)).sum() / weight.sum())


def flat(fs_hz: float = 500.0, seconds: float = 10.0) -> NDArray[np.float32]:
    """Twelve leads at 0 mV."""
    return np.zeros((len(LEADS), round(fs_hz * seconds)), dtype=np.float32)


def wave(samples: int = 5000) -> NDArray[np.float32]:
    """Twelve leads of different triangles; whole numbers over a power of two, so the same on any machine."""
    index = np.arange(samples)
    return np.stack([((index * (lead + 3)) % 257 - 128) / 128 for lead in range(len(LEADS))]).astype(
        np.float32
    )


@pytest.fixture
def ink_centre() -> Callable[[NDArray[Any]], float]:
    return centre


@pytest.fixture
def flat_signal() -> Callable[..., NDArray[np.float32]]:
    return flat


@pytest.fixture
def wave_signal() -> Callable[..., NDArray[np.float32]]:
    return wave
