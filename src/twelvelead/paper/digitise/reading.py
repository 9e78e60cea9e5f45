"""The strips of a page, read along their traces."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from twelvelead.paper.digitise.course import course_of
from twelvelead.paper.digitise.follow import follow
from twelvelead.paper.digitise.frame import Frame
from twelvelead.paper.digitise.hints import Hints
from twelvelead.paper.digitise.ink import Levels
from twelvelead.paper.digitise.pulse import GAINS_MM_MV
from twelvelead.paper.digitise.run import Runs
from twelvelead.paper.layout import Strip, lay_out
from twelvelead.paper.style import PageStyle

Floats = NDArray[np.float64]

LIMB_LEADS = 6
FEWEST = 0.3  # share of a strip's columns that must have ink
HOLD_S = 0.06  # behind a separator a trace goes on as it was
BREAK_MM = 1.5  # ink that misses for longer is a gap of the signal
SEPARATOR_MM, TICK_MM = 0.9, 4.0
HIDDEN = 0.6  # of a separator's height: so much ink in a column hides the trace
USUAL_GAIN = 0.06  # a measured gain this close to a usual one is that one


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One strip.

    Attributes:
        rank: Its lead's place in the printed order; -1 for a rhythm strip.
        limb: Whether that is a limb lead.
        signal_mv: (n,) as it is printed, at the rate wanted; NaN where there is none.
        gain_px_mv: Pixels a millivolt.
    """

    rank: int
    limb: bool
    signal_mv: Floats
    gain_px_mv: float


def places(frame: Frame, known: Hints, order: str) -> tuple[Strip, ...]:
    """The strips of the layout; only their order and times count, and how they are spaced."""
    return lay_out(_style(frame, known, order)).strips


def _style(frame: Frame, known: Hints, order: str) -> PageStyle:
    """Any page with this layout."""
    size = round(20 * frame.speed_mm_s) + 200
    return PageStyle(
        frame.layout, size, size, frame.speed_mm_s, px_mm_fixed=1.0, order=order, timing=known.timing,
        rhythm=known.rhythm,
    )  # fmt: skip


def read_strips(
    coverage: Levels, runs: Runs, pen: float, frame: Frame, known: Hints, fs_hz: float
) -> tuple[Reading, ...]:
    """Read every strip of a page, in reading order.

    Args:
        coverage: (height, width) ink of the levelled page.
        runs: The same by columns.
        pen: Width of the pen in px.
        frame: Its rows.
        known: What is known of it.
        fs_hz: Samples a second that are wanted.
    """
    style = _style(frame, known, "standard")
    strips = lay_out(style).strips
    tops = sorted({strip.top_mm for strip in strips})
    rows = [tops.index(strip.top_mm) for strip in strips]
    limb, chest = _gains(frame, strips, rows, known)
    found = []
    for strip, row in zip(strips, rows, strict=True):
        x0 = frame.start + (strip.left_mm - style.left_mm) * frame.px_mm
        x1 = x0 + (strip.end_s - strip.start_s) * frame.px_s
        begin, end = max(math.ceil(x0 - 0.5), 0), min(math.floor(x1 - 0.5) + 1, runs.width)
        base = frame.rows.base(row)
        hidden = _hidden(coverage, frame, base, [x for x in (x0, x1) if x > frame.start + 1])
        gain = limb if strip.lead < LIMB_LEADS else chest
        times = _times(strip, fs_hz)
        signal = np.full(len(times), np.nan)
        if end - begin > 2:
            path = follow(runs, begin, end, base, frame.px_mm, hidden)
            if (path >= 0).mean() >= FEWEST:
                x, y = course_of(runs, path, begin, pen)
                signal = _sampled((x - x0) / frame.px_s, (base - y) / gain, times, frame)
        found.append(Reading(-1 if strip.rhythm else strip.lead, strip.lead < LIMB_LEADS, signal, gain))
    return tuple(found)


def _times(strip: Strip, fs_hz: float) -> Floats:
    """Instants of a strip's samples, from its left end."""
    if strip.median:
        return np.arange(round((strip.end_s - strip.start_s) * fs_hz) + 1) / fs_hz
    first = math.ceil(strip.start_s * fs_hz - 1e-6)
    last = math.floor(strip.end_s * fs_hz + 1e-6)
    return np.arange(first, last + 1) / fs_hz - strip.start_s


def _gains(frame: Frame, strips: tuple[Strip, ...], rows: list[int], known: Hints) -> tuple[float, float]:
    """Pixels a millivolt of limb and chest leads: a pulse speaks for the lead beside it."""
    said: tuple[list[float], list[float]] = ([], [])
    for pulses, beside in ((frame.left, 0), (frame.right, -1)):
        for pulse in pulses:
            row = frame.rows.nearest(pulse.base)
            lead = [strip.lead for strip, at in zip(strips, rows, strict=True) if at == row][beside]
            said[lead >= LIMB_LEADS].append(pulse.height)
    if known.gain_mm_mv or not (said[0] or said[1]):
        return ((known.gain_mm_mv or 10.0) * frame.px_mm,) * 2
    limb, chest = (float(np.median(one or other)) for one, other in (said, said[::-1]))
    return _usual(limb, frame.px_mm), _usual(chest, frame.px_mm)


def _usual(gain_px: float, px_mm: float) -> float:
    nearest = min(GAINS_MM_MV, key=lambda gain: abs(math.log(gain * px_mm / gain_px)))
    return nearest * px_mm if abs(gain_px / (nearest * px_mm) - 1) < USUAL_GAIN else gain_px


def _hidden(coverage: Levels, frame: Frame, base: float, bounds: list[float]) -> NDArray[np.bool_]:
    """(width,) columns in which a separator stands on the trace."""
    hidden = np.zeros(coverage.shape[1], dtype=bool)
    reach = TICK_MM * frame.px_mm
    rows = slice(max(round(base - reach), 0), max(round(base + reach), 1))
    for x in bounds:
        begin, end = round(x - SEPARATOR_MM * frame.px_mm), round(x + SEPARATOR_MM * frame.px_mm) + 1
        ink = coverage[rows, max(begin, 0) : max(end, 0)].sum(axis=0)
        dark = ink > HIDDEN * 0.5 * (2 * reach)
        if (ink > HIDDEN * 2 * reach).any():
            hidden[max(begin, 0) : max(end, 0)] = dark
    return hidden


def _sampled(at_s: Floats, value_mv: Floats, times: Floats, frame: Frame) -> Floats:
    """Samples between columns, none in gaps of the ink."""
    if len(at_s) < 2:
        return np.full(len(times), np.nan)
    signal = np.asarray(PchipInterpolator(at_s, value_mv, extrapolate=False)(times))
    ahead = np.clip(np.searchsorted(at_s, times), 0, len(at_s) - 1)
    behind = np.maximum(ahead - 1, 0)
    signal[times < at_s[0]], signal[times > at_s[-1]] = value_mv[0], value_mv[-1]
    near = np.minimum(np.abs(at_s[ahead] - times), np.abs(at_s[behind] - times))
    inside = (times >= at_s[0]) & (times <= at_s[-1])
    gap = np.where(inside, at_s[ahead] - at_s[behind] > BREAK_MM / frame.speed_mm_s + 1.5 / frame.px_s, False)
    lost = np.where(inside, gap & (near > 1.0 / frame.px_s), near > HOLD_S)
    return np.where(lost, np.nan, signal)
