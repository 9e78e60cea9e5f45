"""From millimetres on the paper to pixels of the picture and back: a camera above a sheet with a relief.

The map is exact where ink goes (`to_px`); its inverse is worked out at the corners of 16 px cells, and the
grid of the paper, which is drawn pixel by pixel, follows straight lines between them.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twelvelead.paper.relief import STEP_MM, Heights, Relief, Shape
from twelvelead.paper.trace import Points, compiled

CELL_PX = 16
PERIOD_MM = 5.0  # page coordinates of the mesh count periods of the grid, 65536 steps each
STEPS = 65536
ROUNDS = 12  # of the inverse; a slope of .5 seen at 30 degrees still shrinks the error fourfold each time
MESH_ROUNDS = 5


@dataclass(frozen=True, eq=False)
class Warp:
    """The map of one picture.

    Attributes:
        camera: (3, 4): (x mm, y mm, height mm, 1) → pixels times depth, and depth.
        height_px: Of the picture.
        width_px: Of the picture.
        relief: Of the sheet.
    """

    camera: NDArray[np.float64]
    height_px: int
    width_px: int
    relief: Relief

    @classmethod
    def flat(cls, px_mm: float, width_mm: float, height_mm: float) -> Warp:
        """The map of a clean page: a millimetre is `px_mm` pixels everywhere."""
        camera = np.array([(px_mm, 0, 0, 0), (0, px_mm, 0, 0), (0, 0, 0, 1)], dtype=np.float64)
        size = round(height_mm * px_mm), round(width_mm * px_mm)
        return cls(camera, *size, Relief(Shape(width_mm, height_mm)))

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the picture in pixels."""
        return self.height_px, self.width_px

    def to_px(self, points_mm: Points) -> Points:
        """Where points of the paper are seen; (n, 2) mm → (n, 2) pixels, NaN stays NaN."""
        points = np.ascontiguousarray(points_mm, dtype=np.float64)
        out = np.empty_like(points)
        _project(self.camera, self.relief.heights_mm, points, out)
        return out

    def to_mm(self, points_px: Points) -> Points:
        """Which points of the paper are seen at pixels; (n, 2) pixels → (n, 2) mm, also beyond the sheet."""
        points = np.ascontiguousarray(points_px, dtype=np.float64)
        out = np.empty_like(points)
        _unproject(self.camera, self.relief.heights_mm, points, ROUNDS, out)
        return out

    def px_mm(self, x_mm: float, y_mm: float) -> float:
        """Pixels a millimetre around a point: the square root of how much an area grows."""
        around = np.array([(x_mm - 1, y_mm), (x_mm + 1, y_mm), (x_mm, y_mm - 1), (x_mm, y_mm + 1)])
        west, east, north, south = self.to_px(around)
        area = (east[0] - west[0]) * (south[1] - north[1]) - (east[1] - west[1]) * (south[0] - north[0])
        return math.sqrt(abs(area)) / 2

    @cached_property
    def mesh(self) -> NDArray[np.int32]:
        """(2, rows, columns) page coordinates x and y of the corners of the cells, in grid steps."""
        rows, columns = -(-self.height_px // CELL_PX) + 1, -(-self.width_px // CELL_PX) + 1
        corners = np.empty((rows, columns, 2), dtype=np.float64)
        corners[:, :, 0] = np.arange(columns) * CELL_PX
        corners[:, :, 1] = (np.arange(rows) * CELL_PX)[:, None]
        out = np.empty((rows * columns, 2), dtype=np.float64)
        _unproject(self.camera, self.relief.heights_mm, corners.reshape(-1, 2), MESH_ROUNDS, out)
        far = 2.0**30
        steps = np.rint(np.clip(out * (STEPS / PERIOD_MM), -far, far)).astype(np.int32)
        return np.ascontiguousarray(steps.T.reshape(2, rows, columns))

    def state(self) -> dict[str, Any]:
        """Everything that makes this map again, as JSON can hold it."""
        return {
            "camera": [float(number) for number in self.camera.ravel()],
            "height_px": self.height_px,
            "width_px": self.width_px,
            "sheet": asdict(self.relief.shape),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Warp:
        """The map that `state` was taken from."""
        sheet = dict(state["sheet"])
        sheet["seeds"] = tuple(sheet["seeds"])
        camera = np.array(state["camera"], dtype=np.float64).reshape(3, 4)
        return cls(camera, state["height_px"], state["width_px"], Relief(Shape(**sheet)))


@compiled
def _height(heights: Heights, x: float, y: float) -> float:
    """Of the sheet at a point, bilinear; beyond its edge, that of the edge."""
    rows, columns = heights.shape
    x = min(max(x / STEP_MM, 0.0), columns - 1.0)
    y = min(max(y / STEP_MM, 0.0), rows - 1.0)
    column, row = min(int(x), columns - 2), min(int(y), rows - 2)
    fx, fy = x - column, y - row
    above = heights[row, column] * (1.0 - fx) + heights[row, column + 1] * fx
    below = heights[row + 1, column] * (1.0 - fx) + heights[row + 1, column + 1] * fx
    return above * (1.0 - fy) + below * fy


@compiled
def _project(camera: Any, heights: Heights, points: Points, out: Points) -> None:
    for index in range(points.shape[0]):
        x, y = points[index, 0], points[index, 1]
        if not math.isfinite(x + y):
            out[index, 0] = out[index, 1] = math.nan
            continue
        z = _height(heights, x, y)
        depth = camera[2, 0] * x + camera[2, 1] * y + camera[2, 2] * z + camera[2, 3]
        for axis in range(2):
            across = camera[axis, 0] * x + camera[axis, 1] * y + camera[axis, 2] * z + camera[axis, 3]
            out[index, axis] = across / depth


@compiled
def _unproject(camera: Any, heights: Heights, points: Points, rounds: int, out: Points) -> None:
    """Solve for x and y at the height guessed last, look up the height there, and again."""
    for index in range(points.shape[0]):
        px, py = points[index, 0], points[index, 1]
        if not math.isfinite(px + py):
            out[index, 0] = out[index, 1] = math.nan
            continue
        a = camera[0, 0] - px * camera[2, 0]
        b = camera[0, 1] - px * camera[2, 1]
        c = camera[1, 0] - py * camera[2, 0]
        d = camera[1, 1] - py * camera[2, 1]
        lift_x, lift_y = px * camera[2, 2] - camera[0, 2], py * camera[2, 2] - camera[1, 2]
        far_x, far_y = px * camera[2, 3] - camera[0, 3], py * camera[2, 3] - camera[1, 3]
        inverse = 1.0 / (a * d - b * c)
        z = 0.0
        x = y = 0.0
        for _ in range(rounds):
            e, f = far_x + lift_x * z, far_y + lift_y * z
            x, y = (e * d - b * f) * inverse, (a * f - e * c) * inverse
            z = _height(heights, x, y)
        out[index, 0], out[index, 1] = x, y
