"""Ink by columns: where each stroke begins and ends in every column of pixels, to a fraction of one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twelvelead.paper.digitise.ink import Levels
from twelvelead.paper.trace import compiled

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

HALF = 0.45  # of full ink: the edge of a stroke
AROUND = 0.45  # of the distance of rows: what is still near
STEADY_MM, STEADY = 6.0, 0.95  # a trace begins where so much of the next millimetres has ink


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Unbroken ink in columns, from left to right and top to bottom.

    Attributes:
        first: (width + 1,) number of a column's first run; its last is before that of the next column.
        top: (n,) upper edge in px.
        bottom: (n,) lower edge in px.
        middle: (n,) centre of the ink in px.
    """

    first: Counts
    top: Floats
    bottom: Floats
    middle: Floats

    def column(self, x: int) -> slice:
        """The runs of a column."""
        return slice(int(self.first[x]), int(self.first[x + 1]))

    @property
    def columns(self) -> Counts:
        """(n,) column of each run."""
        return np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))

    @property
    def width(self) -> int:
        """Columns."""
        return len(self.first) - 1


def find_runs(coverage: Levels) -> Runs:
    """Runs of (height, width) ink."""
    tall = np.ascontiguousarray(coverage.T)  # a column's pixels beside each other
    first = np.zeros(tall.shape[0] + 1, dtype=np.int64)
    _count(tall, HALF, first)
    first = np.cumsum(first)
    edges = np.empty((3, int(first[-1])))
    _measure(tall, HALF, edges)
    return Runs(first, *edges)


def pen_px(runs: Runs) -> float:
    """Width of the pen: what most runs measure from edge to edge, as most of a trace is level; 0 = none."""
    thick = runs.bottom - runs.top
    counts, edges = np.histogram(thick, bins=np.arange(0.0, 16.0, 0.25))
    smooth = np.convolve(counts, (1, 2, 1), "same")
    near = edges[int(np.argmax(smooth))] + 0.125
    drawn = thick[np.abs(thick - near) < 0.5]
    return float(np.median(drawn)) if len(drawn) else 0.0


def share_near(runs: Runs, base: float, pitch: float, low: int, high: int) -> float:
    """Share of the columns from `low` to `high` that have ink near a row's 0 mV."""
    low, high = max(low, 0), min(high, runs.width)
    if high <= low:
        return 0.0
    span = slice(int(runs.first[low]), int(runs.first[high]))
    close = np.abs(runs.middle[span] - base) < AROUND * pitch
    return len(np.unique(runs.columns[span][close])) / (high - low)


def where_traces(
    coverage: Levels, runs: Runs, base: float, pitch: float, low: int, high: int, px_mm: float, pen: float
) -> tuple[float, float] | None:
    """First and last point of a row's trace between two columns, in px; None where it has none."""
    close = np.abs(runs.middle - base) < AROUND * pitch
    has = np.zeros(runs.width)
    columns = runs.columns
    has[columns[close]] = 1.0
    has = has[low:high]
    window = max(round(STEADY_MM * px_mm), 4)
    if len(has) < 2 * window:
        return None
    share = np.convolve(has, np.ones(window), "valid") / window
    ahead = np.flatnonzero((share > STEADY) & (has[: len(share)] > 0))
    behind = np.flatnonzero((share > STEADY) & (has[window - 1 :] > 0))
    if not len(ahead) or not len(behind):
        return None
    begin, end = low + int(ahead[0]), low + int(behind[-1]) + window - 1
    edges = []
    for column, way in ((begin, 1), (end, -1)):
        run = int(np.flatnonzero(close & (columns == column))[0])
        part = coverage[max(int(runs.top[run] - 1), 0) : int(runs.bottom[run] + 2)].max(axis=0)
        beyond = float(part[column - way]) if 0 < column < runs.width - 1 else 0.0
        over = min((float(part[column]) - HALF) / max(float(part[column]) - beyond, 1e-6), 1.0)
        edges.append(column + 0.5 - way * over + way * pen / 2)  # the end of a stroke is round
    return edges[0], edges[1]


@compiled
def _count(tall: Levels, edge: float, first: Counts) -> None:
    for column in range(tall.shape[0]):
        inside = False
        for row in range(tall.shape[1]):
            ink = tall[column, row] >= edge
            if ink and not inside:
                first[column + 1] += 1
            inside = ink


@compiled
def _measure(tall: Levels, edge: float, edges: Floats) -> None:
    """Edges where ink crosses the level between two pixel centres, and the centre of the ink."""
    at = 0
    height = tall.shape[1]
    for column in range(tall.shape[0]):
        row = 0
        while row < height:
            if tall[column, row] < edge:
                row += 1
                continue
            begin = row
            while row < height and tall[column, row] >= edge:
                row += 1
            end = row  # first pixel below the run
            top, bottom = float(begin), float(end)
            if begin > 0:
                above, here = tall[column, begin - 1], tall[column, begin]
                top = begin - 0.5 + (edge - above) / (here - above)
            if end < height:
                here, below = tall[column, end - 1], tall[column, end]
                bottom = end - 0.5 + (here - edge) / (here - below)
            weight, moment = 0.0, 0.0
            for pixel in range(max(begin - 1, 0), min(end + 1, height)):
                ink = tall[column, pixel]
                weight += ink
                moment += ink * (pixel + 0.5)
            edges[0, at], edges[1, at], edges[2, at] = top, bottom, moment / weight
            at += 1
