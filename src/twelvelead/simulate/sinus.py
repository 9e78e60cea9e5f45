"""Sinus rhythms: P before each QRS, RR swinging with respiration.

RR of sinus rhythm: respiration plus a 0.1 Hz wave plus noise (McSharry 2003). Sizes from PTB-XL: SD of RR
over its mean .006–.074 (5–95 %), median .021, under SR; .067–.20, median .11, under SARRH; breathing .09–.35
Hz. Readers there write SR down to 50 a minute; SBRAD is seldom above 57.
"""

from __future__ import annotations

import numpy as np

from twelvelead.simulate.heart import Floats
from twelvelead.simulate.rhythm import Rhythm, Subject, around, beats, count, from_intervals, register

SHORTER_PR = 0.15  # per 50 a minute above 95


def pr_of(subject: Subject, rate_bpm: float) -> float:
    """PR in seconds at this rate."""
    return subject.heart.pr_ms / 1000 * (1 - SHORTER_PR * max(rate_bpm - 95, 0) / 50)


def sinus_intervals(rng: np.random.Generator, rate_bpm: float, swing: float, n: int) -> Floats:
    """(n,) RR intervals in s around 60 / rate, `swing` = amplitude of the respiratory part over the mean."""
    mean = 60 / rate_bpm
    t = np.arange(n) * mean
    breath_hz = float(np.clip(0.17 * np.exp(rng.normal(0, 0.38)), 0.08, 0.4))
    phase, slow = rng.uniform(0, 2 * np.pi, 2)
    angle = 2 * np.pi * breath_hz * t + phase + 0.5 * np.sin(2 * np.pi * 0.04 * t + slow)
    # Inspiration speeds up faster than expiration slows down.
    breath = np.sin(angle) + 0.25 * np.sin(2 * angle)
    return mean * (
        1
        + swing * breath
        + (0.006 + 0.25 * swing) * np.sin(2 * np.pi * 0.1 * t + slow)
        + rng.normal(0, 0.003 + 0.25 * swing, n)
    )


def _sinus(rng: np.random.Generator, rate_bpm: float, swing: float, subject: Subject) -> Rhythm:
    mean = 60 / rate_bpm
    rr = np.maximum(sinus_intervals(rng, rate_bpm, swing, count(mean)), 0.35 * mean)
    return beats(from_intervals(rr, rng.uniform(0, mean)), pr_of(subject, rate_bpm), mean)


@register("SR", around(70, 11, 51, 99), (60, 100))
def sinus(rng: np.random.Generator, rate_bpm: float, subject: Subject) -> Rhythm:
    """P before each QRS; RR swings with respiration, more in the young."""
    swing = 0.019 * np.exp(rng.normal(0, 0.75)) * (1.6 if subject.years < 35 else 1)
    return _sinus(rng, rate_bpm, min(float(swing), 0.085), subject)


@register("SBRAD", around(49, 5, 33, 58.5), (35, 59))
def bradycardia(rng: np.random.Generator, rate_bpm: float, subject: Subject) -> Rhythm:
    """Slow sinus rhythm."""
    swing = min(0.027 * float(np.exp(rng.normal(0, 0.6))), 0.11)
    return _sinus(rng, rate_bpm, swing, subject)


def _fast(rng: np.random.Generator) -> float:
    return float(min(101 + rng.exponential(11), 150))


@register("STACH", _fast, (101, 160))
def tachycardia(rng: np.random.Generator, rate_bpm: float, subject: Subject) -> Rhythm:
    """Fast sinus rhythm: the vagus, and with it respiration, has little left to say."""
    return _sinus(rng, rate_bpm, min(0.005 * float(np.exp(rng.normal(0, 0.8))), 0.04), subject)


@register("SARRH", around(69, 10, 52, 95), (55, 95))
def arrhythmia(rng: np.random.Generator, rate_bpm: float, subject: Subject) -> Rhythm:
    """PP intervals differ by more than 120 ms, with respiration or without."""
    return _sinus(rng, rate_bpm, float(np.clip(0.135 * np.exp(rng.normal(0, 0.35)), 0.085, 0.28)), subject)
