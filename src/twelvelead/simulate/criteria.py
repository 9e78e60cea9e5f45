"""When a statement is true of a noise-free beat: the criteria, one small function each.

Sources: AHA/ACC/HRS 2007–2009 parts III (conduction), IV (ST-T), V (hypertrophy) and VI (infarction); 4th
Universal Definition of MI 2018 (Q waves); 2018 bradycardia guideline and PTB-XL practice (rates, PR).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from twelvelead.simulate.appearance import Appearance

Check = Callable[[Appearance], bool]
Q_MV, Q_MS = 0.1, 28.0


def one(a: Appearance, values: str, lead: str) -> float:
    """One measure in one lead."""
    return float(a.of(getattr(a, values), lead)[0])


def anything(a: Appearance) -> bool:
    """Statements without a definition that a beat could fail."""
    return True


# Rhythm


def sinus(slowest_bpm: float, fastest_bpm: float) -> Check:
    """Upright P in I, II and aVF before each QRS, regular, at a rate in that range."""

    def check(a: Appearance) -> bool:
        upright = bool((a.of(a.p_mv, "I", "II", "aVF") > 0.01).all())
        return a.p_present and upright and not a.irregular and slowest_bpm <= a.rate_bpm < fastest_bpm

    return check


def sinus_arrhythmia(a: Appearance) -> bool:
    """Sinus P waves whose intervals differ by more than 120 ms."""
    rr = a.rhythm.own_rr_s
    return a.p_present and one(a, "p_mv", "II") > 0.01 and rr.size > 2 and float(np.ptp(rr)) > 0.12


def fibrillates(a: Appearance) -> bool:
    """Irregular without P."""
    return a.irregular and not a.p_present


def flutters(a: Appearance) -> bool:
    """Flutter waves instead of P."""
    return a.rhythm.atria == "flutter" and not a.p_present


def fast_without_sinus(a: Appearance) -> bool:
    """Fast and regular without a P wave before the QRS."""
    return a.rate_bpm > 130 and not a.irregular and one(a, "p_mv", "II") <= 0.01


def paroxysm(a: Appearance) -> bool:
    """A run of quick beats and slower ones beside it."""
    rr = a.rhythm.rr_s
    return a.rhythm.has_paroxysm and rr.size > 3 and float(rr.min()) < 0.45 and float(rr.max()) > 0.55


def not_sinus(a: Appearance) -> bool:
    """P turned over, absent, or changing from beat to beat."""
    gain = a.rhythm.p_gain
    changes = bool(gain.std(axis=0).max() > 0.2)
    return changes or not a.p_present or one(a, "p_mv", "II") < 0.02


def paced(a: Appearance) -> bool:
    """A spike before every QRS, and the QRS wide."""
    return a.rhythm.spike_mv > 0 and a.qrs_ms >= 120


def _couplets(a: Appearance, period: int) -> bool:
    odd = (a.rhythm.ectopic | a.rhythm.early)[a.rhythm.inside]
    places = np.flatnonzero(odd)
    return places.size >= 2 and bool((np.diff(places) == period).all())


def bigeminy(a: Appearance) -> bool:
    """Every second beat premature."""
    return _couplets(a, 2)


def trigeminy(a: Appearance) -> bool:
    """Every third beat premature."""
    return _couplets(a, 3)


def has_ectopics(a: Appearance) -> bool:
    """At least one premature wide beat."""
    return a.ectopic_beats > 0


def has_early(a: Appearance) -> bool:
    """At least one premature atrial beat, clearly early."""
    rhythm = a.rhythm
    return rhythm.early_beats > 0 and float(rhythm.rr_s.min()) < 0.88 * float(np.median(rhythm.rr_s))


def has_premature(a: Appearance) -> bool:
    """At least one premature beat of either kind."""
    return has_ectopics(a) or has_early(a)


# AV conduction and the ventricles' own


def pr_long(a: Appearance) -> bool:
    """PR above 200 ms."""
    return a.p_present and a.pr_ms > 200


def drops_beats(a: Appearance) -> bool:
    """P waves without a QRS between ones that have it."""
    lone = a.rhythm.lone_p_s
    return bool(((lone > 0) & (lone < 9.5)).sum() >= 1) and bool(a.rhythm.has_p.any())


def dissociated(a: Appearance) -> bool:
    """P waves and QRS complexes that ignore one another, P the faster."""
    return a.rhythm.lone_p_s.size > a.rhythm.onset_s.size and not a.rhythm.has_p.any()


def left_anterior(a: Appearance) -> bool:
    """Axis from −45 to −90, rS in II, III and aVF, R in aVL."""
    r, s = a.of(a.r_mv, "II", "III", "aVF"), a.of(a.s_mv, "II", "III", "aVF")
    return -95 <= a.axis_deg <= -42 and bool((s > r).all()) and one(a, "r_mv", "aVL") > one(a, "s_mv", "aVL")


def left_posterior(a: Appearance) -> bool:
    """Axis beyond +90, rS in I and aVL, R in III and aVF."""
    r, s = a.of(a.r_mv, "I", "aVL"), a.of(a.s_mv, "I", "aVL")
    return 88 <= a.axis_deg <= 180 and bool((s > r).all()) and one(a, "r_mv", "III") > one(a, "s_mv", "III")


def left_bundle(a: Appearance) -> bool:
    """Wide; rS or QS in V1, R without S or q laterally, T against the QRS."""
    r1, r6 = a.of(a.r_mv, "V1", "V6")
    s1, s6 = a.of(a.s_mv, "V1", "V6")
    no_q = bool((a.of(a.q_mv, "I", "V6") < 0.08).all())
    t1, t6 = a.of(a.t_mv, "V1", "V6")
    return a.qrs_ms >= 120 and s1 > 3 * r1 and r6 > 2 * s6 and no_q and t1 > 0 and t6 <= 0.05


def incomplete_left_bundle(a: Appearance) -> bool:
    """The same picture below 120 ms."""
    no_q = bool((a.of(a.q_mv, "I", "V6") < 0.08).all())
    return 104 <= a.qrs_ms < 121 and one(a, "s_mv", "V1") > 2 * one(a, "r_mv", "V1") and no_q


def right_bundle(a: Appearance) -> bool:
    """Wide; R' in V1, slurred S in I and V6."""
    return a.qrs_ms >= 120 and one(a, "late_r_mv", "V1") > 0.2 and bool((a.of(a.s_ms, "I", "V6") > 36).all())


def incomplete_right_bundle(a: Appearance) -> bool:
    """r' in V1 or V2, not wide."""
    return bool((a.of(a.late_r_mv, "V1", "V2") > 0.05).any()) and a.qrs_ms < 121


def wide(a: Appearance) -> bool:
    """QRS above 110 ms."""
    return a.qrs_ms >= 108


def pre_excited(a: Appearance) -> bool:
    """PR below 120 ms and QRS above 110."""
    return a.p_present and a.pr_ms < 120 and a.qrs_ms >= 110


# Chambers


def high_voltage(a: Appearance) -> bool:
    """Sokolow-Lyon 3.5 mV, or Cornell 2.8 mV (the male limit, for both sexes), or R in aVL 1.1 mV."""
    sokolow = one(a, "s_mv", "V1") + float(a.of(a.r_mv, "V5", "V6").max())
    r_avl = one(a, "r_mv", "aVL")
    return sokolow >= 3.5 or r_avl + one(a, "s_mv", "V3") > 2.8 or r_avl >= 1.1


def low_voltage(a: Appearance) -> bool:
    """Peak to peak below .6 mV in all limb leads."""
    return bool((a.r_mv[:6] + a.s_mv[:6] < 0.6).all())


def deep_septal_q(a: Appearance) -> bool:
    """Q above .3 mV in I, V5 or V6."""
    return bool((a.of(a.q_mv, "I", "V5", "V6") > 0.28).any())


def right_ventricle(a: Appearance) -> bool:
    """Axis beyond +90, and R in V1 as large as its S or .7 mV."""
    r = one(a, "r_mv", "V1")
    return a.axis_deg > 85 and (r >= one(a, "s_mv", "V1") or r >= 0.7)


def left_atrium(a: Appearance) -> bool:
    """P of 118 ms or more whose last 40 ms go down in V1."""
    return a.p_present and a.p_ms >= 114 and one(a, "p_end_mv", "V1") < -0.06


def right_atrium(a: Appearance) -> bool:
    """P above .2 mV in II."""
    return a.p_present and one(a, "p_mv", "II") > 0.2


# Infarction


def has_q(a: Appearance, at_least: int, *leads: str) -> bool:
    """Q of 28 ms and .1 mV in so many of the leads."""
    return int(((a.of(a.q_ms, *leads) >= Q_MS) & (a.of(a.q_mv, *leads) >= Q_MV)).sum()) >= at_least


def inferior_q(a: Appearance) -> bool:
    """Q of 28 ms and .1 mV in two of II, III and aVF."""
    return has_q(a, 2, "II", "III", "aVF")


def lateral_q(a: Appearance) -> bool:
    """Q in two of I, aVL, V5 and V6."""
    return has_q(a, 2, "I", "aVL", "V5", "V6")


def inferolateral_q(a: Appearance) -> bool:
    """Q in two inferior leads and one lateral."""
    return inferior_q(a) and has_q(a, 1, "I", "aVL", "V5", "V6")


def anterior_q(a: Appearance) -> bool:
    """Q or QS in two of V2–V4."""
    return has_q(a, 2, "V2", "V3", "V4")


def anterolateral_q(a: Appearance) -> bool:
    """Q in two of I, aVL and V4–V6."""
    return has_q(a, 2, "I", "aVL", "V4", "V5", "V6")


def posterior(a: Appearance) -> bool:
    """R at least as large as S in V1 or V2."""
    return bool((a.of(a.r_mv, "V1", "V2") >= a.of(a.s_mv, "V1", "V2")).any())


def septal_loss(a: Appearance) -> bool:
    """QS, Q, or r below .12 mV in two of V1–V3."""
    return int((a.of(a.first_r_mv, "V1", "V2", "V3") < 0.12).sum()) >= 2


def aneurysm(a: Appearance) -> bool:
    """The septum silent, and ST up behind it."""
    return septal_loss(a) and bool((a.of(a.st60_mv, "V2", "V3") > 0.1).any())


def some_q(a: Appearance) -> bool:
    """A pathological Q or QS anywhere but in aVR, V1 or III alone."""
    if has_q(a, 2, "II", "III", "aVF") or has_q(a, 1, "V2", "V3", "V4", "V5", "V6", "I"):
        return True
    return has_q(a, 1, "aVF") or septal_loss(a)


# ST and T


def st_down(*leads: str) -> Check:
    """ST of −.05 mV or lower in all of the leads, 60 ms after J."""
    return lambda a: bool((a.of(a.st60_mv, *leads) <= -0.05).all())


def t_inverted(*leads: str) -> Check:
    """T below zero in all of the leads."""
    return lambda a: bool((a.of(a.t_mv, *leads) < 0).all())


def strain(a: Appearance) -> bool:
    """T inverted and J below the baseline in V6."""
    return one(a, "t_mv", "V6") < 0 and one(a, "j_mv", "V6") < -0.02


LATERAL = ("I", "II", "V4", "V5", "V6")
"""The leads in which T is normally upright."""


def flat_t(a: Appearance) -> bool:
    """T below 10 % of R, flat or inverted, in three of the leads where T is normally upright."""
    return int((a.of(a.t_mv, *LATERAL) < 0.1 * a.of(a.r_mv, *LATERAL)).sum()) >= 3


def low_t(a: Appearance) -> bool:
    """T below 10 % of R, flat or inverted, in two of those leads."""
    return int((a.of(a.t_mv, *LATERAL) < 0.1 * a.of(a.r_mv, *LATERAL)).sum()) >= 2


def small_t(a: Appearance) -> bool:
    """T below 12 % of R, or .1 mV, in three of those leads."""
    t = np.abs(a.of(a.t_mv, *LATERAL))
    return int(((t < 0.12 * a.of(a.r_mv, *LATERAL)) | (t < 0.1)).sum()) >= 3


def inverted_t(a: Appearance) -> bool:
    """T of −.1 mV or lower in two of those leads."""
    return int((a.of(a.t_mv, *LATERAL) <= -0.1).sum()) >= 2


def st_low(a: Appearance) -> bool:
    """ST of −.05 mV or lower in two of those leads."""
    return int((a.of(a.st60_mv, *LATERAL) <= -0.05).sum()) >= 2


def st_high(a: Appearance) -> bool:
    """ST of .08 mV or higher in two leads; V2 and V3, where .1 mV is normal, count from .17 mV (UD)."""
    usual = a.of(a.st60_mv, "I", "II", "aVF", "V4", "V5") >= 0.08
    return int(usual.sum()) + int((a.of(a.st60_mv, "V2", "V3") >= 0.17).sum()) >= 2


def qt_long(a: Appearance) -> bool:
    """QTc of 460 ms or more."""
    return a.qtc_ms >= 460


CONTRADICT_NORMAL: tuple[Check, ...] = (
    fibrillates, flutters, paced, drops_beats, dissociated, pr_long, left_anterior, left_posterior,
    left_bundle, right_bundle, pre_excited, high_voltage, right_ventricle, right_atrium, inferior_q,
    lateral_q, septal_loss, strain, flat_t, inverted_t, st_low, qt_long,
)  # fmt: skip


def normal(a: Appearance) -> bool:
    """Inside normal limits, and nothing that another statement describes."""
    limits = -30 <= a.axis_deg <= 95 and a.qrs_ms < 112 and not a.pr_ms > 205
    upright = bool((a.of(a.t_mv, "I", "II", "V3", "V4", "V5", "V6") > 0.05).all())
    r = a.of(a.r_mv, "V1", "V2", "V3", "V4")
    progress = bool(r[3] > r[0]) and r[2:].max() > 0.3
    return limits and upright and progress and not any(check(a) for check in CONTRADICT_NORMAL)
