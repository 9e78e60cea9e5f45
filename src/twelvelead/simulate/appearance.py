"""What one noise-free beat looks like: the measures that decide whether a statement is true of it.

Onset and duration of the QRS are known here, so nothing has to be found; `twelvelead.ecg.measure` does the
finding on real, noisy records.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twelvelead.ecg.lead import LEADS
from twelvelead.simulate.heart import Floats, Heart
from twelvelead.simulate.rhythm import Rhythm
from twelvelead.simulate.vcg import FS_HZ, Body, render, render_atria, twelve

ONSET = 250  # sample of the QRS onset in the beat that is looked at
VISIBLE_MV = 0.02
P_END = 20  # samples, 40 ms: the width of V1's terminal force


@dataclass(frozen=True, slots=True)
class Appearance:
    """Measures of a record. Per-lead arrays (12,) are in the order of LEADS.

    Attributes:
        qt_ms, qtc_ms: As drawn: to 2.8 sigmas after the T peak, a little behind the tangent of its end.
        q_mv, q_ms: Depth and length of the QRS's first part where it is negative, else 0.
        first_r_mv: Height of the QRS's first part where it is positive, else 0.
        r_mv, s_mv: Highest point above and deepest point below the baseline (both ≥ 0).
        late_r_mv: Highest point of the second half of the QRS.
        s_ms: Length of the terminal negative part.
        net_mv: Mean over the QRS.
        j_mv, st60_mv, t_mv, p_mv: J point, 60 ms after it, and signed extremes of T and P.
        p_end_mv: Mean over the 40 ms before the P wave ends.
        p_ms: Length of the P wave.
        rhythm: The beats themselves.
    """

    rhythm: Rhythm

    rate_bpm: float
    irregular: bool
    p_present: bool
    ectopic_beats: int
    pr_ms: float
    qrs_ms: float
    qt_ms: float
    qtc_ms: float
    axis_deg: float
    q_mv: Floats
    q_ms: Floats
    first_r_mv: Floats
    r_mv: Floats
    s_mv: Floats
    late_r_mv: Floats
    s_ms: Floats
    j_mv: Floats
    st60_mv: Floats
    t_mv: Floats
    p_mv: Floats
    p_end_mv: Floats
    p_ms: float

    def of(self, values: Floats, *leads: str) -> Floats:
        """The values of some leads."""
        return values[[LEADS.index(lead) for lead in leads]]


def look(heart: Heart, body: Body, rhythm: Rhythm) -> Appearance:
    """Render the median beat without noise and measure it."""
    rr_s = rhythm.mean_rr_s
    qt_s = heart.qtc_ms / 1000 * rr_s ** (1 / 3)
    own = rhythm.has_p & ~rhythm.early & rhythm.inside
    has_p = bool(own.any())
    follows = has_p and bool((rhythm.pr_s[own] > 0).all())
    pr_s = float(np.median(rhythm.pr_s[own])) if follows else heart.pr_ms / 1000
    gain = np.median(rhythm.p_gain[own], axis=0) if follows else np.zeros(3)
    one = np.ones(1)
    n = ONSET + int((qt_s + 0.1) * FS_HZ)
    onset_s = one * ONSET / FS_HZ
    leads = render(heart, body, onset_s, one * qt_s, one, n)
    atria = render_atria(heart, body, onset_s - pr_s, gain[None], n)
    beat = twelve(leads + atria)
    p_wave = twelve(atria)
    d = round(heart.qrs_ms / 1000 * FS_HZ)
    qrs = beat[:, ONSET - 2 : ONSET + d + 2]
    first, first_ms = _first_part(qrs)
    last, last_ms = _first_part(qrs[:, ::-1])
    j = ONSET + d
    st_t = beat[:, min(j + 40, ONSET + int(0.6 * qt_s * FS_HZ)) : ONSET + int(qt_s * FS_HZ)]
    p_begin = ONSET - int(pr_s * FS_HZ)
    p_over = p_begin + int(heart.p_ms / 1000 * FS_HZ)
    p = p_wave[:, p_begin:p_over]
    net = qrs.sum(axis=1)
    return Appearance(
        rate_bpm=rhythm.rate_bpm,
        irregular=rhythm.irregular,
        rhythm=rhythm,
        p_present=has_p,
        ectopic_beats=rhythm.ectopic_beats,
        pr_ms=pr_s * 1000 if follows and rhythm.pr_fixed else float("nan"),
        qrs_ms=heart.qrs_ms,
        qt_ms=qt_s * 1000,
        qtc_ms=heart.qtc_ms,
        axis_deg=float(np.rad2deg(np.arctan2(2 * net[5] / np.sqrt(3.0), net[0]))),
        q_mv=np.maximum(-first, 0),
        q_ms=np.where(first < 0, first_ms, 0.0),
        first_r_mv=np.maximum(first, 0),
        r_mv=np.maximum(qrs.max(axis=1), 0),
        s_mv=np.maximum(-qrs.min(axis=1), 0),
        late_r_mv=qrs[:, d // 2 :].max(axis=1),
        s_ms=np.where(last < 0, last_ms, 0.0),
        j_mv=beat[:, j],
        st60_mv=beat[:, j + 30],
        t_mv=_extreme(st_t),
        p_mv=_extreme(p),
        p_end_mv=p_wave[:, p_over - P_END : p_over].mean(axis=1),
        p_ms=heart.p_ms if follows else 0.0,
    )


def _extreme(x: Floats) -> Floats:
    at = np.abs(x).argmax(axis=1)
    return x[np.arange(len(x)), at]


def _first_part(x: Floats) -> tuple[Floats, Floats]:
    """Signed peak (mV) and length (ms) of the first deflection beyond VISIBLE_MV, up to its zero crossing."""
    place = np.arange(x.shape[1])
    begin = (np.abs(x) > VISIBLE_MV).argmax(axis=1)
    sign = np.sign(x[np.arange(len(x)), begin])
    over: NDArray[np.bool_] = (x * sign[:, None] <= 0) & (place > begin[:, None])
    end = np.where(over.any(axis=1), over.argmax(axis=1), x.shape[1])
    inside = (place >= begin[:, None]) & (place < end[:, None])
    peak = np.where(inside, x * sign[:, None], 0).max(axis=1) * sign
    return peak, (end - begin) * 1000.0 / FS_HZ
