"""One trace followed through the columns of a page, past letters and through its neighbours."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twelvelead.paper.digitise.run import Counts, Floats, Runs
from twelvelead.paper.trace import compiled

GAP_COST = 1.0  # a millimetre between neighbouring columns' ink
BREAK_COST = 0.5  # that there is any
AWAY_COST = 0.02  # a millimetre from where the trace is expected, over a millimetre of paper
SKIP_COST = 1.5  # a millimetre of paper without ink
LOST_COST = 30.0  # to begin anew elsewhere
REACH_MM = 3.0  # ink that misses for longer is a gap of the signal
FAR_MM = 45.0  # a trace does not go further from its row
STEADY_MM = 8.0  # over which a trace's course is averaged


def follow(runs: Runs, begin: int, end: int, base: float, px_mm: float, hidden: NDArray[np.bool_]) -> Counts:
    """The runs of one strip.

    Args:
        runs: Ink of the page.
        begin: First column of the strip.
        end: Behind its last.
        base: Height of 0 mV in px.
        px_mm: Pixels a millimetre.
        hidden: (width,) columns that hold something else.

    Returns:
        (end - begin,) numbers of runs, -1 where there is none.
    """
    expected = np.full(end - begin, base)
    path = np.empty(end - begin, dtype=np.int64)
    for _ in range(2):
        _follow(
            runs.first, runs.top, runs.bottom, runs.middle, begin, end, base, expected, px_mm, hidden, path
        )
        on = path >= 0
        if on.sum() < 2:
            return path
        lies = np.interp(np.arange(end - begin), np.flatnonzero(on), runs.middle[path[on]])
        width = max(round(STEADY_MM * px_mm), 1)
        padded = np.pad(lies, width // 2, mode="edge")
        course = np.convolve(padded, np.ones(width) / width, "same")[width // 2 : width // 2 + len(lies)]
        expected = 0.5 * base + 0.5 * course
    return path


@compiled
def _follow(
    first: Counts, top: Floats, bottom: Floats, middle: Floats, begin: int, end: int, base: float,
    expected: Floats, px_mm: float, hidden: NDArray[Any], path: Counts,
) -> None:  # fmt: skip
    """Cheapest way from the first column to the last, by dynamic programming over runs."""
    start, stop = first[begin], first[end]
    count = stop - start
    cost = np.full(count, np.inf)
    came = np.full(count, -1, dtype=np.int64)
    reach = max(int(REACH_MM * px_mm), 2)
    skip = SKIP_COST / px_mm
    far = FAR_MM * px_mm
    lost, lost_at = 0.0, -1  # the cheapest way to be nowhere
    for column in range(begin, end):
        best_here, best_run = np.inf, -1
        if not hidden[column]:
            for run in range(first[column], first[column + 1]):
                if top[run] > base + far or bottom[run] < base - far:
                    continue
                target = expected[column - begin]
                away = max(top[run] - target, target - bottom[run], 0.0)
                own = AWAY_COST * away / (px_mm * px_mm)
                value, source = lost + LOST_COST, lost_at
                if column == begin or lost_at == -1:
                    value = lost  # the first ink of a strip costs nothing but the columns before it
                for back in range(1, min(reach, column - begin) + 1):
                    joined = False
                    for other in range(first[column - back], first[column - back + 1]):
                        if not math.isfinite(cost[other - start]):
                            continue
                        gap = max(top[run] - bottom[other], top[other] - bottom[run], 0.0)
                        through = cost[other - start] + skip * (back - 1)
                        if gap > 1.0:
                            through += GAP_COST * gap / px_mm + BREAK_COST
                        else:
                            joined = True
                        if through < value:
                            value, source = through, other
                    if joined:  # nothing further back can be the column before
                        break
                cost[run - start], came[run - start] = value + own, source
                if value + own < best_here:
                    best_here, best_run = value + own, run
        lost += skip
        if best_run >= 0 and best_here < lost:
            lost, lost_at = best_here, best_run
    path[:] = -1
    run = lost_at
    column = end - 1
    while run >= 0:
        while first[column] > run:
            column -= 1
        path[column - begin] = run
        run = came[run - start]
