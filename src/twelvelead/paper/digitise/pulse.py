"""Calibration pulses found on a page: how high a millivolt is, how long 200 ms, where 0 mV lies.

A pulse is two upright strokes of the same height with a level one between their tops, and there is one in
every row, all at the same place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from twelvelead.paper.digitise.ink import Levels
from twelvelead.paper.digitise.run import Runs, find_runs

LEAST_MM, MOST_MM = 2.0, 42.0  # height of 1 mV
NARROW_MM, WIDE_MM = 1.9, 21.0  # 200 ms at 10 and at 100 mm/s
SAME_MM = 0.8  # strokes that belong together end as close as this
ROOFED = 0.85  # share of the columns between the strokes that have ink at the top
THICK_MM = 1.3  # no stroke is broader
GAINS_MM_MV = (2.5, 5.0, 10.0, 20.0, 40.0)
UPRIGHT = 0.06  # a pulse is as high as it should be, give or take this
FEWEST_STROKES = 4
FOOT_MM = 1.6  # of the line that leads to the pulse


@dataclass(frozen=True, slots=True)
class Found:
    """A pulse on a picture, in px.

    Attributes:
        left: Middle of its left stroke.
        right: Middle of its right stroke.
        top: Height of its roof.
        base: Height of 0 mV.
    """

    left: float
    right: float
    top: float
    base: float

    @property
    def width(self) -> float:
        """200 ms."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """1 mV."""
        return self.base - self.top


@dataclass(frozen=True, slots=True)
class _Wall:
    x: float
    first: int
    last: int
    top: float
    bottom: float


def find_pulses(coverage: Levels, runs: Runs, px_mm: float, pen: float) -> tuple[tuple[Found, ...], ...]:
    """Pulses that stand above each other, as one group a place, from left to right.

    Args:
        coverage: Ink of the page.
        runs: The same by columns.
        px_mm: Pixels a millimetre, at least roughly.
        pen: Width of the pen in px.
    """
    # A thin stroke that leans a little changes columns on its way: three are looked at as one.
    upright = find_runs(ndimage.maximum_filter1d(coverage, 3, axis=1))
    walls = _walls(coverage, upright, px_mm, pen)
    pulses = []
    for number, left in enumerate(walls):
        for right in walls[number + 1 :]:
            if right.x - left.x > WIDE_MM * px_mm:
                break
            found = _roofed(runs, left, right, px_mm, pen)
            if found is not None:
                pulses.append(found)
    groups: list[list[Found]] = []
    slack = max(SAME_MM * px_mm, 1.5)
    for pulse in sorted(pulses, key=lambda pulse: pulse.left):
        for group in groups:
            if abs(group[0].left - pulse.left) < slack and abs(group[0].width - pulse.width) < slack:
                group.append(pulse)
                break
        else:
            groups.append([pulse])
    most = max((len(group) for group in groups), default=0)
    return tuple(tuple(sorted(g, key=lambda p: p.base)) for g in groups if len(g) >= max(most / 2, 1))


def lean_of(coverage: Levels, groups: tuple[tuple[Found, ...], ...], pen: float) -> float:
    """How far pulses lean clockwise in radians: median; 0 where there are fewer than two."""
    leans = []
    for pulse in (pulse for group in groups if len(group) > 1 for pulse in group):
        for x in (pulse.left, pulse.right):
            begin, end = max(round(x - 2 * pen), 0), round(x + 2 * pen) + 1
            middles = []
            for share in (0.15, 0.5):
                top = pulse.top + share * pulse.height
                ink = coverage[round(top) : round(top + 0.35 * pulse.height), begin:end].sum(axis=0)
                middles.append(float((ink * np.arange(len(ink))).sum() / max(float(ink.sum()), 1e-6)))
            leans.append((middles[0] - middles[1]) / (0.35 * pulse.height))
    return float(np.median(leans)) if len(leans) >= FEWEST_STROKES else 0.0


def upright(group: tuple[Found, ...], px_mm: float) -> tuple[Found, ...]:
    """Those of a group that are as high as most, or as a usual gain."""
    most = float(np.median([pulse.height for pulse in group])) if group else 0.0
    return tuple(
        pulse
        for pulse in group
        if any(
            abs(pulse.height / height - 1) < UPRIGHT
            for height in (most, *(gain * px_mm for gain in GAINS_MM_MV))
        )
    )


def _walls(coverage: Levels, runs: Runs, px_mm: float, pen: float) -> list[_Wall]:
    """Upright strokes: runs of the same extent in columns beside each other."""
    columns = runs.columns
    tall = runs.bottom - runs.top
    chosen = (tall >= LEAST_MM * px_mm + pen / 2) & (tall <= MOST_MM * px_mm + 2 * pen)
    closed: list[list[int]] = []
    growing: list[list[int]] = []
    for number in np.flatnonzero(chosen):
        column = columns[number]
        closed += [wall for wall in growing if columns[wall[-1]] < column - 1]
        growing = [wall for wall in growing if columns[wall[-1]] >= column - 1]
        for wall in growing:
            last = wall[-1]
            off = abs(runs.top[last] - runs.top[number]) + abs(runs.bottom[last] - runs.bottom[number])
            if columns[last] == column - 1 and off < 2 * max(SAME_MM * px_mm, 1.0):
                wall.append(int(number))
                break
        else:
            growing.append([int(number)])
    walls = []
    for wall in closed + growing:
        first, last = int(columns[wall[0]]), int(columns[wall[-1]])
        if last - first - 1 > max(THICK_MM * px_mm, 3):
            continue
        top, bottom = float(np.median(runs.top[wall])), float(np.median(runs.bottom[wall]))
        first, last = first + 1, last - 1  # as they are without their neighbours
        part = slice(round(top + (bottom - top) * 0.25), max(round(top + (bottom - top) * 0.75), 1))
        begin = max(first - 2, 0)
        ink = coverage[part, begin : last + 3].sum(axis=0, dtype=np.float64)
        x = float((ink * (begin + np.arange(len(ink)) + 0.5)).sum() / ink.sum())
        walls.append(_Wall(x, first, last, top, bottom))
    return sorted(walls, key=lambda wall: wall.x)


def _roofed(runs: Runs, left: _Wall, right: _Wall, px_mm: float, pen: float) -> Found | None:
    """The pulse between two strokes, if they are the same height and have a roof."""
    same = max(SAME_MM * px_mm, 1.0)
    apart = right.x - left.x
    if (
        apart < NARROW_MM * px_mm - 1
        or max(abs(left.top - right.top), abs(left.bottom - right.bottom)) > same
    ):
        return None
    top = (left.top + right.top) / 2 + pen / 2
    between = range(left.last + 2, right.first - 1)
    roof = [_nearest(runs, column, top, same) for column in between]
    seen = [y for y in roof if y is not None]
    if not seen or len(seen) < ROOFED * len(between):
        return None
    bottom = (left.bottom + right.bottom) / 2 - pen / 2
    foot = max(round(FOOT_MM * px_mm), 2)
    aside = [*range(max(left.first - foot, 0), left.first), *range(right.last + 1, right.last + 1 + foot)]
    feet = [_nearest(runs, column, bottom, same) for column in aside if column < runs.width]
    level = [y for y in feet if y is not None]
    base = float(np.median(level)) if len(level) >= foot else bottom
    return Found(left.x, right.x, float(np.median(seen)), base)


def _nearest(runs: Runs, column: int, y: float, most: float) -> float | None:
    """Middle of a column's run at a height."""
    middles = runs.middle[runs.column(column)]
    if not len(middles):
        return None
    off = np.abs(middles - y)
    best = int(np.argmin(off))
    return float(middles[best]) if off[best] <= most else None
