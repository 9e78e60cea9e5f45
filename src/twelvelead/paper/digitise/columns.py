"""Columns of leads: where one begins there is a separator, a jump or a name."""

from __future__ import annotations

import numpy as np

from twelvelead.errors import RecordError
from twelvelead.paper.digitise.ink import Levels
from twelvelead.paper.digitise.rows import Rows
from twelvelead.paper.digitise.run import AROUND, Runs, share_near
from twelvelead.paper.style import FORMS, WINDOW_S

SINGLE = {12: "12x1", 7: "6x2+1r", 5: "4x3+1r", 3: "3x4"}  # rows that tell the layout
TICK_MM = 4.0  # half of a separator
SHORT = 0.7  # of it, that must be seen
BESIDE_MM = 1.2  # a separator is this close to its place
STROKE_MM = 0.9  # and not broader
NAMED = 0.03  # of a name's box that is ink
LITTLE = 0.2  # of the columns: where a median complex has ended


def layout_of(coverage: Levels, runs: Runs, rows: Rows, px_mm: float, start: float, px_s: float) -> str:
    """The layout that has so many rows; of those with four and six, by where columns begin.

    Raises:
        RecordError: No layout has so many rows.
    """
    if rows.count in SINGLE:
        return SINGLE[rows.count]
    if rows.count == 4:
        thirds, quarters = (
            np.array(
                [
                    _begins(coverage, runs, rows, row, start + WINDOW_S * part * px_s, px_mm)
                    for row in range(down)
                    for part in parts
                ]
            ).mean()
            for down, parts in ((4, (1 / 3, 2 / 3)), (3, (1 / 4, 1 / 2, 3 / 4)))
        )
        return "4x3" if thirds > quarters else "3x4+1r"
    if rows.count != 6:
        known = [f"{count} ({name})" for count, name in sorted(SINGLE.items())]
        raise RecordError(
            f"the page has {rows.count} rows of leads",
            expected=", ".join([*known, "4 (3x4+1r, 4x3)", "6 (6x2, 3x4+3r, median)"]),
            fix="give the layout",
        )
    quarter = WINDOW_S / 4 * px_s
    bounds = start + quarter * np.arange(1, 4)
    gaps = [
        share_near(runs, rows.base(row), rows.pitch, round(x - 0.35 * quarter), round(x - 0.1 * quarter))
        for row in range(3)
        for x in bounds
    ]
    if np.median(gaps) < LITTLE:
        return "median"
    new = np.array([[_begins(coverage, runs, rows, row, x, px_mm) for x in bounds] for row in range(6)])
    four = new[:3].mean() - new[3:, 1].mean()
    two = new[:, 1].mean() - new[:3, [0, 2]].mean()
    return "3x4+3r" if four > two else "6x2"


def separators(
    coverage: Levels, rows: Rows, layout: str, px_mm: float, start: float, px_s: float
) -> list[tuple[float, float]]:
    """Separators that stand alone: x in px, and the second they stand at."""
    form = FORMS[layout]
    if form.median:
        return []
    found = []
    for row in range(form.rows):
        for column in range(1, form.columns):
            time = WINDOW_S * column / form.columns
            x = _stroke(coverage, rows.base(row), start + time * px_s, px_mm)
            if x is not None:
                found.append((x, time))
    return found


def _stroke(coverage: Levels, base: float, x: float, px_mm: float) -> float | None:
    """Middle of the upright stroke next to a place, if there is a thin one."""
    above, below = (
        coverage[max(round(base + y0 * px_mm), 0) : max(round(base + y1 * px_mm), 0)]
        for y0, y1 in ((-TICK_MM, -TICK_MM / 2), (TICK_MM / 2, TICK_MM))
    )
    begin, end = max(round(x - BESIDE_MM * px_mm), 0), round(x + BESIDE_MM * px_mm) + 1
    if min(len(above), len(below)) < 1 or end > coverage.shape[1]:
        return None
    both = np.minimum(above[:, begin:end].mean(axis=0), below[:, begin:end].mean(axis=0))
    if both.max() < SHORT or (both > 0.5 * both.max()).sum() > max(STROKE_MM * px_mm, 3.0):
        return None
    return float((both * (begin + np.arange(len(both)) + 0.5)).sum() / both.sum())


def _begins(coverage: Levels, runs: Runs, rows: Rows, row: int, x: float, px_mm: float) -> float:
    """How much looks as if a column of leads began here: a separator, a name, a jump."""
    base = rows.base(row)
    found = 1.0 if _stroke(coverage, base, x, px_mm) is not None else 0.0
    top = base - rows.pitch / 2
    name = coverage[
        max(round(top + 1.4 * px_mm), 0) : max(round(top + 5.2 * px_mm), 1),
        round(x + px_mm) : round(x + 9 * px_mm),
    ]
    if name.size and name.mean() > NAMED:
        found += 1.0
    before, after = (_near(runs, round(x + side * 0.6 * px_mm), rows, row) for side in (-1, 1))
    if before and after:
        gap = min(
            max(runs.top[a] - runs.bottom[b], runs.top[b] - runs.bottom[a]) for a in before for b in after
        )
        found += 0.5 if gap > 0.5 * px_mm else 0.0
    return found


def _near(runs: Runs, column: int, rows: Rows, row: int) -> list[int]:
    """Runs of a column that belong to a row."""
    span = runs.column(min(max(column, 0), runs.width - 1))
    return [
        run
        for run in range(span.start, span.stop)
        if abs(runs.middle[run] - rows.base(row)) < AROUND * rows.pitch
    ]
