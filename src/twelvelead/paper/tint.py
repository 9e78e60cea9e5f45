"""Colours of a photograph's sheet, ink and desk as Y, Cb and Cr, and the profile of its grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twelvelead.paper.desk import Desk
from twelvelead.paper.grid import (
    COARSE_LEVEL,
    DOT_WIDTH_MM,
    FAINT,
    MAJOR_LEVEL,
    MAJOR_MM,
    MAJOR_WIDTH_MM,
    MIN_PX_MM,
    MINOR_LEVEL,
    MINOR_MM,
    MINOR_WIDTH_MM,
)
from twelvelead.paper.kernel import PHASES, REACH, TILE
from twelvelead.paper.relief import direction
from twelvelead.paper.warp import PERIOD_MM

Colour = tuple[int, int, int]
Gain = tuple[float, float, float]

WARM, COLD = (0.06, -0.12, -0.46), (-0.34, -0.12, 0.05)  # of a white's R, G, B: lamplight, open shade


def white_balance(strength: float, rng: np.random.Generator) -> Gain:
    """Gains of R, G and B of a camera that took the lamp for something else."""
    if not strength:
        return 1.0, 1.0, 1.0
    shift = WARM if rng.uniform() < 0.6 else COLD
    part = strength * rng.uniform(0.5, 1.0)
    green = strength * rng.uniform(-0.06, 0.06)
    return 1 + part * shift[0], 1 + part * shift[1] + green, 1 + part * shift[2]


def planes(rgb: NDArray[np.int64]) -> NDArray[np.int32]:
    """(n, 3) RGB → (n, 3) Y, Cb - 128, Cr - 128 (JFIF, ITU-T T.871), in 16-bit fractions."""
    red, green, blue = rgb[:, 0], rgb[:, 1], rgb[:, 2]
    half = 1 << 15
    return np.stack(
        [
            (19595 * red + 38470 * green + 7471 * blue + half) >> 16,
            (-11059 * red - 21709 * green + 32768 * blue + half) >> 16,
            (32768 * red - 27439 * green - 5329 * blue + half) >> 16,
        ],
        axis=1,
    ).astype(np.int32)


def _seen(rgb: tuple[int, ...], gain: Gain) -> NDArray[np.int64]:
    return np.array([min(round(level * share), 255) for level, share in zip(rgb, gain, strict=True)])


def sheet_colours(paper: Colour, grid: Colour, gain: Gain) -> NDArray[np.int32]:
    """(3, 256) planes by level of the grid, 0 paper to 255 a major line."""
    white, line = _seen(paper, gain), _seen(grid, gain)
    level = np.arange(256)[:, None]
    return np.ascontiguousarray(planes((white * (255 - level) + line * level + 127) // 255).T)


def ink_colours(inks: tuple[Colour, Colour, Colour], gain: Gain) -> NDArray[np.int32]:
    """(3, 3) planes of trace, print and pen."""
    return planes(np.stack([_seen(ink, gain) for ink in inks]))


def desk_look(desk: Desk, gain: Gain, px_mm: float, turns: float) -> NDArray[np.int32]:
    """Colour, strength and steps of a desk's texture as the kernel takes them."""
    colour = planes(_seen(desk.rgb, gain)[None])[0]
    cos, sin = direction(turns)
    step = TILE / (desk.tile_mm * px_mm) * 256
    right, down = round(step * cos), round(step * sin)
    return np.array([*colour, desk.strength, right, down, -down, right], dtype=np.int32)


def contact(depth: float, reach_mm: float) -> NDArray[np.int32]:
    """Light on the desk by distance from the sheet that shades it."""
    away_mm = np.arange(REACH) * (PERIOD_MM / 64)
    near = np.clip(1.0 - away_mm / reach_mm, 0.0, 1.0)
    return np.rint(256 * (1.0 - depth * near * near)).astype(np.int32)


def grid_profiles(px_mm: float, form: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Levels of lines and of dots over one period, blurred by a pixel's width.

    Args:
        px_mm: Pixels a millimetre.
        form: As in grid.py; "none" for bare paper.
    """
    none = np.zeros(PHASES, dtype=np.uint8)
    if form == "none":
        return none, none
    strong = FAINT if form == "faint" else 1.0
    major = _profile(px_mm, MAJOR_MM, MAJOR_WIDTH_MM)
    if px_mm < MIN_PX_MM:
        return _levels(COARSE_LEVEL * strong * major), none
    if form == "coarse":
        return _levels(MAJOR_LEVEL * major), none
    minor = _profile(px_mm, MINOR_MM, MINOR_WIDTH_MM)
    if form == "dotted":
        dot = _profile(px_mm, MINOR_MM, DOT_WIDTH_MM)
        return _levels(np.rint(MAJOR_LEVEL * major) // 2), _levels(MAJOR_LEVEL * dot)
    return _levels(strong * np.maximum(MAJOR_LEVEL * major, MINOR_LEVEL * minor)), none


def _levels(sixteenths: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.rint(np.rint(sixteenths) * 17).astype(np.uint8)


def _profile(px_mm: float, step_mm: float, width_mm: float) -> NDArray[np.float64]:
    """Share of a pixel under lines `step_mm` apart, by the place of its centre within a period."""
    place_mm = (np.arange(PHASES) + 0.5) * (PERIOD_MM / PHASES)
    away_px = np.abs(place_mm - np.rint(place_mm / step_mm) * step_mm) * px_mm
    width_px = max(1.0, width_mm * px_mm)
    return np.clip(width_px / 2 + 0.5 - away_px, 0.0, min(width_px, 1.0))
