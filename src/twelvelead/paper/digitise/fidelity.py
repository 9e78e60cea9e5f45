"""How much of a signal a page keeps: it is drawn, read back, and what differs is noise.

`round_trip` reads the traces alone, where the page's own geometry says they are. So it measures what pixels
can hold, and what following a line costs: the best that `digitise` could do, which has to find everything.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twelvelead.ecg.lead import LEADS
from twelvelead.paper.digitise.calibration import Lattice, level_out
from twelvelead.paper.digitise.frame import Frame
from twelvelead.paper.digitise.hints import Hints
from twelvelead.paper.digitise.picture import FINE_PX_MM
from twelvelead.paper.digitise.pulse import Found
from twelvelead.paper.digitise.reading import read_strips
from twelvelead.paper.digitise.rows import Rows
from twelvelead.paper.digitise.run import find_runs, pen_px
from twelvelead.paper.layout import PULSE_MV, Layout, lay_out
from twelvelead.paper.page import render
from twelvelead.paper.style import PageStyle

Floats = NDArray[np.float64]


def snr_db(truth_mv: NDArray[np.floating[Any]], found_mv: NDArray[np.floating[Any]]) -> Floats:
    """Signal-to-noise ratio of each lead.

    The signal is what the truth varies about its mean, the noise all that was found beside it, a shift of
    0 mV included. Truth that was not found counts as found at its mean, that is as 0 dB.

    Args:
        truth_mv: (leads, n) mV; NaN where nothing was shown.
        found_mv: (leads, n) mV; NaN where nothing was found.

    Returns:
        (leads,) dB; NaN where nothing was shown, or nothing but a level line.
    """
    levels = np.full(len(truth_mv), np.nan)
    for lead, (truth, found) in enumerate(zip(truth_mv, found_mv, strict=True)):
        shown = np.isfinite(truth)
        if not shown.any():
            continue
        wave = truth[shown] - truth[shown].mean(dtype=np.float64)
        missing = np.isnan(found[shown])
        noise = np.where(missing, wave, found[shown] - truth[shown])
        power, lost = float((wave**2).sum()), float((noise**2).sum())
        if power > 0.0:
            levels[lead] = 10.0 * np.log10(power / lost) if lost > 0.0 else np.inf
    return levels


def shown_on(signal_mv: NDArray[np.floating[Any]], fs_hz: float, style: PageStyle) -> Floats:
    """What a page of this style shows of a signal, as (12, n) mV, else NaN; median complexes are none."""
    signal = np.asarray(signal_mv, dtype=np.float64)
    shown = np.full_like(signal, np.nan)
    for strip in lay_out(style).strips:
        if not strip.median:
            first = int(np.ceil(strip.start_s * fs_hz - 1e-6))
            part = slice(first, int(np.floor(strip.end_s * fs_hz + 1e-6)) + 1)
            shown[strip.lead, part] = signal[strip.lead, part]
    return shown


def round_trip(signal_mv: NDArray[np.floating[Any]], fs_hz: float, style: PageStyle) -> Floats:
    """Draw a record, read its trace mask, and compare.

    Args:
        signal_mv: (12, n) mV, rows in the order of `LEADS`.
        fs_hz: Samples a second.
        style: The page.

    Returns:
        (12,) dB, see `snr_db`.

    Raises:
        RecordError: The signal is not (12, n) with samples, or the rate is not positive.
    """
    finer = 2 if style.px_mm < FINE_PX_MM else 1
    mask = render(signal_mv, fs_hz, style, names=False).trace
    coverage = level_out(mask.astype(np.float32) / np.float32(255.0), Lattice.level(style.px_mm), finer)
    runs = find_runs(coverage)
    layout = lay_out(style)
    frame = _frame(style, layout, finer)
    readings = read_strips(coverage, runs, pen_px(runs), frame, Hints.of(style), fs_hz)
    truth = shown_on(signal_mv, fs_hz, style)
    found = np.full((len(LEADS), truth.shape[1]), np.nan)
    for strip, reading in sorted(
        zip(layout.strips, readings, strict=True), key=lambda one: not one[0].rhythm
    ):
        if strip.median:
            continue
        first = int(np.ceil(strip.start_s * fs_hz - 1e-6))
        part = found[strip.lead, first : first + len(reading.signal_mv)]
        own = reading.signal_mv[: len(part)] * strip.sign
        part[:] = np.where(np.isnan(part), own, part)
    return snr_db(truth, found)


def _frame(style: PageStyle, layout: Layout, finer: int) -> Frame:
    """The lines of a page of ours, as they are known and need not be found."""
    px_mm = style.px_mm * finer
    bases = sorted({strip.baseline_mm * px_mm for strip in layout.strips})
    pitch = (bases[-1] - bases[0]) / (len(bases) - 1)
    pulses = [
        Found(
            pulse.x_mm * px_mm,
            (pulse.x_mm + style.pulse_foot_mm) * px_mm,
            (pulse.y_mm - PULSE_MV * pulse.gain_mm_mv) * px_mm,
            pulse.y_mm * px_mm,
        )
        for pulse in layout.pulses
    ]
    left = tuple(pulse for pulse in pulses if pulse.left < style.left_mm * px_mm)
    right = tuple(pulse for pulse in pulses if pulse.left >= style.left_mm * px_mm)
    return Frame(
        style.layout, px_mm, style.speed_mm_s, px_mm * style.speed_mm_s, Rows(bases[0], pitch, len(bases)),
        style.left_mm * px_mm, left, right,
    )  # fmt: skip
