"""Rate, intervals, axis and wave heights of a recording, as an electrocardiograph would print them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twelvelead.ecg.beat import Beats, find_peaks, group
from twelvelead.ecg.filter import WORK_HZ, Signal, prepare
from twelvelead.ecg.kernel import compiled
from twelvelead.ecg.lead import LEADS
from twelvelead.ecg.rank import median
from twelvelead.ecg.wave import Marks, find_waves, samples

SCALARS: tuple[str, ...] = (
    "rate_bpm",
    "rr_sd_ms",
    "rr_step_ms",
    "irregular",
    "p_present",
    "p_ms",
    "pr_ms",
    "qrs_ms",
    "qt_ms",
    "qtc_ms",
    "axis_deg",
    "premature_beats",
    "ectopic_beats",
    "n_beats",
)
"""Measurements that become columns of the validated index."""

SHORTEST_S = 1.5
IRREGULAR = 0.10  # SD of RR against its mean: a regular sinus rhythm has 0.01–0.06, fibrillation 0.14–0.30
OFTEN = 0.2
VISIBLE_MV = 0.03
NAN = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Measurements:
    """What was measured. NaN, or None for counts and yes/no, where it could not be.

    Attributes:
        rate_bpm: Ventricular rate.
        rr_ms: (n_beats − 1,) all RR intervals.
        rr_sd_ms: Standard deviation of the RR intervals between beats that are not premature.
        rr_step_ms: Root mean square of their successive differences.
        irregular: They vary by more than a regular rhythm does.
        p_present: A P wave precedes the QRS at a constant distance.
        p_ms, pr_ms, qrs_ms, qt_ms: Intervals over all leads.
        qtc_ms: QT / cube root of RR in seconds (Fridericia).
        axis_deg: Frontal QRS axis, −180 to 180.
        premature_beats: Beats earlier than 0.85 of the typical RR, of any shape.
        ectopic_beats: Premature beats whose QRS differs from the dominant one.
        n_beats: QRS complexes found.
        q_mv, r_mv, s_mv: (12,) depth of the negative start, height of the highest and depth of the lowest
            point of QRS; ≥ 0. A QS complex counts in q and in s.
        st_mv, t_mv, p_mv: (12,) signed: 60 ms after J, extreme of T, extreme of P; against the PR segment
            (p: against its own start). p_mv is 0 where there is no P.
    """

    rate_bpm: float
    rr_ms: Signal
    rr_sd_ms: float
    rr_step_ms: float
    irregular: bool | None
    p_present: bool | None
    p_ms: float
    pr_ms: float
    qrs_ms: float
    qt_ms: float
    qtc_ms: float
    axis_deg: float
    premature_beats: int | None
    ectopic_beats: int | None
    n_beats: int
    q_mv: Signal
    r_mv: Signal
    s_mv: Signal
    st_mv: Signal
    t_mv: Signal
    p_mv: Signal


def measure(signal_mv: NDArray[np.floating], fs_hz: float) -> Measurements:
    """Measure a recording of any length and rate; a hopeless one gives NaN, never an error.

    Values are rounded (0.1/min, 1 ms, 1 degree, 0.001 mV) so that the last bits of a sum, which differ
    between processors, do not reach a file.

    Args:
        signal_mv: (12, n) in mV, rows in the order of `LEADS`; NaN marks gaps.
        fs_hz: Samples a second.
    """
    signal = np.asarray(signal_mv, dtype=np.float64)
    if signal.shape[1] < SHORTEST_S * fs_hz:
        return _nothing()
    wave, detect = prepare(signal, fs_hz)
    beats = group(wave, find_peaks(detect))
    if beats is None:
        return _nothing()
    rhythm = _rhythm(beats)
    marks = find_waves(beats, rhythm.conducted_ms, rhythm.irregular)
    if marks is None:
        return _nothing()
    return _collect(beats, marks, rhythm)


@dataclass(frozen=True, slots=True, eq=False)
class _Rhythm:
    rr_ms: Signal
    conducted_ms: Signal
    typical_ms: float
    sd_ms: float
    step_ms: float
    irregular: bool


def _rhythm(beats: Beats) -> _Rhythm:
    rr = np.diff(beats.peaks_s) * 1000
    ectopic = beats.premature & beats.discordant
    # A few early beats do not make a rhythm irregular; where a fifth come early they are the rhythm.
    aside = beats.premature if beats.premature.mean() < OFTEN else ectopic
    conducted = rr[~(aside[1:] | aside[:-1])]
    if conducted.size < 3:
        conducted = rr
    sd = float(conducted.std())
    steps = np.diff(conducted)
    irregular = bool(sd > IRREGULAR * conducted.mean())
    # Where beats alternate or scatter the middle interval stands for none of them; their mean does.
    typical = float(rr.mean() if irregular or ectopic.any() else median(rr))
    return _Rhythm(
        rr, conducted, typical, sd, float(np.sqrt((steps**2).mean())) if steps.size else NAN, irregular
    )


def _collect(beats: Beats, marks: Marks, rhythm: _Rhythm) -> Measurements:
    on, off = marks.qrs_on, marks.qrs_off
    # AHA 2007 part I and 2009 part IV refer QRS, ST and T to the level just before QRS.
    x = beats.median_mv - beats.median_mv[:, on - samples(14) : on - samples(2)].mean(axis=1, keepdims=True)
    qrs = x[:, on : off + 1]
    area = qrs.sum(axis=1)
    t_end = marks.t_end
    qt_ms = NAN if t_end is None else _ms(t_end - on)
    st_at = off + samples(60)
    height, p_ms, pr_ms = np.zeros(len(LEADS)), NAN, NAN
    if marks.p_on is not None and marks.p_off is not None:
        p_ms, pr_ms = _ms(marks.p_off - marks.p_on), _ms(on - marks.p_on)
        p = x[:, marks.p_on : min(marks.p_off + 1, on)]
        height = _thousandths(_extreme(p - p[:, :3].mean(axis=1, keepdims=True)))
    t_wave = np.full(len(LEADS), NAN)
    if marks.t_peak is not None and t_end is not None:
        t_wave = _thousandths(_extreme(x[:, max(off + samples(60), marks.t_peak - samples(120)) : t_end + 1]))
    return Measurements(
        rate_bpm=round(60_000 / rhythm.typical_ms, 1),
        rr_ms=np.rint(rhythm.rr_ms),
        rr_sd_ms=_whole(rhythm.sd_ms),
        rr_step_ms=_whole(rhythm.step_ms),
        irregular=rhythm.irregular,
        p_present=marks.p_on is not None,
        p_ms=p_ms,
        pr_ms=pr_ms,
        qrs_ms=_ms(off - on),
        qt_ms=qt_ms,
        qtc_ms=_whole(qt_ms / (rhythm.typical_ms / 1000) ** (1 / 3)),
        # Goldberger's aVF is √3/2 of the vertical component, so it is scaled back to the size of lead I.
        axis_deg=_whole(float(np.degrees(np.arctan2(area[5] * 2 / np.sqrt(3.0), area[0])))),
        premature_beats=int(beats.premature.sum()),
        ectopic_beats=int((beats.premature & beats.discordant).sum()),
        n_beats=beats.peaks_s.size,
        q_mv=_thousandths(_q_wave(qrs)),
        r_mv=_thousandths(np.maximum(qrs.max(axis=1), 0.0)),
        s_mv=_thousandths(np.maximum(-qrs.min(axis=1), 0.0)),
        st_mv=_thousandths(x[:, st_at - 2 : st_at + 3].mean(axis=1)),
        t_mv=t_wave,
        p_mv=height,
    )


@compiled
def _q_wave(qrs: Signal) -> Signal:
    """Return the depth (mV) of the first deflection beyond `VISIBLE_MV` where it points down, else 0."""
    out = np.zeros(qrs.shape[0])
    for lead in range(out.size):
        begun = False
        for at in range(qrs.shape[1]):
            value = qrs[lead, at]
            if not begun:
                if value > VISIBLE_MV:
                    break
                begun = value < -VISIBLE_MV
            elif value >= 0:
                break
            if begun:
                out[lead] = max(out[lead], -value)
    return out


@compiled
def _extreme(x: Signal) -> Signal:
    """Return the signed value (mV) furthest from zero in each row."""
    out = np.zeros(x.shape[0])
    for row in range(out.size):
        for value in x[row]:
            if abs(value) > abs(out[row]):
                out[row] = value
    return out


def _thousandths(x: Signal) -> Signal:
    rounded: Signal = np.round(x, 3) + 0.0  # -0.0 becomes 0.0
    return rounded


def _ms(count: int) -> float:
    return float(round(count * 1000 / WORK_HZ))


def _whole(value: float) -> float:
    return float(np.rint(value))


def _nothing() -> Measurements:
    empty = np.full(len(LEADS), NAN)
    return Measurements(
        *(NAN, np.empty(0), NAN, NAN, None, None, NAN, NAN, NAN, NAN, NAN, NAN, None, None, 0),
        *(empty, empty, empty, empty, empty, empty),
    )
