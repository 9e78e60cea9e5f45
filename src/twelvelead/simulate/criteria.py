"""When a statement is true of a noise-free beat: the criteria, one small function each.

Sources: AHA/ACC/HRS 2007–2009 parts III (conduction), IV (ST-T), V (hypertrophy) and VI (infarction); 4th
Universal Definition of MI 2018 (Q waves); 2018 bradycardia guideline and PTB-XL practice (rates, PR).
"""

from __future__ import annotations

from collections.abc import Callable

from twelvelead.simulate.appearance import Appearance

Check = Callable[[Appearance], bool]


def sinus(slowest_bpm: float, fastest_bpm: float) -> Check:
    """Upright P in I, II and aVF before each QRS, regular, at a rate in that range."""

    def check(a: Appearance) -> bool:
        upright = bool((a.of(a.p_mv, "I", "II", "aVF") > 0.01).all())
        return a.p_present and upright and not a.irregular and slowest_bpm <= a.rate_bpm < fastest_bpm

    return check


def fibrillates(a: Appearance) -> bool:
    """Irregular without P."""
    return a.irregular and not a.p_present


def has_ectopics(a: Appearance) -> bool:
    """At least one premature wide beat."""
    return a.ectopic_beats > 0


def pr_long(a: Appearance) -> bool:
    """PR above 200 ms."""
    return a.p_present and a.pr_ms > 200


def left_anterior(a: Appearance) -> bool:
    """Axis from −45 to −90, rS in II, III and aVF, R in aVL."""
    r, s = a.of(a.r_mv, "II", "III", "aVF"), a.of(a.s_mv, "II", "III", "aVF")
    tall = bool((a.of(a.r_mv, "aVL") > a.of(a.s_mv, "aVL")).all())
    return -95 <= a.axis_deg <= -45 and bool((s > r).all()) and tall


def left_bundle(a: Appearance) -> bool:
    """Wide; rS or QS in V1, R without S or q laterally, T against the QRS."""
    r1, r6 = a.of(a.r_mv, "V1", "V6")
    s1, s6 = a.of(a.s_mv, "V1", "V6")
    no_q = bool((a.of(a.q_mv, "I", "V6") < 0.08).all())
    t1, t6 = a.of(a.t_mv, "V1", "V6")
    return a.qrs_ms >= 120 and s1 > 3 * r1 and r6 > 2 * s6 and no_q and t1 > 0 and t6 <= 0


def right_bundle(a: Appearance) -> bool:
    """Wide; R' in V1, slurred S in I and V6."""
    late = float(a.of(a.late_r_mv, "V1")[0])
    return a.qrs_ms >= 120 and late > 0.2 and bool((a.of(a.s_ms, "I", "V6") > 36).all())


def high_voltage(a: Appearance) -> bool:
    """Sokolow-Lyon 3.5 mV, or Cornell 2.8 mV (the male limit, for both sexes), or R in aVL 1.1 mV."""
    sokolow = float(a.of(a.s_mv, "V1")[0] + a.of(a.r_mv, "V5", "V6").max())
    r_avl, s_v3 = float(a.of(a.r_mv, "aVL")[0]), float(a.of(a.s_mv, "V3")[0])
    return sokolow >= 3.5 or r_avl + s_v3 > 2.8 or r_avl >= 1.1


def inferior_q(a: Appearance) -> bool:
    """Q of 28 ms and .1 mV in two of II, III and aVF."""
    leads = ("II", "III", "aVF")
    return int(((a.of(a.q_ms, *leads) >= 28) & (a.of(a.q_mv, *leads) >= 0.1)).sum()) >= 2


def septal_loss(a: Appearance) -> bool:
    """QS, Q, or r below .12 mV in two of V1–V3."""
    return int((a.of(a.first_r_mv, "V1", "V2", "V3") < 0.12).sum()) >= 2


def strain(a: Appearance) -> bool:
    """T inverted and J below the baseline in V6."""
    return float(a.of(a.t_mv, "V6")[0]) < 0 and float(a.of(a.j_mv, "V6")[0]) < -0.02


def flat_t(a: Appearance) -> bool:
    """T below 10 % of R, flat or inverted, in three of the leads where T is normally upright."""
    leads = ("I", "II", "V4", "V5", "V6")
    t, r = a.of(a.t_mv, *leads), a.of(a.r_mv, *leads)
    return int((t < 0.1 * r).sum()) >= 3


CONTRADICT_NORMAL: tuple[Check, ...] = (
    fibrillates, pr_long, left_anterior, left_bundle, right_bundle, high_voltage,
    inferior_q, septal_loss, strain, flat_t,
)  # fmt: skip


def normal(a: Appearance) -> bool:
    """Inside normal limits, and nothing that another statement describes."""
    limits = -30 <= a.axis_deg <= 95 and a.qrs_ms < 110 and a.pr_ms <= 200 and a.qtc_ms < 460
    upright = bool((a.of(a.t_mv, "I", "II", "V3", "V4", "V5", "V6") > 0.05).all())
    r = a.of(a.r_mv, "V1", "V2", "V3", "V4")
    progress = bool(r[3] > r[0]) and r[2:].max() > 0.3
    return limits and upright and progress and not any(check(a) for check in CONTRADICT_NORMAL)
