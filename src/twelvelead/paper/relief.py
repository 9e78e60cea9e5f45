"""A sheet that no longer lies flat: its height above the desk, from bends, folds and crumples.

One height does both things a real sheet's does: seen at an angle it displaces what is printed, and lit from
the side its slopes turn towards the light or away from it. Nothing but +, -, *, / and square roots, so the
same height on any machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twelvelead.paper.trace import compiled

Heights = NDArray[np.float32]

STEP_MM = 1.0  # of the raster of heights: a crease in paper is about a millimetre wide
BEND_MM = 26.0  # how far a fully bent sheet rises
FOLD_SLOPE = 0.24  # of the paper beside a full fold that has been smoothed out again
RIDGE_SLOPE = 0.62  # beside the crest of a full wrinkle
FOLDS = (  # where people fold a sheet: (angle of the line's normal in quarter turns, place across 0..1)
    ((0.0, 0.5),),
    ((1.0, 0.5),),
    ((0.0, 0.5), (1.0, 0.5)),
    ((0.0, 1 / 3), (0.0, 2 / 3)),
    ((0.0, 0.25), (0.0, 0.5), (0.0, 0.75)),
    ((0.42, 0.35), (-0.42, 0.7)),
    ((0.6, 0.3),),
    ((-0.35, 0.6), (1.0, 0.45)),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """What it takes to make a relief again: strengths 0..1 and seeds."""

    width_mm: float
    height_mm: float
    bend: float = 0.0
    crease: float = 0.0
    wrinkle: float = 0.0
    seeds: tuple[int, int, int] = (0, 0, 0)  # of bend, crease and wrinkle

    @property
    def flat(self) -> bool:
        """Nothing has happened to the sheet."""
        return not (self.bend or self.crease or self.wrinkle)


@dataclass(frozen=True)
class Relief:
    """The height of a sheet.

    Attributes:
        shape: What it was made from.
    """

    shape: Shape

    @cached_property
    def heights_mm(self) -> Heights:
        """(rows, columns) mm above the desk, a node every `STEP_MM` from the sheet's top left corner."""
        shape = self.shape
        rows = math.ceil(shape.height_mm / STEP_MM) + 1
        columns = math.ceil(shape.width_mm / STEP_MM) + 1
        heights = np.zeros((rows, columns), dtype=np.float32)
        if shape.bend:
            _add_bend(heights, *_bend(shape))
        if shape.crease:
            _add_folds(heights, _folds(shape))
        if shape.wrinkle:
            _add_ridges(heights, _ridges(shape))
        return heights

    def slopes(self) -> tuple[Heights, Heights]:
        """Rise per mm to the right and downwards at each node, taken over two steps."""
        across, down = np.zeros_like(self.heights_mm), np.zeros_like(self.heights_mm)
        _slopes(self.heights_mm, across, down)
        return across, down


def _draws(seed: int, purpose: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, purpose))))


def direction(turns: float) -> tuple[float, float]:
    """Cosine and sine of an angle in whole turns, rounded so that every libm agrees."""
    angle = 2 * math.pi * turns
    return round(math.cos(angle), 9), round(math.sin(angle), 9)


def _bend(shape: Shape) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(cos, sin, arch, wave) of the roll and, for each corner, (x, y, reach, lift)."""
    rng = _draws(shape.seeds[0], 0)
    quarter = rng.integers(0, 2) * 0.25
    along = direction(quarter + rng.uniform(-0.05, 0.05))
    arch = shape.bend * BEND_MM * rng.uniform(0.4, 1.0) * (-1.0, 1.0)[rng.integers(0, 2)]
    wave = shape.bend * BEND_MM * rng.uniform(-0.6, 0.6)
    corners = [
        (
            x,
            y,
            rng.uniform(0.25, 0.6) * shape.height_mm,
            shape.bend * BEND_MM * 0.9 * max(rng.uniform(-1, 1), 0.0),
        )
        for x in (0.0, shape.width_mm)
        for y in (0.0, shape.height_mm)
    ]
    return np.array([*along, arch, wave]), np.array(corners)


def _folds(shape: Shape) -> NDArray[np.float64]:
    """(cos, sin, offset, slope before, slope after, reach): a fold runs where x cos + y sin = offset."""
    rng = _draws(shape.seeds[1], 1)
    lines: Sequence[tuple[float, float]] = FOLDS[rng.integers(0, len(FOLDS))]
    up = (-1.0, 1.0)[rng.integers(0, 2)]
    folds = []
    for quarters, share in lines:
        cos, sin = direction((quarters + rng.uniform(-0.02, 0.02)) / 4)
        x = shape.width_mm * (share + rng.uniform(-0.03, 0.03))
        y = shape.height_mm * (share + rng.uniform(-0.03, 0.03))
        slope = shape.crease * FOLD_SLOPE * rng.uniform(0.5, 1.0) * up
        up = -up if rng.uniform() < 0.5 else up
        lean = rng.uniform(-0.7, 0.7)
        folds.append(
            (cos, sin, x * cos + y * sin, slope * (1 + lean), slope * (1 - lean), rng.uniform(50, 140))
        )
    return np.array(folds)


def _ridges(shape: Shape) -> NDArray[np.float64]:
    """(x, y, cos, sin, half length, width before, width after, height) of each wrinkle's crest.

    A few long ones that follow the squeeze of a hand, and more and more of shorter ones between them.
    """
    rng = _draws(shape.seeds[2], 2)
    squeeze = rng.uniform()
    scale = shape.height_mm / 150.0
    ridges = []
    for count, longest, spread, weight in (
        (9, 130.0, 0.07, 1.0),
        (26, 55.0, 0.2, 0.85),
        (70, 20.0, 0.5, 0.6),
    ):
        for _ in range(round(count * (0.35 + 0.65 * shape.wrinkle))):
            cos, sin = direction(squeeze + rng.uniform(-spread, spread))
            half = longest * scale * rng.uniform(0.3, 1.0)
            wide = half * rng.uniform(0.1, 0.28)
            lean = rng.uniform(0.35, 0.65)
            slope = (
                RIDGE_SLOPE * weight * shape.wrinkle * rng.uniform(0.15, 1.0) * (-1, 1)[rng.integers(0, 2)]
            )
            ridges.append(
                (
                    rng.uniform(-0.05, 1.05) * shape.width_mm,
                    rng.uniform(-0.05, 1.05) * shape.height_mm,
                    cos,
                    sin,
                    half,
                    max(2 * wide * lean, 3.0),
                    max(2 * wide * (1 - lean), 3.0),
                    slope * wide / 3,
                )
            )
    return np.array(ridges)


@compiled
def _add_bend(heights: Heights, roll: Any, corners: Any) -> None:
    rows, columns = heights.shape
    for row in range(rows):
        for column in range(columns):
            x, y = 2.0 * column / (columns - 1) - 1.0, 2.0 * row / (rows - 1) - 1.0
            t = x * roll[0] + y * roll[1]
            rise = roll[2] * (1.0 - t * t) * 0.5 + roll[3] * (t * t * t - t)
            for corner in range(corners.shape[0]):
                dx = column * STEP_MM - corners[corner, 0]
                dy = row * STEP_MM - corners[corner, 1]
                near = 1.0 - math.sqrt(dx * dx + dy * dy) / corners[corner, 2]
                if near > 0.0:
                    rise += corners[corner, 3] * near * near
            heights[row, column] += rise


@compiled
def _add_folds(heights: Heights, folds: Any) -> None:
    for row in range(heights.shape[0]):
        for column in range(heights.shape[1]):
            rise = 0.0
            for fold in range(folds.shape[0]):
                distance = column * STEP_MM * folds[fold, 0] + row * STEP_MM * folds[fold, 1] - folds[fold, 2]
                slope = folds[fold, 3] if distance < 0.0 else folds[fold, 4]
                distance = abs(distance)
                # Steepest at the crease; further away the paper has relaxed.
                rise -= slope * distance * folds[fold, 5] / (folds[fold, 5] + distance)
            heights[row, column] += rise


@compiled
def _add_ridges(heights: Heights, ridges: Any) -> None:
    rows, columns = heights.shape
    for ridge in range(ridges.shape[0]):
        x, y, cos, sin = ridges[ridge, 0], ridges[ridge, 1], ridges[ridge, 2], ridges[ridge, 3]
        half, before, after, top = ridges[ridge, 4], ridges[ridge, 5], ridges[ridge, 6], ridges[ridge, 7]
        wide = max(before, after)
        reach_x, reach_y = abs(cos) * half + abs(sin) * wide, abs(sin) * half + abs(cos) * wide
        first = max(math.ceil((y - reach_y) / STEP_MM), 0)
        last = min(math.floor((y + reach_y) / STEP_MM), rows - 1)
        left = max(math.ceil((x - reach_x) / STEP_MM), 0)
        right = min(math.floor((x + reach_x) / STEP_MM), columns - 1)
        for row in range(first, last + 1):
            dy = row * STEP_MM - y
            for column in range(left, right + 1):
                dx = column * STEP_MM - x
                along = (dx * cos + dy * sin) / half
                across = (dy * cos - dx * sin) * (1.0 + 0.35 * along)
                beside = 1.0 - (-across / before if across < 0.0 else across / after)
                middle = 1.0 - along * along
                if beside > 0.0 and middle > 0.0:
                    # Two nearly plane flanks: paper folds along lines rather than stretching.
                    heights[row, column] += top * beside * (0.4 + 0.6 * beside) * middle


@compiled
def _slopes(heights: Heights, across: Heights, down: Heights) -> None:
    rows, columns = heights.shape
    for row in range(rows):
        above, below = max(row - 1, 0), min(row + 1, rows - 1)
        for column in range(columns):
            left, right = max(column - 1, 0), min(column + 1, columns - 1)
            across[row, column] = (heights[row, right] - heights[row, left]) / ((right - left) * STEP_MM)
            down[row, column] = (heights[below, column] - heights[above, column]) / (
                (below - above) * STEP_MM
            )
