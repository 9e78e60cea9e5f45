"""Supraventricular arrhythmias and pacing.

Atrial fibrillation: gamma distributed RR (Lian 2007, doi:10.1186/1475-925X-6-9), f waves after Stridh and
Sörnmo 2001. Flutter: QRS locked to the sawtooth. Rates as found in PTB-XL: flutter conducted 2:1 at 128–167
in seven of eight; "supraventricular arrhythmia" there is mostly a regular rhythm whose P is no sinus P.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from twelvelead.simulate.heart import Floats
from twelvelead.simulate.rhythm import (
    DURATION_S,
    LEAD_IN_S,
    Rhythm,
    Subject,
    around,
    beats,
    between,
    count,
    from_intervals,
    register,
)
from twelvelead.simulate.sinus import pr_of, sinus_intervals

PACED_P_S = 0.016  # between the atrial spike and the P wave


def _fibrillation_rate(rng: np.random.Generator) -> float:
    return float(np.clip(86 * np.exp(rng.normal(0, 0.24)), 50, 160))


@register("AFIB", _fibrillation_rate, (45, 160))
def fibrillation(rng: np.random.Generator, rate_bpm: float, subject: Subject) -> Rhythm:
    """No P, irregularly irregular RR, f waves."""
    mean = 60 / rate_bpm
    cv = float(np.clip(rng.normal(0.205, 0.06), 0.09, 0.34))
    rr = np.maximum(rng.gamma(1 / cv**2, mean * cv**2, int(count(mean) * 1.5)), 0.3)
    rhythm = beats(from_intervals(rr, rng.uniform(0, mean)), 0.0, mean, p=0.0)
    return replace(
        rhythm,
        atria="fibrillation",
        atria_mv=0.042 * float(np.exp(rng.normal(0, 0.55))),
        atria_hz=rng.uniform(4.5, 8.5),
        pr_fixed=False,
    )


@register("AFLT", between(240, 320), (240, 330))
def flutter(rng: np.random.Generator, rate_bpm: float, subject: Subject) -> Rhythm:
    """A sawtooth at `rate_bpm`, of which every second, third or fourth wave is conducted."""
    wave_s = 60 / rate_bpm
    ratio = int(rng.choice([2, 3, 4], p=[0.62, 0.13, 0.25]))
    n = int((DURATION_S + 2 * LEAD_IN_S) / (wave_s * 2)) + 3
    ratios = np.full(n, ratio)
    varies = "AFIB" in subject.codes or rng.random() < (0.15 if ratio == 2 else 0.6)
    if varies:
        ratios = rng.choice([ratio, ratio, max(ratio - 1, 2), ratio + 1, ratio + 2], n)
    rr = ratios * wave_s * (1 + rng.normal(0, 0.006, n))
    shift = rng.uniform(0, wave_s)
    onset = from_intervals(rr, shift)
    return replace(
        beats(onset, 0.0, float(rr.mean()), p=0.0, qt_rr_s=np.full(n, float(rr.mean()))),
        atria="flutter",
        atria_mv=rng.uniform(0.08, 0.22),
        atria_hz=1 / wave_s,
        atria_s=float(onset[0]) - rng.uniform(0.3, 0.7) * wave_s,
        pr_fixed=False,
    )


@register("SVTAC", between(140, 205), (140, 210))
def supraventricular_tachycardia(rng: np.random.Generator, rate_bpm: float, subject: Subject) -> Rhythm:
    """Fast and regular; P hidden in the QRS or, in half, retrograde behind it."""
    mean = 60 / rate_bpm
    rr = mean * (1 + rng.normal(0, 0.006, count(mean)))
    rhythm = beats(from_intervals(rr, rng.uniform(0, mean)), -rng.uniform(0.07, 0.11), mean, p=0.0)
    if rng.random() < 0.5:
        rhythm = replace(rhythm, p_gain=np.tile([0.6, -1.0, 0.8], (len(rr), 1)))
    return replace(rhythm, pr_fixed=False)


@register("PSVT", between(62, 95), (62, 95))
def paroxysm(rng: np.random.Generator, rate_bpm: float, subject: Subject) -> Rhythm:
    """Sinus rhythm in which a supraventricular tachycardia begins, ends, or both."""
    mean, fast = 60 / rate_bpm, 60 / rng.uniform(145, 200)
    begin, end = rng.uniform(-1, 4), rng.uniform(6, 11)
    onset = [-LEAD_IN_S + rng.uniform(0, mean)]
    while onset[-1] < DURATION_S + LEAD_IN_S:
        in_run = begin <= onset[-1] < end
        onset.append(onset[-1] + (fast if in_run else mean) * (1 + rng.normal(0, 0.01)))
    at = np.array(onset)
    quick = np.diff(at, prepend=at[0] - mean) < 0.5 * (mean + fast)
    rhythm = beats(at, pr_of(subject, rate_bpm), mean)
    gain = np.where(quick[:, None], 0.0, rhythm.p_gain)
    return replace(rhythm, p_gain=gain, early=quick, has_paroxysm=True)


@register("SVARR", around(65, 9, 48, 95), (50, 100))
def supraventricular_arrhythmia(rng: np.random.Generator, rate_bpm: float, subject: Subject) -> Rhythm:
    """The pacemaker is not the sinus node: a low atrial or junctional focus, or one that wanders."""
    mean = 60 / rate_bpm
    n = count(mean)
    form = rng.choice(["low", "junctional", "wandering"], p=[0.55, 0.2, 0.25])
    rr = sinus_intervals(rng, rate_bpm, 0.012 * float(np.exp(rng.normal(0, 0.5))), n)
    if form == "wandering":
        rr = rr * np.exp(rng.normal(0, 0.11, n))
    pr_s = float(np.clip(pr_of(subject, rate_bpm) * rng.uniform(0.6, 0.9), 0.08, 0.16))
    rhythm = beats(from_intervals(rr, rng.uniform(0, mean)), pr_s, mean)
    if form == "low":
        gain = np.tile([rng.uniform(0.3, 1.1), -rng.uniform(0.5, 1.2), rng.uniform(0.5, 1.2)], (n, 1))
    elif form == "junctional":
        gain = np.zeros((n, 3))
    else:
        gain = 1 + rng.normal(0, 0.7, (n, 3))
    return replace(rhythm, p_gain=gain, pr_fixed=form != "junctional")


@register("PACE", between(58, 82), (50, 90))
def paced(rng: np.random.Generator, rate_bpm: float, subject: Subject) -> Rhythm:
    """A spike before each QRS; the atria silent, tracked, or paced too."""
    mean = 60 / rate_bpm
    rr = mean * (1 + rng.normal(0, 0.004, count(mean)))
    rhythm = beats(from_intervals(rr, rng.uniform(0, mean)), rng.uniform(0.14, 0.19), mean)
    spikes: Floats = rhythm.onset_s - 0.012
    mode = rng.choice(["ventricle", "tracking", "both"], p=[0.5, 0.3, 0.2])
    if mode == "ventricle":
        rhythm = replace(rhythm, p_gain=np.zeros_like(rhythm.p_gain), pr_fixed=False)
        if rng.random() < 0.5:
            rhythm = replace(
                rhythm, atria="fibrillation", atria_mv=0.03 * float(np.exp(rng.normal(0, 0.4))), atria_hz=6.0
            )
    elif mode == "both":
        spikes = np.concatenate([rhythm.onset_s - rhythm.pr_s - PACED_P_S, spikes])
    # The device filter takes most of a 2 ms spike; three in ten are gone at 100 Hz.
    size = rng.uniform(0.25, 1.6) if rng.random() < 0.7 else rng.uniform(0.02, 0.15)
    return replace(rhythm, spike_s=spikes, spike_mv=size)
