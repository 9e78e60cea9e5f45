"""The twelve leads: their order, their two spellings, and the four that follow from I and II."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

LEADS: tuple[str, ...] = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
"""Order of every (12, n) signal, in the spelling shown to people."""

WFDB_LEADS: tuple[str, ...] = tuple(name.upper() for name in LEADS)
"""The same leads as PTB-XL spells them on disk."""

INDEPENDENT: tuple[int, ...] = (0, 1, 6, 7, 8, 9, 10, 11)
"""Rows that carry information of their own: I, II, V1 to V6."""


def derive_limb(i: Floats, ii: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return III, aVR, aVL and aVF of leads I and II (Einthoven and Goldberger), same unit and shape."""
    return ii - i, -(i + ii) / 2, i - ii / 2, ii - i / 2
