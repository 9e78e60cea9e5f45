"""What a lens, a sensor and a copier do to a plane of pixels, in integers."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from twelvelead.paper.kernel import TILE
from twelvelead.paper.relief import direction
from twelvelead.paper.trace import Mask, compiled

FULL = 256  # sum of the weights of a blur
SCREEN = 16  # side of the copier's cell in its own steps
BAND = 32  # rows that share one offset into the noise


@compiled
def spread(source: Mask, taps: NDArray[np.int32], line: NDArray[np.int32], out: Mask) -> None:
    """Convolve; beyond the edge the picture goes on as its last pixel.

    Args:
        source: (height, width) uint8.
        taps: (n, 3) row offset, column offset, weight; the weights sum to `FULL`.
        line: (width,) scratch.
        out: (height, width) uint8, not the source.
    """
    height, width = source.shape
    for row in range(height):
        line[:] = FULL // 2
        for tap in range(taps.shape[0]):
            at = min(max(row + taps[tap, 0], 0), height - 1)
            shift, weight = taps[tap, 1], taps[tap, 2]
            first, last = max(-shift, 0), min(width, width - shift)
            for column in range(first):
                line[column] += weight * np.int32(source[at, 0])
            whole, moved = line[first:last], source[at, first + shift : last + shift]
            for column in range(last - first):
                whole[column] += weight * np.int32(moved[column])
            for column in range(last, width):
                line[column] += weight * np.int32(source[at, width - 1])
        for column in range(width):
            out[row, column] = line[column] >> 8


def gaussian_taps(sigma_px: float) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Taps along a row and along a column: a bell of four parabolas' convolution, near a Gaussian."""
    reach = max(math.ceil(2.6 * sigma_px), 1)
    hump = [
        max(1.0 - offset * offset / (9.0 * sigma_px * sigma_px), 0.0) for offset in range(-reach, reach + 1)
    ]
    weights = _whole([share * share * share * share for share in hump])
    return (
        np.array([(0, offset - reach, weight) for offset, weight in enumerate(weights)], dtype=np.int32),
        np.array([(offset - reach, 0, weight) for offset, weight in enumerate(weights)], dtype=np.int32),
    )


def motion_taps(length_px: float, turns: float) -> NDArray[np.int32]:
    """Taps of a camera that moved by a length in a direction while it looked."""
    cos, sin = direction(turns)
    count = max(math.ceil(length_px), 1) + 1
    parts: dict[tuple[int, int], float] = {}
    for step in range(count):
        along = length_px * (step / (count - 1) - 0.5)
        x, y = along * cos, along * sin
        left, top = math.floor(x), math.floor(y)
        for dy, dx in ((0, 0), (0, 1), (1, 0), (1, 1)):
            weight = (1 - abs(x - left - dx)) * (1 - abs(y - top - dy))
            parts[top + dy, left + dx] = parts.get((top + dy, left + dx), 0.0) + weight
    places = sorted(parts)
    weights = _whole([parts[place] for place in places])
    return np.array([(*place, weight) for place, weight in zip(places, weights, strict=True)], dtype=np.int32)


def _whole(parts: list[float]) -> list[int]:
    """Weights in whole numbers that sum to `FULL`; what rounding leaves goes to the largest."""
    total = math.fsum(parts)
    weights = [round(part / total * FULL) for part in parts]
    weights[weights.index(max(weights))] += FULL - sum(weights)
    return weights


@lru_cache(maxsize=1)
def noise_tile() -> NDArray[np.int8]:
    """(`TILE`, `TILE`) grains of a sensor after its own smoothing: neighbours agree a little."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((12, 7))))
    raw = rng.integers(-96, 97, size=(4, TILE, TILE), dtype=np.int16).sum(axis=0, dtype=np.int16) // 2
    smooth = 4 * raw
    for axis in (0, 1):
        smooth += np.roll(raw, 1, axis=axis) + np.roll(raw, -1, axis=axis)
    return np.clip(smooth // 5, -127, 127).astype(np.int8)


@compiled
def add_noise(plane: Mask, tile: NDArray[np.int8], offsets: NDArray[np.int32], strength: int) -> None:
    """Add grains, in place.

    Args:
        plane: (height, width) uint8.
        tile: Of `noise_tile`.
        offsets: (bands, 2) row and column of the tile, one a band of `BAND` rows.
        strength: Levels of a full grain.
    """
    height, width = plane.shape
    side = tile.shape[0]
    for row in range(height):
        down = (row + offsets[row // BAND, 0]) % side
        start = offsets[row // BAND, 1] % side
        first = 0
        while first < width:
            count = min(side - start, width - first)
            pixels, grains = plane[row, first : first + count], tile[down, start : start + count]
            for column in range(count):
                level = pixels[column] + ((grains[column] * strength + 64) >> 7)
                pixels[column] = min(max(level, 0), 255)
            first += count
            start = 0


@lru_cache(maxsize=1)
def _screen() -> NDArray[np.int16]:
    """(`SCREEN`, `SCREEN`) thresholds -127..127 of a round dot that grows with darkness."""
    centre = np.abs(np.arange(SCREEN) * 2 + 1 - SCREEN)
    spot = centre[:, None] + centre[None, :]
    order = np.argsort(np.argsort(spot.ravel(), kind="stable"), kind="stable")
    return (order * 255 // (SCREEN * SCREEN) - 127).astype(np.int16).reshape(SCREEN, SCREEN)


def screen(plane: Mask, cell_px: float, turns: float, strength: float) -> None:
    """Print the plane through a copier's screen, in place: middle tones break up into dots."""
    cos, sin = direction(turns)
    step = SCREEN * 256 / cell_px
    _print_screen(plane, _screen(), round(step * cos), round(step * sin), round(strength * 256))


@compiled
def _print_screen(plane: Mask, thresholds: NDArray[np.int16], right: int, down: int, strength: int) -> None:
    height, width = plane.shape
    for row in range(height):
        u, v = -row * down, row * right
        for column in range(width):
            level = np.int64(plane[row, column])
            limit = np.int64(thresholds[(v >> 8) & (SCREEN - 1), (u >> 8) & (SCREEN - 1)])
            # Paper and full ink stay; what lies between goes where its dot decides.
            swing = (4 * level * (255 - level)) >> 8
            printed = level + ((((level - 128 - limit) * swing) >> 8) * strength >> 8)
            plane[row, column] = min(max(printed, np.int64(0)), np.int64(255))
            u += right
            v += down
