"""Millimetre paper: a line every millimetre where pixels can show it, a stronger one every five."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MINOR_MM, MAJOR_MM = 1.0, 5.0
MINOR_WIDTH_MM, MAJOR_WIDTH_MM = 0.15, 0.25
MINOR_LEVEL, MAJOR_LEVEL, COARSE_LEVEL = 7, 15, 6
MIN_PX_MM = 2.5  # below it, lines 1 mm apart melt into a tint, and full 5 mm lines rival the trace

FAINT = 0.45  # share of a line's strength on faint paper
DOT_WIDTH_MM = 0.3

COLOURS = {
    "red": (238, 158, 158), "pink": (244, 186, 200), "grey": (178, 178, 178), "blue": (150, 178, 222),
    "beige": (214, 186, 146), "none": (255, 255, 255),
}  # fmt: skip
PAPERS = {
    "red": (255, 252, 250), "pink": (255, 246, 247), "grey": (255, 255, 255), "blue": (252, 254, 255),
    "beige": (253, 248, 236), "none": (255, 255, 255),
}  # fmt: skip


def grid_levels(height_px: int, width_px: int, px_mm: float, form: str = "lines") -> NDArray[np.uint8]:
    """How strongly the grid is printed at each pixel: (height, width), 0 paper to 15 a major line.

    Args:
        height_px: Of the page.
        width_px: Of the page.
        px_mm: Pixels a millimetre.
        form: "lines"; "faint" ones; "dotted": a dot every millimetre between the 5 mm lines; "coarse": 5 mm
            lines alone.
    """
    if form == "dotted" and px_mm >= MIN_PX_MM:
        rows, columns = _profile(height_px, px_mm, "coarse"), _profile(width_px, px_mm, "coarse")
        down, across = (
            _coverage(length, MINOR_MM * px_mm, max(1.0, DOT_WIDTH_MM * px_mm))
            for length in (height_px, width_px)
        )
        dots = np.rint(MAJOR_LEVEL * down[:, None] * across[None, :]).astype(np.uint8)
        return np.maximum(dots, np.maximum(rows[:, None], columns[None, :]) // 2)
    rows, columns = _profile(height_px, px_mm, form), _profile(width_px, px_mm, form)
    return np.maximum(rows[:, None], columns[None, :])


def _profile(length_px: int, px_mm: float, form: str) -> NDArray[np.uint8]:
    strength = FAINT if form == "faint" else 1.0
    major = _coverage(length_px, MAJOR_MM * px_mm, max(1.0, MAJOR_WIDTH_MM * px_mm))
    if px_mm < MIN_PX_MM:
        return np.rint(COARSE_LEVEL * strength * major).astype(np.uint8)
    if form == "coarse":
        return np.rint(MAJOR_LEVEL * major).astype(np.uint8)
    minor = _coverage(length_px, MINOR_MM * px_mm, max(1.0, MINOR_WIDTH_MM * px_mm))
    return np.rint(strength * np.maximum(MAJOR_LEVEL * major, MINOR_LEVEL * minor)).astype(np.uint8)


def _coverage(length_px: int, step_px: float, width_px: float) -> NDArray[np.float64]:
    """Share of each pixel under lines `step_px` apart.

    The first runs through the middle of pixel 0, so that a whole number of pixels a millimetre gives crisp
    lines instead of pairs of half-toned pixels.
    """
    left = np.arange(length_px, dtype=np.float64)
    centres = np.arange(0.5, length_px + step_px, step_px)
    nearest = np.rint(left / step_px).astype(np.intp)
    share = np.zeros(length_px)
    for line in (nearest - 1, nearest, nearest + 1):  # no further line reaches a pixel
        centre = centres[np.clip(line, 0, len(centres) - 1)]
        overlap = np.minimum(left + 1.0, centre + width_px / 2) - np.maximum(left, centre - width_px / 2)
        share = np.maximum(share, np.clip(overlap, 0.0, 1.0))
    return share
