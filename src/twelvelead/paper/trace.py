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
    for row in range(top, bottom + 1):
        py = row + 0.5 - y0
        for column in range(left, right + 1):
            if mask[row, column] == 255:
                continue
            px = column + 0.5 - x0
            share = min(max((px * dx + py * dy) * inverse, 0.0), 1.0)
            ex, ey = px - share * dx, py - share * dy
            distance = ex * ex + ey * ey
            if distance >= reach * reach:
                continue
            ink = 255.0
            if distance > core * core:
                ink = 255.0 * min(reach - math.sqrt(distance), 1.0)
            level = np.uint8(ink + 0.5)
            if level > mask[row, column]:
                mask[row, column] = level


@compiled
def draw_lines(mask: Mask, points: Points, width: float) -> None:
    """Draw polylines.

    Args:
        mask: (height, width) uint8, changed in place; 255 is full ink.
        points: (n, 2) x and y in pixels; a row with NaN ends a line.
        width: Of the stroke, in pixels.
    """
    for index in range(points.shape[0] - 1):
        x0, y0, x1, y1 = points[index, 0], points[index, 1], points[index + 1, 0], points[index + 1, 1]
        if math.isfinite(x0 + y0 + x1 + y1):
            _segment(mask, x0, y0, x1, y1, width)


@compiled
def draw_samples(
    mask: Mask,
    samples: NDArray[np.float32],
    x0: float,
    step: float,
    baseline: float,
    scale: float,
    width: float,
) -> None:
    """Draw a sampled signal; samples that are not finite break the line, one between two gaps is a dot.

    Args:
        mask: (height, width) uint8, changed in place.
        samples: (n,) in mV.
        x0: Pixel position of the first sample.
        step: Pixels from one sample to the next.
        baseline: Pixel height of 0 mV.
        scale: Pixels a mV, upwards.
        width: Of the pen, in pixels.
    """
    limit = 8.0 * (mask.shape[0] + mask.shape[1])  # far outside; keeps absurd samples within the integers
    drawing = False
    last_x, last_y = 0.0, 0.0
    for index in range(samples.shape[0]):
        if not math.isfinite(samples[index]):
            drawing = False
            continue
        x = x0 + index * step
        y = min(max(baseline - samples[index] * scale, -limit), limit)
        if drawing:
            _segment(mask, last_x, last_y, x, y, width)
        elif index + 1 == samples.shape[0] or not math.isfinite(samples[index + 1]):
            _segment(mask, x, y, x, y, width)
        drawing = True
        last_x, last_y = x, y


@compiled
def ink_page(grid: Mask, print_: Mask, trace: Mask, out: Mask) -> None:
    """Write each pixel's palette index to `out`: 0-15 of the grid times 16, plus ink in sixteen levels."""
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            ink = max(print_[row, column], trace[row, column])
            out[row, column] = (grid[row, column] << 4) | ((ink + 8) // 17)
