"""What lies under the sheet: wood, cloth, a plain table, or the lid of a scanner."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from twelvelead.paper.kernel import TILE
from twelvelead.paper.trace import compiled


@dataclass(frozen=True, slots=True)
class Desk:
    """One kind of ground: its colour (RGB), the tile that textures it, how strong, and how large in mm."""

    rgb: tuple[int, int, int]
    texture: str
    strength: int
    tile_mm: float


LID = Desk((248, 248, 247), "plain", 2, 200.0)
DESKS = (
    Desk((142, 108, 74), "wood", 30, 330.0),
    Desk((118, 84, 54), "wood", 30, 300.0),
    Desk((176, 141, 102), "wood", 22, 380.0),
    Desk((52, 50, 52), "wood", 16, 260.0),
    Desk((40, 42, 46), "plain", 9, 220.0),
    Desk((96, 98, 104), "plain", 10, 240.0),
    Desk((198, 196, 190), "plain", 7, 260.0),
    Desk((70, 56, 104), "cloth", 16, 90.0),
    Desk((58, 78, 108), "cloth", 18, 80.0),
    Desk((150, 156, 160), "cloth", 14, 90.0),
)


@lru_cache(maxsize=3)
def texture(name: str) -> NDArray[np.int8]:
    """(`TILE`, `TILE`) -127..127 that meets itself at its edges: "wood", "cloth" or "plain"."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((12, 9, *name.encode()))))
    if name == "wood":
        # Slow bands across the boards, drawn out along them, and short dark pores.
        height = np.zeros((TILE, TILE))
        for across, along, weight in ((8, 2, 0.8), (32, 3, 0.9), (128, 6, 0.8), (256, 24, 0.55)):
            height += weight * _noise(rng, across, along)
        pores = _noise(rng, 256, 32)
        height -= 1.6 * np.clip(pores - 0.45, 0.0, 1.0)
        return _levels(height * 60)
    if name == "cloth":
        warp = np.arange(TILE) % 4
        weave = np.where((warp[:, None] < 2) == (warp[None, :] < 2), 0.6, -0.6)
        return _levels((weave + 0.7 * _noise(rng, 128, 128) + 0.5 * _noise(rng, 8, 8)) * 60)
    return _levels((0.6 * _noise(rng, 256, 256) + 0.7 * _noise(rng, 6, 6) + 0.4 * _noise(rng, 32, 32)) * 60)


def _levels(height: NDArray[np.float64]) -> NDArray[np.int8]:
    return np.rint(np.clip(height, -127, 127)).astype(np.int8)


def _noise(rng: np.random.Generator, down: int, across: int) -> NDArray[np.float64]:
    """Smooth noise -1..1 with so many cells down and across the tile."""
    knots = rng.integers(-1000, 1001, size=(down, across)) / 1000
    out = np.empty((TILE, TILE))
    _smooth(knots, out)
    return out


@compiled
def _smooth(knots: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    rows, columns = knots.shape
    for row in range(out.shape[0]):
        y = row * rows / out.shape[0]
        top = int(y)
        fy = y - top
        fy = fy * fy * (3.0 - 2.0 * fy)
        for column in range(out.shape[1]):
            x = column * columns / out.shape[1]
            left = int(x)
            fx = x - left
            fx = fx * fx * (3.0 - 2.0 * fx)
            right, below = (left + 1) % columns, (top + 1) % rows
            out[row, column] = (knots[top, left] * (1.0 - fx) + knots[top, right] * fx) * (1.0 - fy) + (
                knots[below, left] * (1.0 - fx) + knots[below, right] * fx
            ) * fy
