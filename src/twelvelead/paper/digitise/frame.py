"""The lines a levelled page is read by: 0 mV of each row, where time begins, how long a second is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twelvelead.errors import RecordError
from twelvelead.paper.digitise.columns import layout_of, separators
from twelvelead.paper.digitise.ink import Levels
from twelvelead.paper.digitise.pulse import Found, find_pulses, upright
from twelvelead.paper.digitise.rows import LEAST_PITCH_MM, Rows, comb, present
from twelvelead.paper.digitise.run import Runs, where_traces
from twelvelead.paper.style import FORMS, PULSE_S, WINDOW_S

Floats = NDArray[np.float64]

SPEEDS_MM_S = (12.5, 25.0, 50.0, 100.0)
NEAR = 0.12  # a measured speed this close to a usual one is that one
ON_ROW = 0.06  # of the distance of rows: a pulse's foot is this close to 0 mV
FEWEST = 0.4  # share of the rows that have a pulse, if there are any
SAME_S = 0.012  # what marks the beginning of time differs by no more


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The lines of a page, in px of the levelled picture.

    Attributes:
        layout: One of FORMS.
        px_mm: Pixels a millimetre.
        speed_mm_s: Of the paper.
        px_s: Pixels a second.
        rows: 0 mV of each row.
        start: Where time begins.
        left: Pulses before the rows.
        right: Pulses behind them.
        warnings: What was guessed.
    """

    layout: str
    px_mm: float
    speed_mm_s: float
    px_s: float
    rows: Rows
    start: float
    left: tuple[Found, ...] = ()
    right: tuple[Found, ...] = ()
    warnings: tuple[str, ...] = ()


def find_frame(
    coverage: Levels, runs: Runs, pen: float, px_mm: float, scaled: bool, layout: str, speed_mm_s: float
) -> Frame:
    """Find the rows, and what they are measured by.

    Args:
        coverage: (height, width) ink of a levelled page.
        runs: The same by columns.
        pen: Width of the pen in px.
        px_mm: Pixels a millimetre.
        scaled: Whether a grid told that; else it is a guess, and the pulses must tell.
        layout: One of FORMS, "" to find out.
        speed_mm_s: Of the paper, 0 to find out.

    Raises:
        RecordError: There are no rows, no scale, or rows that make no layout.
    """
    wanted = len(FORMS[layout].rhythm) + FORMS[layout].rows if layout else 0
    groups = [
        group
        for group in find_pulses(coverage, runs, px_mm, pen)
        if len(group) > 1 and (not scaled or _usual(_width(group) / PULSE_S / px_mm, speed_mm_s))
    ]
    rows, left, right = _rows_by_pulses(groups, runs, coverage.shape, px_mm, wanted)
    if rows is None:
        rows = present(runs, comb(runs, coverage.shape, px_mm, pen, wanted), coverage.shape, wanted)
    if not scaled:
        if not (left or right):
            raise RecordError(
                "neither a grid nor a calibration pulse tells the scale of the page",
                expected="a grid, or a pulse of 1 mV and 200 ms in every row",
            )
        px_mm = _width(left or right) / PULSE_S / (speed_mm_s or 25.0)
    if not (left or right or layout):
        raise RecordError(
            "no calibration pulse can be read",
            expected="a pulse of 1 mV and 200 ms in the rows: without it rows and seconds would be guessed",
            fix="scan it with more pixels; of a page that has none, give the layout",
        )
    begins, ends = _ink_ends(coverage, runs, rows, px_mm, pen, left, right)
    speed = speed_mm_s or (_usual(_width(left or right) / PULSE_S / px_mm) if left or right else 0.0)
    warnings = []
    if not speed:
        speed = _speed_by_length(float(np.median(ends) - np.median(begins)), px_mm)
        warnings.append(f"no calibration pulse: {speed:g} mm/s by the length of the traces")
    if not scaled:
        warnings.append(f"no grid: {speed:g} mm/s and the scale by the calibration pulses")
    frame = Frame(layout, px_mm, speed, px_mm * speed, rows, float(np.median(begins)), left, right)
    if not layout:
        frame = replace(frame, layout=layout_of(coverage, runs, rows, px_mm, frame.start, frame.px_s))
    if not (left or right):
        warnings.append("no calibration pulse: 0 mV is the middle of each row, time begins with the ink")
    start, px_s = _timed(frame, coverage, begins, ends, scaled)
    return replace(frame, start=start, px_s=px_s, px_mm=px_s / speed, warnings=tuple(warnings))


def _width(group: tuple[Found, ...]) -> float:
    return float(np.median([pulse.width for pulse in group]))


def _usual(value: float, wanted: float = 0.0) -> float:
    """The usual speed this one is close to, else 0."""
    nearest = wanted or min(SPEEDS_MM_S, key=lambda one: abs(np.log(one / value)))
    return nearest if abs(value / nearest - 1) < NEAR else 0.0


def _speed_by_length(extent_px: float, px_mm: float) -> float:
    """The speed at which ten seconds are as long as a trace; a shorter record could be anything."""
    speed = _usual(extent_px / px_mm / WINDOW_S)
    if not speed:
        raise RecordError(
            f"the traces are {extent_px / px_mm:.0f} mm long, and no pulse tells the paper's speed",
            expected=f"ten seconds at {', '.join(f'{one:g}' for one in SPEEDS_MM_S)} mm/s",
            fix="give the speed",
        )
    return speed


def _rows_by_pulses(
    groups: list[tuple[Found, ...]], runs: Runs, shape: tuple[int, ...], px_mm: float, wanted: int
) -> tuple[Rows | None, tuple[Found, ...], tuple[Found, ...]]:
    """Rows, and the pulses before and behind them, by the group that has most of them on rows."""
    for group in sorted(groups, key=len, reverse=True):
        spaced = _pitch_of(upright(group, px_mm), LEAST_PITCH_MM * px_mm)
        if spaced is None:
            continue
        rows = present(runs, spaced, shape, wanted)
        kept = [_on_rows(rows, other, px_mm) for other in groups]
        kept = [other for other in kept if len(other) >= max(2, FEWEST * rows.count)]
        left = max((other for other in kept if other[0].left < shape[1] / 2), key=len, default=())
        right = max((other for other in kept if other[0].left >= shape[1] / 2), key=len, default=())
        if left or right:
            return rows, left, right
    return None, (), ()


def _pitch_of(pulses: tuple[Found, ...], least: float) -> Rows | None:
    """Rows on which most pulses stand; some rows' were not found, and some are none."""
    bases = np.array(sorted(pulse.base for pulse in pulses))
    best, most = None, 1
    for number, first in enumerate(bases):
        for pitch in bases[number + 1 :] - first:
            off = (bases - first) / pitch
            standing = np.abs(off - np.rint(off)) < ON_ROW
            numbers = np.rint(off[standing])
            count = len(set(numbers.tolist()))
            # Half the distance explains as many: of equals the widest.
            if pitch < least or count < max(most, 2) or (count == most and best and pitch <= best.pitch):
                continue
            slope, start = np.polyfit(numbers, bases[standing], 1)
            best, most = Rows(float(start), float(slope), 1), count
    return best


def _on_rows(rows: Rows, pulses: tuple[Found, ...], px_mm: float) -> tuple[Found, ...]:
    """The pulses of a group that are what they seem: they stand on a row and are as high as others."""
    return tuple(
        pulse
        for pulse in upright(pulses, px_mm)
        if 0 <= (row := rows.nearest(pulse.base)) < rows.count
        and abs(pulse.base - rows.base(row)) < ON_ROW * rows.pitch
    )


def _ink_ends(
    coverage: Levels, runs: Runs, rows: Rows, px_mm: float, pen: float,
    left: tuple[Found, ...], right: tuple[Found, ...],
) -> tuple[Floats, Floats]:  # fmt: skip
    """Where the rows' traces begin and end, between the pulses."""
    low = round(left[0].right + 2.2 * px_mm) if left else 0
    high = round(right[0].left - 2.2 * px_mm) if right else runs.width
    found = [where_traces(coverage, runs, rows.base(row), rows.pitch, low, high, px_mm, pen)
             for row in range(rows.count)]  # fmt: skip
    ends = [one for one in found if one is not None]
    if not ends:
        raise RecordError("there is no ECG trace on the picture", expected="rows of leads in dark ink")
    begins, finals = np.array(ends).T
    return begins, finals


def _timed(frame: Frame, coverage: Levels, begins: Floats, ends: Floats, scaled: bool) -> tuple[float, float]:
    """Where time begins, and pixels a second, by pulses and separators together.

    A pulse alone can be off by .05 mm on creased paper, which is 2 ms and costs a steep QRS 6 dB. Traces end
    a sample early, and where they begin is not clear if they begin steeply.
    """
    pad = (FORMS[frame.layout].pulse_mm + PULSE_S * frame.speed_mm_s / 2) * frame.px_mm
    marks = [((pulse.left + pulse.right) / 2 + pad, 0.0) for pulse in frame.left]
    marks += [((pulse.left + pulse.right) / 2 - pad, WINDOW_S) for pulse in frame.right]
    if not marks:
        marks = [(float(np.median(begins)), 0.0)]
    rough = float(np.median([x - time * frame.px_s for x, time in marks]))
    marks += separators(coverage, frame.rows, frame.layout, frame.px_mm, rough, frame.px_s)
    if not scaled and not frame.right:
        marks.append((float(np.median(ends)), WINDOW_S))
    x, time = np.array(marks).T
    if scaled:
        starts = x - time * frame.px_s
        near = np.abs(starts - rough) <= SAME_S * frame.px_s + 0.5
        return float(np.mean(starts[near])), frame.px_s
    slack = 0.03 * time * frame.px_s + SAME_S * frame.px_s + 0.5
    near = np.abs(x - rough - time * frame.px_s) <= slack
    if not near.any() or np.ptp(time[near]) == 0.0:
        return rough, frame.px_s
    px_s, start = np.polyfit(time[near], x[near], 1)
    return float(start), float(px_s)
