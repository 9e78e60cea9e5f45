"""When the beats come: one small function a rhythm, registered in RHYTHMS, and ectopic beats on top.

RR of sinus rhythm: respiration plus a 0.1 Hz wave plus noise (McSharry 2003), sized to PTB-XL. RR of atrial
fibrillation: gamma distributed (Lian 2007, doi:10.1186/1475-925X-6-9); its f waves are the sawtooth of Stridh
and Sörnmo 2001.
Other numbers: BR (Kusumoto 2018) and PTB-XL practice (bradycardia is below 60, tachycardia above 100).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twelvelead.simulate.heart import Floats
from twelvelead.simulate.vcg import FS_HZ

DURATION_S = 10.0
LEAD_IN_S = 2.0  # beats begin before the record, so its first second is like any other
F_WAVE_LEADS = np.array([0.25, 0.50, 1.0, 0.70, 0.35, 0.20, 0.15, 0.12])  # I, II, V1–V6; largest in V1


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The beats of one record.

    Attributes:
        onset_s: (beats,) QRS onsets, from before the record to after it.
        ectopic: (beats,) whether a beat is a ventricular premature one.
        p: (beats,) size of the P wave; 0 for none.
        qt_rr_s: (beats,) the RR interval that sets the QT interval.
        pr_scale: PR at this rate over PR at rest.
        f_wave_mv: Fibrillation amplitude in V1; 0 for none.
    """

    onset_s: Floats
    ectopic: NDArray[np.bool_]
    p: Floats
    qt_rr_s: Floats
    pr_scale: float = 1.0
    f_wave_mv: float = 0.0

    @property
    def rr_s(self) -> Floats:
        """RR intervals between beats inside the record."""
        inside = self.onset_s[(self.onset_s >= 0) & (self.onset_s < DURATION_S)]
        return np.diff(inside)

    @property
    def mean_rr_s(self) -> float:
        """Mean RR interval."""
        return float(self.rr_s.mean())

    @property
    def rate_bpm(self) -> float:
        """Mean ventricular rate."""
        return 60 / self.mean_rr_s

    @property
    def irregular(self) -> bool:
        """Whether conducted beats follow one another without a rule: SD of RR above 10 % of its mean.

        Intervals that begin or end at an ectopic beat do not count.
        """
        inside = (self.onset_s >= 0) & (self.onset_s < DURATION_S)
        onset, ectopic = self.onset_s[inside], self.ectopic[inside]
        rr = np.diff(onset)[~(ectopic[1:] | ectopic[:-1])]
        return bool(rr.size > 2 and rr.std() > 0.1 * rr.mean())

    @property
    def ectopic_beats(self) -> int:
        """Ectopic beats whose QRS begins inside the record."""
        return int((self.ectopic & (self.onset_s >= 0) & (self.onset_s < DURATION_S - 0.2)).sum())


Draw = Callable[[np.random.Generator, float, float], Rhythm]
RHYTHMS: dict[str, tuple[Draw, tuple[float, float], tuple[float, float]]] = {}
"""Statement → draw(rng, rate_bpm, years), the usual range of its rate, and the widest believable one."""


def _rhythm(
    code: str, usual_bpm: tuple[float, float], widest_bpm: tuple[float, float]
) -> Callable[[Draw], Draw]:
    def register(draw: Draw) -> Draw:
        RHYTHMS[code] = (draw, usual_bpm, widest_bpm)
        return draw

    return register


def draw_rhythm(codes: frozenset[str], years: float, rng: np.random.Generator, *, varied: bool) -> Rhythm:
    """The rhythm of a record whose signal shows `codes`; sinus rhythm if they name none."""
    code = next((code for code in RHYTHMS if code in codes), "SR")
    draw, usual, widest = RHYTHMS[code]
    if varied:
        rate = rng.uniform(*widest)
    elif code == "SR":
        rate = float(np.clip(rng.normal(72, 9), *usual))
    elif code == "AFIB":
        rate = rng.uniform(100, usual[1]) if rng.random() < 0.25 else rng.uniform(usual[0], 100)
    elif code == "SBRAD" and rng.random() < 0.1:
        rate = rng.uniform(33, usual[0])
    else:
        rate = rng.uniform(*usual)
    rhythm = draw(rng, rate, years)
    return with_ectopics(rhythm, rng) if "PVC" in codes else rhythm


@_rhythm("SR", (60, 98), (60, 100))
def sinus(rng: np.random.Generator, rate_bpm: float, years: float) -> Rhythm:
    """P before each QRS; RR swings with respiration, more in the young."""
    swing = min(0.034 * np.exp(rng.normal(0, 0.6)) * (1.5 if years < 35 else 1), 0.11)
    mean = 60 / rate_bpm
    beats = int((DURATION_S + 2 * LEAD_IN_S) / mean) + 2
    t = np.arange(beats) * mean
    breath_hz, breath, slow = rng.uniform(0.17, 0.32), rng.uniform(0, 2 * np.pi), rng.uniform(0, 2 * np.pi)
    rr = mean * (
        1
        + swing * np.sin(2 * np.pi * breath_hz * t + breath)
        + 0.012 * np.sin(2 * np.pi * 0.1 * t + slow)
        + rng.normal(0, 0.006, beats)
    )
    # PR shortens by 15 % per 50 bpm above 95.
    pr_scale = 1 - 0.15 * max(rate_bpm - 95, 0) / 50
    return _from_rr(rr, mean, rng.uniform(0, mean), p=1.0, pr_scale=pr_scale)


_rhythm("SBRAD", (40, 58), (35, 59))(sinus)
_rhythm("STACH", (101, 145), (101, 160))(sinus)


@_rhythm("AFIB", (55, 135), (45, 160))
def fibrillation(rng: np.random.Generator, rate_bpm: float, years: float) -> Rhythm:
    """No P, irregularly irregular RR, f waves."""
    mean = 60 / rate_bpm
    beats = int((DURATION_S + 2 * LEAD_IN_S) / mean * 1.5) + 4
    cv = rng.uniform(0.14, 0.26)
    rr = np.maximum(rng.gamma(1 / cv**2, mean * cv**2, beats), 0.3)
    f_wave = 0.045 * float(np.exp(rng.normal(0, 0.45)))
    return replace(_from_rr(rr, mean, rng.uniform(0, mean), p=0.0), f_wave_mv=f_wave)


def with_ectopics(rhythm: Rhythm, rng: np.random.Generator) -> Rhythm:
    """Let one to three beats come early as ventricular ectopics, each followed by a full pause."""
    onset, p = rhythm.onset_s.copy(), rhythm.p.copy()
    ectopic = rhythm.ectopic.copy()
    # Neither the first nor the last beat of the record, and never two in a row: prematurity must be visible.
    free = [k for k in range(2, len(onset) - 1) if onset[k - 1] > 0.3 and onset[k + 1] < DURATION_S - 0.2]
    for _ in range(int(rng.integers(1, 4))):
        if not free:
            break
        k = free[int(rng.integers(len(free)))]
        onset[k] = onset[k - 1] + (rhythm.onset_s[k] - rhythm.onset_s[k - 1]) * rng.uniform(0.52, 0.72)
        p[k], ectopic[k] = 0.0, True
        free = [other for other in free if abs(other - k) > 1]
    return replace(rhythm, onset_s=onset, p=p, ectopic=ectopic)


def f_waves(rhythm: Rhythm, n: int, rng: np.random.Generator) -> Floats:
    """(8, n) mV fibrillation waves: a sawtooth of three harmonics whose rate and size drift slowly."""
    t = np.arange(n) / FS_HZ
    rate_hz, drift_hz, drift = rng.uniform(4.5, 8.5), rng.uniform(0.1, 0.4), rng.uniform(0, 2 * np.pi, 2)
    # Frequency modulation of ±.25 Hz, integrated to a phase.
    phase = 2 * np.pi * rate_hz * t + 0.25 / drift_hz * np.sin(2 * np.pi * drift_hz * t + drift[0])
    saw = np.sin(phase) + np.sin(2 * phase) / 2 + np.sin(3 * phase) / 3
    size = 1 + 0.4 * np.sin(2 * np.pi * drift_hz * t + drift[1])
    weights = F_WAVE_LEADS * np.exp(rng.normal(0, 0.3, 8)) * rhythm.f_wave_mv
    return weights[:, None] * (saw * size)


def _from_rr(rr_s: Floats, mean_s: float, shift_s: float, *, p: float, pr_scale: float = 1.0) -> Rhythm:
    onset = np.cumsum(rr_s) - rr_s[0] - LEAD_IN_S + shift_s
    before = np.concatenate([rr_s[:1], rr_s[:-1]])
    beats = len(onset)
    return Rhythm(
        onset_s=onset,
        ectopic=np.zeros(beats, dtype=bool),
        p=np.full(beats, p),
        qt_rr_s=0.6 * before + 0.4 * mean_s,
        pr_scale=pr_scale,
    )
