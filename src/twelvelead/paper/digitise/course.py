"""Where a pen went, from the ink it left.

A round pen leaves its whole disc at every point of its way. So the way lies at least a radius below the upper
edge of the ink, and not only in its own column: discs at its neighbours' edges must not stick out either. The
lower edge bounds it from the other side. Where the trace is smooth both bounds meet, however steep it is;
where a narrow peak is filled with ink they do not, and the way is the bound that the peak points to.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twelvelead.paper.digitise.run import Counts, Runs

Floats = NDArray[np.float64]

FINE = 4  # points a column
APART = 0.6  # of the pen: bounds this far apart leave a choice


def course_of(runs: Runs, path: Counts, begin: int, pen: float) -> tuple[Floats, Floats]:
    """The way of a pen.

    Args:
        runs: Ink of the page.
        path: Runs of one trace, column by column, -1 where there is none.
        begin: Column of the first.
        pen: Width of the pen in px.

    Returns:
        x and y in px of points on the way, with holes where columns are missing.
    """
    parts = [_stretch(runs, path[at], begin + at[0], pen) for at in _stretches(path)]
    if not parts:
        return np.empty(0), np.empty(0)
    x, y = (np.concatenate(one) for one in zip(*parts, strict=True))
    return x, y


def _stretches(path: Counts) -> list[Counts]:
    """Unbroken parts of a path."""
    on = np.flatnonzero(path >= 0)
    return [part for part in np.split(on, np.flatnonzero(np.diff(on) > 1) + 1) if len(part)]


def _stretch(runs: Runs, path: Counts, begin: int, pen: float) -> tuple[Floats, Floats]:
    columns = begin + np.arange(len(path)) + 0.5
    x = begin + 0.5 + np.arange(FINE * (len(path) - 1) + 1) / FINE
    top, bottom = np.interp(x, columns, runs.top[path]), np.interp(x, columns, runs.bottom[path])
    radius = pen / 2
    reach = int(radius * FINE)
    low, high = top + radius, bottom - radius
    for step in range(1, reach + 1):
        sag = np.sqrt(radius**2 - (step / FINE) ** 2)
        for ahead, here in ((slice(step, None), slice(None, -step)), (slice(None, -step), slice(step, None))):
            low[here] = np.maximum(low[here], top[ahead] + sag)
            high[here] = np.minimum(high[here], bottom[ahead] - sag)
    y = (low + high) / 2
    for part in np.split(open_ := np.flatnonzero(high - low > APART * pen), _breaks(open_)):
        if not len(part):
            continue
        sides = [y[at] for at in (part[0] - 1, part[-1] + 1) if 0 <= at < len(y)]
        level = np.mean(sides) if sides else y[part].mean()
        points_up = level - low[part].min() > high[part].max() - level
        y[part] = low[part] if points_up else high[part]
    return x, y


def _breaks(numbers: Counts) -> Counts:
    return np.flatnonzero(np.diff(numbers) > 1) + 1
