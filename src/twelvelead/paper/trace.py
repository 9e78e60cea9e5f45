"""The pen: antialiased lines in an 8-bit mask.

A pixel's darkness is how much of it the stroke covers, taken from the distance of its centre to the
segment; strokes are combined by maximum, so joints do not bead. The mask is also the exact ground truth of
where ink is. Compiled without fastmath: every operation is rounded as IEEE 754 says, hence the same bytes
on any x86 processor.
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
    drawing = False
    last = points.shape[0] - 1
    x0, y0 = 0.0, 0.0
    for index in range(last + 1):
        x1, y1 = points[index, 0], points[index, 1]
        if not math.isfinite(x1 + y1):
            drawing = False
            continue
        if drawing:
            _segment(mask, x0, y0, x1, y1, width)
        elif index == last or not math.isfinite(points[index + 1, 0] + points[index + 1, 1]):
            _segment(mask, x1, y1, x1, y1, width)
        drawing = True
        x0, y0 = x1, y1


@compiled
def lay_ink(ground: Words8, trace: Words8, out: Words8, plain: NDArray[np.uint8]) -> None:
    """Write palette indices: the page without signals, and theirs where they have ink.

    Args:
        ground: (height, words) uint64 view of the palette indices of everything else.
        trace: The same view of the signals' mask.
        out: Written.
        plain: (2,) how many low bits hold ink levels, and what is set beside them where a signal wins.
    """
    bits, colour = plain[0], plain[1]
    low = np.uint64((1 << bits) - 1)
    for row in range(out.shape[0]):
        for word in range(out.shape[1]):
            here = ground[row, word]
            ink = trace[row, word]
            if ink != 0:
                for byte in range(8):
                    shift = np.uint64(8 * byte)
                    level = (((ink >> shift) & np.uint64(255)) + np.uint64(8)) // np.uint64(17)
                    below = (here >> shift) & low
                    if level > below:
                        kept = (here >> shift) & np.uint64(255) & ~low
                        value = (kept | level | np.uint64(colour)) & np.uint64(255)
                        here = (here & ~(np.uint64(255) << shift)) | (value << shift)
            out[row, word] = here
