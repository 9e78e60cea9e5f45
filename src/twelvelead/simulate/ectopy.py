"""Premature beats on top of a rhythm: ventricular ones with a full pause, atrial ones that reset the node.

Prematurity as in PTB-XL: the shortest RR is .47–.84 of the median under PVC, .55–.82 under PAC.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from twelvelead.simulate.rhythm import DURATION_S, OTHER_VENTRICULAR, VENTRICULAR, Rhythm

ECTOPIC = frozenset({"PVC", "PAC", "PRC(S)", "BIGU", "TRIGU"})
ATRIAL_SHARE = {"PRC(S)": 0.5, "BIGU": 0.3, "TRIGU": 0.3}  # where no other statement says which
MULTIFORM = 0.1
INTERPOLATED = 0.04


def with_ectopics(rhythm: Rhythm, codes: frozenset[str], rng: np.random.Generator) -> Rhythm:
    """Insert the premature beats that `codes` ask for."""
    asked = sorted(codes & ECTOPIC)
    if not asked or rhythm.has_paroxysm:
        return rhythm
    pattern = "BIGU" if "BIGU" in asked else "TRIGU" if "TRIGU" in asked else ""
    kinds = [code for code in ("PVC", "PAC") if code in asked]
    if not kinds:
        kinds = ["PAC" if rng.random() < ATRIAL_SHARE[asked[0]] and rhythm.has_p.any() else "PVC"]
    for place, kind in enumerate(kinds):
        places = _places(rhythm, pattern if place == 0 else "", asked, rng)
        insert = _ventricular if kind == "PVC" else _atrial
        rhythm = insert(rhythm, places, rng)
    return rhythm


def _places(rhythm: Rhythm, pattern: str, asked: list[str], rng: np.random.Generator) -> list[int]:
    """Which beats come early: a pattern through the record, or one to a few apart from one another."""
    onset = rhythm.onset_s
    # Neither the first nor the last beat of the record, and never two in a row: prematurity must be visible.
    taken = rhythm.ectopic | rhythm.early
    free = [
        k
        for k in range(2, len(onset) - 1)
        if onset[k - 1] > 0.3 and onset[k + 1] < DURATION_S - 0.2 and not taken[k - 1 : k + 2].any()
    ]
    if pattern:
        period = 2 if pattern == "BIGU" else 3
        first = int(rng.integers(period))
        return [k for k in range(2, len(onset) - 1) if (k + first) % period == 0]
    chosen: list[int] = []
    most = 1 if asked == ["PRC(S)"] else int(rng.choice([1, 2, 3, 4, 5], p=[0.38, 0.27, 0.18, 0.1, 0.07]))
    while free and len(chosen) < most:
        k = free[int(rng.integers(len(free)))]
        chosen.append(k)
        free = [other for other in free if abs(other - k) > 1]
    return chosen


def _ventricular(rhythm: Rhythm, places: list[int], rng: np.random.Generator) -> Rhythm:
    """One focus, one coupling interval, a full compensatory pause."""
    onset, p = rhythm.onset_s.copy(), rhythm.p_gain.copy()
    kind, pr = rhythm.kind.copy(), rhythm.pr_s
    coupling, multiform = rng.uniform(0.48, 0.76), rng.random() < MULTIFORM
    for k in places:
        early = float(np.clip(coupling + rng.normal(0, 0.02), 0.42, 0.82))
        onset[k] = onset[k - 1] + (rhythm.onset_s[k] - rhythm.onset_s[k - 1]) * early
        p[k] = 0.0
        kind[k] = OTHER_VENTRICULAR if multiform and rng.random() < 0.5 else VENTRICULAR
    return replace(rhythm, onset_s=onset, p_gain=p, kind=kind, pr_s=pr)


def _atrial(rhythm: Rhythm, places: list[int], rng: np.random.Generator) -> Rhythm:
    """An early P of another shape, a narrow QRS, and the next beats one node cycle after it."""
    onset, p, pr = rhythm.onset_s.copy(), rhythm.p_gain.copy(), rhythm.pr_s.copy()
    early, lone = rhythm.early.copy(), rhythm.lone_p_s
    gain = np.array([rng.uniform(0.3, 1.3), rng.uniform(-1.0, 1.2), rng.uniform(0.3, 1.3)])
    coupling = rng.uniform(0.52, 0.80)
    for k in sorted(places):
        cycle = float(onset[k] - onset[k - 1])
        moved = onset[k - 1] + cycle * float(np.clip(coupling + rng.normal(0, 0.03), 0.46, 0.86))
        reset = moved + cycle * rng.uniform(1.0, 1.25)
        onset[k + 1 :] += reset - onset[k + 1]
        onset[k] = moved
        if p[k].any():
            p[k] = gain
            pr[k] = np.clip(pr[k] * rng.uniform(0.8, 1.15), 0.09, 0.32)
        early[k] = True
    return replace(rhythm, onset_s=onset, p_gain=p, pr_s=pr, early=early, lone_p_s=lone)
