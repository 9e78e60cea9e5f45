"""The pen: antialiased lines in an 8-bit mask.

A pixel's darkness is how much of it the stroke covers, taken from the distance of its centre to the
segment; strokes are combined by maximum, so joints do not bead. The mask is also the exact ground truth of
where ink is. Compiled without fastmath: every operation is rounded as IEEE 754 says, hence the same bytes
on any x86 processor.

A trace has several samples a pixel and is several pixels wide, so each pixel is near many of its segments.
While a line runs to the right, only the least squared distance is kept for the few columns in work; roots
and ink are taken once a pixel, when the pen has left its column.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Mask = NDArray[np.uint8]
Points = NDArray[np.float64]
Words8 = NDArray[np.uint64]  # eight pixels at once: most of a page has no ink
STEEP_PX = 3.0  # a segment that is higher is drawn row by row around its line
COLUMNS = 16  # in work at once: a power of two
FAR = 1e300


def compiled(function: Callable[..., Any]) -> Any:
    """Compile to machine code, kept on disk where that can be written, else for this process only."""
    try:
        return njit(cache=True)(function)
    except RuntimeError:  # numba found no writable folder: read-only container, no home
        return njit(function)


@compiled
def _segment(mask: Mask, x0: float, y0: float, x1: float, y1: float, width: float) -> None:
    height, breadth = mask.shape
    reach = width / 2 + 0.5
    core = max(width / 2 - 0.5, 0.0)
    # Pixel i has its centre at i + 0.5; only centres within `reach` of the segment's box can be touched.
    left = max(math.ceil(min(x0, x1) - reach - 0.5), 0)
    right = min(math.floor(max(x0, x1) + reach - 0.5), breadth - 1)
    top = max(math.ceil(min(y0, y1) - reach - 0.5), 0)
    bottom = min(math.floor(max(y0, y1) + reach - 0.5), height - 1)
    dx, dy = x1 - x0, y1 - y0
    squared = dx * dx + dy * dy
    inverse = 1.0 / squared if squared > 0.0 else 0.0
    inner, outer = core * core, reach * reach
    steep = abs(dy) > STEEP_PX
    slope = dx / dy if steep else 0.0
    # Across a steep stroke a row is touched within `reach` of the segment's line only.
    beside = reach * math.sqrt(1.0 + slope * slope) + 1.0
    for row in range(top, bottom + 1):
        py = row + 0.5 - y0
        begin, end = left, right
        if steep:
            middle = x0 + py * slope - 0.5
            begin = max(begin, math.floor(middle - beside))
            end = min(end, math.ceil(middle + beside))
        for column in range(begin, end + 1):
            if mask[row, column] == 255:
                continue
            px = column + 0.5 - x0
            share = min(max((px * dx + py * dy) * inverse, 0.0), 1.0)
            ex, ey = px - share * dx, py - share * dy
            distance = ex * ex + ey * ey
            if distance >= outer:
                continue
            ink = 255.0
            if distance > inner:
                ink = 255.0 * min(reach - math.sqrt(distance), 1.0)
            level = np.uint8(ink + 0.5)
            if level > mask[row, column]:
                mask[row, column] = level


@compiled
def draw_lines(mask: Mask, points: Points, width: float) -> None:
    """Draw polylines.

    Args:
        mask: (height, width) uint8, changed in place; 255 is full ink.
        points: (n, 2) x and y in pixels; a row with NaN ends a line. A point between two such rows is a dot.
        width: Of the stroke, in pixels.
    """
    height, breadth = mask.shape
    reach = width / 2 + 0.5
    first, end = _rows(points, reach, height)
    if first >= end:
        return
    near = np.full((COLUMNS, end - first), FAR)
    touched = np.empty((COLUMNS, 2), dtype=np.int64)
    touched[:, 0], touched[:, 1] = height, -1
    begun = open_ = 0  # columns in work
    drawing = False
    last = points.shape[0] - 1
    x0, y0 = 0.0, 0.0
    for index in range(last + 1):
        x1, y1 = points[index, 0], points[index, 1]
        if not math.isfinite(x1 + y1):
            drawing = False
            continue
        if not drawing:
            x0, y0 = x1, y1
            drawing = True
            if index < last and math.isfinite(points[index + 1, 0] + points[index + 1, 1]):
                continue
        left = max(math.ceil(x0 - reach - 0.5), 0)
        right = min(math.floor(x1 + reach - 0.5), breadth - 1)
        if x1 < x0 or right - left >= COLUMNS:
            _segment(mask, x0, y0, x1, y1, width)
        elif left <= right:
            back = left < begun
            while begun < open_ and (back or begun < left):
                _ink_column(mask, near, touched, begun, first, width)
                begun += 1
            if begun == open_:
                begun = open_ = left
            open_ = max(open_, right + 1)
            _approach(near, touched, left, right, first, height, x0, y0, x1, y1, reach)
        x0, y0 = x1, y1
    for column in range(begun, open_):
        _ink_column(mask, near, touched, column, first, width)


@compiled
def _rows(points: Points, reach: float, height: int) -> tuple[int, int]:
    """First row that can be touched, and the one behind the last."""
    low, high = FAR, -FAR
    for index in range(points.shape[0]):
        if math.isfinite(points[index, 0] + points[index, 1]):
            low, high = min(low, points[index, 1]), max(high, points[index, 1])
    if low > high or low > height + reach or high < -reach:
        return 0, 0
    return max(math.ceil(low - reach - 0.5), 0), min(math.floor(high + reach - 0.5), height - 1) + 1


@compiled
def _approach(
    near: NDArray[np.float64],
    touched: NDArray[np.int64],
    left: int,
    right: int,
    first: int,
    height: int,
    x0: float,
    y0: float,
    x1: float,
    y1: float,
    reach: float,
) -> None:
    """Lower the distances around a segment."""
    top = max(math.ceil(min(y0, y1) - reach - 0.5), 0)
    bottom = min(math.floor(max(y0, y1) + reach - 0.5), height - 1)
    if top > bottom:
        return
    dx, dy = x1 - x0, y1 - y0
    squared = dx * dx + dy * dy
    inverse = 1.0 / squared if squared > 0.0 else 0.0
    for column in range(left, right + 1):
        slot = column % COLUMNS
        touched[slot, 0] = min(touched[slot, 0], top)
        touched[slot, 1] = max(touched[slot, 1], bottom)
        distances = near[slot]
        px = column + 0.5 - x0
        for row in range(top, bottom + 1):  # one sum after the other: compiles to vector instructions
            py = row + 0.5 - y0
            share = min(max((px * dx + py * dy) * inverse, 0.0), 1.0)
            ex, ey = px - share * dx, py - share * dy
            distances[row - first] = min(distances[row - first], ex * ex + ey * ey)


@compiled
def _ink_column(
    mask: Mask,
    near: NDArray[np.float64],
    touched: NDArray[np.int64],
    column: int,
    first: int,
    width: float,
) -> None:
    """Turn the distances of a column to ink, and forget them."""
    reach = width / 2 + 0.5
    core = max(width / 2 - 0.5, 0.0)
    inner, outer = core * core, reach * reach
    slot = column % COLUMNS
    for row in range(touched[slot, 0], touched[slot, 1] + 1):
        distance = near[slot, row - first]
        near[slot, row - first] = FAR
        if distance < outer:
            ink = 255.0
            if distance > inner:
                ink = 255.0 * min(reach - math.sqrt(distance), 1.0)
            level = np.uint8(ink + 0.5)
            if level > mask[row, column]:
                mask[row, column] = level
    touched[slot, 0], touched[slot, 1] = mask.shape[0], -1


@compiled
def move_ink(mask: NDArray[np.uint8], words: Words8, page: NDArray[np.uint8], colour: int) -> None:
    """Put the ink of a mask on a page of palette indices, where it is darker than what is there.

    Args:
        mask: (n,) coverage; left empty.
        words: (n / 8,) the same memory as uint64.
        page: (n,) palette indices, ink levels in the low four bits; changed in place.
        colour: Set beside the level where the mask's ink wins.
    """
    for word in range(words.shape[0]):
        if words[word] == 0:
            continue
        for at in range(8 * word, 8 * word + 8):
            level = (np.int64(mask[at]) + 8) // 17
            if level > (page[at] & 15):
                page[at] = (page[at] & 240) | level | colour
        words[word] = 0
