"""Filled outlines with exact coverage: letters, redaction bars, whatever is not a line.

Each edge adds the signed area it covers in the pixels of its rows; summed from the left, that is how much of
each pixel lies inside. Outlines that run the other way cut holes. Where outlines overlap the sum is clipped,
which is the non-zero rule for outlines of one direction.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from twelvelead.paper.trace import Mask, Points, compiled


def fill_outlines(mask: Mask, points_px: Points, level: int = 255) -> None:
    """Fill closed outlines.

    Args:
        mask: (height, width) uint8, changed in place by maximum; 255 is full ink.
        points_px: (n, 2) outlines in pixels, a row of NaN after each; last and first point are joined.
        level: Ink of a covered pixel.
    """
    points = np.ascontiguousarray(points_px, dtype=np.float64)
    left, top, right, bottom = _extent(points, mask.shape[1], mask.shape[0])
    if left >= right or top >= bottom:
        return
    area = np.zeros((bottom - top, right - left + 2), dtype=np.float64)
    _edges(area, points, float(left), float(top))
    _ink(mask, area, left, top, right, level)


@compiled
def _extent(points: Points, width: int, height: int) -> tuple[int, int, int, int]:
    """The pixels that outlines can touch: first column and row, and those behind the last."""
    x0, y0, x1, y1 = float(width), float(height), -1.0, -1.0
    for index in range(points.shape[0]):
        x, y = points[index, 0], points[index, 1]
        if math.isfinite(x + y):
            x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x), max(y1, y)
    left, top = max(math.floor(x0), 0), max(math.floor(y0), 0)
    return left, top, min(math.ceil(x1) + 1, width), min(math.ceil(y1) + 1, height)


@compiled
def _edges(area: NDArray[np.float64], points: Points, left: float, top: float) -> None:
    first = 0
    for index in range(points.shape[0] + 1):
        if index < points.shape[0] and math.isfinite(points[index, 0] + points[index, 1]):
            continue
        for at in range(first, index):
            after = at + 1 if at + 1 < index else first
            _edge(
                area,
                points[at, 0] - left,
                points[at, 1] - top,
                points[after, 0] - left,
                points[after, 1] - top,
            )
        first = index + 1


@compiled
def _edge(area: NDArray[np.float64], x0: float, y0: float, x1: float, y1: float) -> None:
    if y0 == y1:
        return
    sign = 1.0
    if y0 > y1:
        sign, x0, y0, x1, y1 = -1.0, x1, y1, x0, y0
    slope = (x1 - x0) / (y1 - y0)
    last = float(area.shape[1] - 2)
    row = max(math.floor(y0), 0)
    while row < area.shape[0] and row < y1:
        upper, lower = max(y0, float(row)), min(y1, row + 1.0)
        if lower > upper:
            tall = (lower - upper) * sign
            a = min(max(x0 + (upper - y0) * slope, 0.0), last)
            b = min(max(x0 + (lower - y0) * slope, 0.0), last)
            if a > b:
                a, b = b, a
            column = math.floor(a)
            stop = math.floor(b)
            if column == stop:
                middle = (a + b) / 2 - column
                area[row, column] += tall * (1.0 - middle)
                area[row, column + 1] += tall * middle
            else:
                # The stretch of the edge within each column, by its share of the whole width.
                width = b - a
                carried = 0.0
                for at in range(column, stop + 1):
                    begin, end = max(a, float(at)), min(b, at + 1.0)
                    share = tall * (end - begin) / width
                    middle = (begin + end) / 2 - at
                    area[row, at] += carried + share * (1.0 - middle)
                    carried = share * middle
                area[row, stop + 1] += carried
        row += 1


@compiled
def _ink(mask: Mask, area: NDArray[np.float64], left: int, top: int, right: int, level: int) -> None:
    for row in range(area.shape[0]):
        inside = 0.0
        for column in range(right - left):
            inside += area[row, column]
            covered = min(abs(inside), 1.0)
            ink = np.uint8(level * covered + 0.5)
            if ink > mask[top + row, left + column]:
                mask[top + row, left + column] = ink
