"""AV blocks of second and third degree: P waves without a QRS of their own. Criteria: BR (Kusumoto 2018)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from twelvelead.simulate.rhythm import (
    DURATION_S,
    LEAD_IN_S,
    Rhythm,
    Subject,
    beats,
    between,
    count,
    from_intervals,
    register,
)

NARROW_ESCAPE_BPM, WIDE_ESCAPE_BPM = (38, 55), (26, 42)
WIDE_FROM_MS = 118


@register("2AVB", between(62, 100), (62, 100))
def second_degree(rng: np.random.Generator, rate_bpm: float, subject: Subject) -> Rhythm:
    """Regular P waves at `rate_bpm`; one in two to five is dropped, after growing PR (Mobitz I) or not."""
    mean = 60 / rate_bpm
    n = count(mean)
    p = -LEAD_IN_S + rng.uniform(0, mean) + np.cumsum(mean * (1 + rng.normal(0, 0.012, n)))
    cycle = int(rng.choice([2, 3, 4, 5], p=[0.25, 0.25, 0.25, 0.25]))
    grows = cycle > 2 and rng.random() < 0.6
    place = (np.arange(n) + int(rng.integers(cycle))) % cycle
    conducted = place < cycle - 1
    steps = 0.09 * place * 0.85**place if grows else np.zeros(n)
    pr = np.clip(subject.heart.pr_ms / 1000 + steps, 0.12, 0.42)[conducted]
    onset = p[conducted] + pr
    rhythm = beats(onset, pr, float(np.diff(onset).mean()))
    return replace(rhythm, lone_p_s=p[~conducted], pr_fixed=not grows)


@register("3AVB", between(65, 105), (65, 105))
def third_degree(rng: np.random.Generator, rate_bpm: float, subject: Subject) -> Rhythm:
    """P waves at `rate_bpm` and a slow escape rhythm that does not know of them."""
    escape = rng.uniform(*(WIDE_ESCAPE_BPM if subject.heart.qrs_ms > WIDE_FROM_MS else NARROW_ESCAPE_BPM))
    mean = 60 / escape
    rr = mean * (1 + rng.normal(0, 0.012, count(mean)))
    onset = from_intervals(rr, rng.uniform(0, mean))
    rhythm = beats(onset, 0.16, mean, p=0.0)
    slow = 60 / rate_bpm
    at = [-LEAD_IN_S + rng.uniform(0, slow)]
    while at[-1] < DURATION_S + LEAD_IN_S:
        # Ventriculophasic: an interval that holds a QRS is a little shorter.
        holds = bool(((onset > at[-1]) & (onset < at[-1] + slow)).any())
        at.append(at[-1] + slow * (0.97 if holds else 1.03) * (1 + rng.normal(0, 0.01)))
    return replace(rhythm, lone_p_s=np.array(at), pr_fixed=False)
