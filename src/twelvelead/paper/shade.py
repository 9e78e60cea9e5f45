"""The light on a photograph: lamp, lens, shadows, folds and stains, as coarse fields with a node every 4 px.

Light is smooth, so a node every four pixels holds all of it; the pass over the pixels runs straight lines
between the nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twelvelead.paper.kernel import FINE, NODE_PX, UNIT, Field
from twelvelead.paper.relief import STEP_MM, Heights
from twelvelead.paper.trace import compiled
from twelvelead.paper.warp import CELL_PX, PERIOD_MM, STEPS, Warp

Plane = NDArray[np.float32]

BESIDE = 16.0  # nodes this near the sheet, in steps of the relief, are lit as its edge is
CLOUDS = 64  # side of the tile of smooth noise
WAVES = 1024  # entries of a cosine


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """Fields over one picture, float until `fields` is asked for.

    Attributes:
        x_mm: Place on the paper under each node, (rows, columns).
        y_mm: Likewise.
        light: 1 leaves a pixel of the sheet as it is.
        room: Likewise on the desk.
        blue: Added to Cb, in levels.
        red: Added to Cr, in levels.
        fade: Strength of the ink, 1 is full.
    """

    x_mm: Plane
    y_mm: Plane
    light: Plane
    room: Plane
    blue: Plane
    red: Plane
    fade: Plane

    @classmethod
    def even(cls, warp: Warp) -> Light:
        """Full, white, even light."""
        shape = warp.height_px // NODE_PX + 2, -(-warp.width_px // CELL_PX) * (CELL_PX // NODE_PX) + 1
        x_mm, y_mm = np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.float32)
        _places(warp.mesh, x_mm, y_mm)
        ones, zeros = np.ones(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
        return cls(x_mm, y_mm, ones, ones.copy(), zeros, zeros.copy(), ones.copy())

    def fields(self) -> tuple[Field, Field, Field, Field, Field]:
        """Light, room, blue, red and fade as the kernel takes them."""
        return (
            _whole(self.light * self.room, UNIT),
            _whole(self.room, UNIT),
            _whole(self.blue, FINE),
            _whole(self.red, FINE),
            _whole(self.fade, 256),
        )


def _whole(field: Plane, unit: int) -> Field:
    return np.rint(np.clip(field * np.float32(unit), -32000, 32000)).astype(np.int16)


@lru_cache(maxsize=1)
def clouds() -> Plane:
    """(`CLOUDS`, `CLOUDS`) numbers -1..1 that smooth noise runs between."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((12, 8))))
    return (rng.integers(-1000, 1001, size=(CLOUDS, CLOUDS)) / 1000).astype(np.float32)


@lru_cache(maxsize=1)
def wave() -> Plane:
    """A cosine over one turn, rounded so that every libm agrees."""
    return np.round(np.cos(np.arange(WAVES) * (2 * np.pi / WAVES)), 4).astype(np.float32)


@compiled
def cloud(tile: Plane, x: float, y: float) -> float:
    """Smooth noise -1..1 at a place, cells of one unit."""
    left, top = int(np.floor(x)), int(np.floor(y))
    fx, fy = x - left, y - top
    fx, fy = fx * fx * (3.0 - 2.0 * fx), fy * fy * (3.0 - 2.0 * fy)
    west, east, north, south = left & 63, (left + 1) & 63, top & 63, (top + 1) & 63
    above = tile[north, west] * (1.0 - fx) + tile[north, east] * fx
    below = tile[south, west] * (1.0 - fx) + tile[south, east] * fx
    return above * (1.0 - fy) + below * fy


@compiled
def _places(mesh: NDArray[np.int32], x_mm: Plane, y_mm: Plane) -> None:
    share = PERIOD_MM / STEPS
    for row in range(x_mm.shape[0]):
        top = min(row * NODE_PX // CELL_PX, mesh.shape[1] - 2)
        fy = (row * NODE_PX - top * CELL_PX) / CELL_PX
        for column in range(x_mm.shape[1]):
            left = min(column * NODE_PX // CELL_PX, mesh.shape[2] - 2)
            fx = (column * NODE_PX - left * CELL_PX) / CELL_PX
            for axis in range(2):
                above = mesh[axis, top, left] * (1.0 - fx) + mesh[axis, top, left + 1] * fx
                below = mesh[axis, top + 1, left] * (1.0 - fx) + mesh[axis, top + 1, left + 1] * fx
                place = (above * (1.0 - fy) + below * fy) * share
                if axis == 0:
                    x_mm[row, column] = place
                else:
                    y_mm[row, column] = place


@compiled
def shine(
    light: Plane, blue: Plane, red: Plane, lamp: Any, lens: float, grain: float, warm: float, tile: Plane
) -> None:
    """A lamp that is nearer to one side, a lens that is darker in its corners, paper that is never even.

    Args:
        light: Field, changed in place.
        blue: Field, changed in place.
        red: Field, changed in place.
        lamp: x, y of its foot as shares of the picture, how fast it falls off, brightness at the foot.
        lens: Darkening of the corners.
        grain: Unevenness of the paper.
        warm: Levels of warmth that the lamp's light gains over the light of the room.
        tile: Of `clouds`.
    """
    rows, columns = light.shape
    aspect = columns / rows
    corner = 0.25 * (aspect * aspect + 1.0)
    for row in range(rows):
        y = row / rows
        for column in range(columns):
            x = column / columns
            dx, dy = (x - lamp[0]) * aspect, y - lamp[1]
            near = 1.0 / (1.0 + lamp[2] * (dx * dx + dy * dy))
            cx, cy = (x - 0.5) * aspect, y - 0.5
            far = (cx * cx + cy * cy) / corner
            level = lamp[3] * near * (1.0 - lens * far * far)
            level *= 1.0 + grain * (
                cloud(tile, column * 0.4, row * 0.4) + cloud(tile, column * 0.06, row * 0.06)
            )
            light[row, column] *= level
            blue[row, column] -= warm * (near - 0.5)
            red[row, column] += 0.7 * warm * (near - 0.5)


@compiled
def relieve(
    light: Plane, x_mm: Plane, y_mm: Plane, across: Heights, down: Heights, sun: Any, size: Any
) -> None:
    """Slopes turned to the lamp are brighter, those turned away darker (Lambert's cosine law).

    Args:
        light: Field, changed in place.
        x_mm: Place on the paper under each node.
        y_mm: Likewise.
        across: Slopes to the right at each node of the relief.
        down: Slopes downwards.
        sun: Direction of the lamp times the cotangent of its height, x and y.
        size: Width and height of the sheet in mm.
    """
    rows, columns = across.shape
    for row in range(light.shape[0]):
        for column in range(light.shape[1]):
            x, y = x_mm[row, column] / STEP_MM, y_mm[row, column] / STEP_MM
            if x < -BESIDE or y < -BESIDE or x > size[0] + BESIDE or y > size[1] + BESIDE:
                continue
            x, y = min(max(x, 0.0), columns - 1.001), min(max(y, 0.0), rows - 1.001)
            left, top = int(x), int(y)
            fx, fy = x - left, y - top
            a, b, c, d = (1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy
            gx = (
                across[top, left] * a
                + across[top, left + 1] * b
                + across[top + 1, left] * c
                + across[top + 1, left + 1] * d
            )
            gy = (
                down[top, left] * a
                + down[top, left + 1] * b
                + down[top + 1, left] * c
                + down[top + 1, left + 1] * d
            )
            facing = (1.0 - sun[0] * gx - sun[1] * gy) / np.sqrt(1.0 + gx * gx + gy * gy)
            # Light from the room keeps the dark sides from being black; glare is cut off by the sensor.
            light[row, column] *= min(max(facing, 0.35), 1.45)


@compiled
def shadow(light: Plane, blue: Plane, boxes: Any, limbs: Any, depth: float, soft: float, cold: float) -> None:
    """Something between lamp and sheet: boxes (phones, heads, window frames) and limbs (fingers, arms).

    Args:
        light: Field, changed in place.
        blue: Field, changed in place.
        boxes: (n, 6) centre x, y, direction cos, sin, half length, half width, in nodes.
        limbs: (n, 5) from x, y to x, y, half width, in nodes.
        depth: Share of the light that it takes.
        soft: Half width of its edge, in nodes.
        cold: Levels by which what is left is bluer.
    """
    for row in range(light.shape[0]):
        for column in range(light.shape[1]):
            nearest = 1e9
            for box in range(boxes.shape[0]):
                dx, dy = column - boxes[box, 0], row - boxes[box, 1]
                along = abs(dx * boxes[box, 2] + dy * boxes[box, 3]) - boxes[box, 4]
                beside = abs(dy * boxes[box, 2] - dx * boxes[box, 3]) - boxes[box, 5]
                nearest = min(nearest, max(along, beside))
            for limb in range(limbs.shape[0]):
                ax, ay = limbs[limb, 2] - limbs[limb, 0], limbs[limb, 3] - limbs[limb, 1]
                dx, dy = column - limbs[limb, 0], row - limbs[limb, 1]
                share = min(max((dx * ax + dy * ay) / (ax * ax + ay * ay), 0.0), 1.0)
                ex, ey = dx - share * ax, dy - share * ay
                nearest = min(nearest, np.sqrt(ex * ex + ey * ey) - limbs[limb, 4])
            deep = min(max((soft - nearest) / (2.0 * soft), 0.0), 1.0)
            deep *= deep * (3.0 - 2.0 * deep)
            light[row, column] *= 1.0 - depth * deep
            blue[row, column] += cold * deep


@compiled
def ripple(light: Plane, blue: Plane, red: Plane, waves: Any, strength: float, table: Plane) -> None:
    """Moiré: where the sensor's raster beats with a printed or lit one, in slowly bending coloured bands.

    Args:
        light: Field, changed in place.
        blue: Field, changed in place.
        red: Field, changed in place.
        waves: (n, 4) turns a node to the right and downwards, and how they bend.
        strength: 0..1.
        table: Of `wave`.
    """
    rows, columns = light.shape
    for index in range(waves.shape[0]):
        for row in range(rows):
            y = row - rows / 2
            for column in range(columns):
                x = column - columns / 2
                phase = (
                    x * waves[index, 0]
                    + y * waves[index, 1]
                    + x * x * waves[index, 2]
                    + y * y * waves[index, 3]
                )
                turn = int(np.floor(phase * WAVES))
                light[row, column] *= 1.0 + 0.07 * strength * table[turn & (WAVES - 1)]
                blue[row, column] += 5.0 * strength * table[(turn + WAVES // 3) & (WAVES - 1)]
                red[row, column] += 5.0 * strength * table[(turn - WAVES // 3) & (WAVES - 1)]


@compiled
def bleach(
    light: Plane, fade: Plane, x_mm: Plane, y_mm: Plane, strength: float, shift: Any, tile: Plane
) -> None:
    """Thermal paper that has lain in the light: the ink goes, in patches, and the paper greys a little."""
    for row in range(light.shape[0]):
        for column in range(light.shape[1]):
            patch = cloud(tile, x_mm[row, column] / 70.0 + shift[0], y_mm[row, column] / 45.0 + shift[1])
            fade[row, column] *= 1.0 - strength * min(max(0.55 + 0.35 * patch, 0.0), 1.0)
            light[row, column] *= 1.0 - 0.05 * strength * (1.0 + patch)
