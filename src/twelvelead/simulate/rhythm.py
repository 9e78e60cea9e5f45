"""When the beats come: what a rhythm is, and which one a record's statements ask for.

Each rhythm is a small function registered in RHYTHMS (`sinus`, `arrhythmia`, `block`); ectopic beats come on
top (`ectopy`). Rates and spreads of RR are those measured on 1,500 PTB-XL records of the development set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from twelvelead.simulate.heart import Floats, Heart

DURATION_S = 10.0
LEAD_IN_S = 2.0  # beats begin before the record, so its first second is like any other
CONDUCTED, VENTRICULAR, OTHER_VENTRICULAR = range(3)
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The beats of one record.

    Attributes:
        onset_s: (beats,) QRS onsets, from before the record to after it.
        kind: (beats,) CONDUCTED, VENTRICULAR (ectopic), or OTHER_VENTRICULAR for a second ectopic shape.
        early: (beats,) whether a conducted beat is a premature atrial one.
        pr_s: (beats,) P onset to QRS onset.
        p_gain: (beats, 3) factors on X, Y and Z of the P dipoles; all 0 for no P of its own.
        qt_rr_s: (beats,) the RR interval that sets the QT interval.
        lone_p_s: (waves,) onsets of P waves that belong to no beat: blocked, or of atria on their own.
        spike_s: (spikes,) times of pacing spikes.
        spike_mv: Their size before the device's filter.
        atria: "" for P waves, or "fibrillation" or "flutter": waves without pause.
        atria_mv: Size of those waves in their largest lead.
        atria_hz: Their rate.
        atria_s: Time of a flutter wave's peak; QRS complexes keep a fixed distance to it.
        pr_fixed: Whether each P is followed by its QRS at one PR.
        has_paroxysm: A tachycardia begins or ends inside the record.
    """

    onset_s: Floats
    kind: NDArray[np.int8]
    early: Bools
    pr_s: Floats
    p_gain: Floats
    qt_rr_s: Floats
    lone_p_s: Floats = field(default_factory=lambda: np.empty(0))
    spike_s: Floats = field(default_factory=lambda: np.empty(0))
    spike_mv: float = 0.0
    atria: str = ""
    atria_mv: float = 0.0
    atria_hz: float = 0.0
    atria_s: float = 0.0
    pr_fixed: bool = True
    has_paroxysm: bool = False

    @property
    def ectopic(self) -> Bools:
        """(beats,) whether a beat is a ventricular ectopic."""
        return self.kind != CONDUCTED

    @property
    def has_p(self) -> Bools:
        """(beats,) whether a beat has a P wave of its own."""
        return (self.p_gain != 0).any(axis=1)

    @property
    def p_onset_s(self) -> Floats:
        """(waves,) onsets of all P waves, in order."""
        own = (self.onset_s - self.pr_s)[self.has_p]
        return np.sort(np.concatenate([own, self.lone_p_s]))

    @property
    def inside(self) -> Bools:
        """(beats,) whether the QRS begins inside the record."""
        return (self.onset_s >= 0) & (self.onset_s < DURATION_S)

    @property
    def rr_s(self) -> Floats:
        """RR intervals between beats inside the record."""
        return np.diff(self.onset_s[self.inside])

    @property
    def mean_rr_s(self) -> float:
        """Mean RR interval."""
        rr_s = self.rr_s
        return float(rr_s.mean()) if rr_s.size else float(np.diff(self.onset_s).mean())

    @property
    def rate_bpm(self) -> float:
        """Mean ventricular rate."""
        return 60 / self.mean_rr_s

    @property
    def own_rr_s(self) -> Floats:
        """RR intervals that neither begin nor end at an ectopic beat, ventricular or atrial."""
        onset, odd = self.onset_s[self.inside], (self.ectopic | self.early)[self.inside]
        return np.diff(onset)[~(odd[1:] | odd[:-1])]

    @property
    def irregular(self) -> bool:
        """Whether conducted beats follow one another without a rule: SD of RR above 10 % of its mean."""
        rr = self.own_rr_s
        return bool(rr.size > 2 and rr.std() > 0.1 * rr.mean())

    @property
    def ectopic_beats(self) -> int:
        """Ventricular ectopic beats whose QRS begins inside the record."""
        return int((self.ectopic & self.inside & (self.onset_s < DURATION_S - 0.2)).sum())

    @property
    def early_beats(self) -> int:
        """Premature atrial beats whose QRS begins inside the record."""
        return int((self.early & self.inside).sum())


@dataclass(frozen=True, slots=True)
class Subject:
    """What a rhythm needs to know of whom it drives."""

    heart: Heart
    years: float
    codes: frozenset[str]


Draw = Callable[[np.random.Generator, float, Subject], Rhythm]
Rate = Callable[[np.random.Generator], float]


@dataclass(frozen=True, slots=True)
class Kind:
    """A rhythm: how it is drawn, its usual rates, and the widest believable ones (beats a minute)."""

    draw: Draw
    rate_bpm: Rate
    widest_bpm: tuple[float, float]


RHYTHMS: dict[str, Kind] = {}


def register(code: str, rate_bpm: Rate, widest_bpm: tuple[float, float]) -> Callable[[Draw], Draw]:
    """Enter a draw function as the rhythm of a statement."""

    def enter(draw: Draw) -> Draw:
        RHYTHMS[code] = Kind(draw, rate_bpm, widest_bpm)
        return draw

    return enter


def between(low: float, high: float) -> Rate:
    """Rates spread evenly."""
    return lambda rng: float(rng.uniform(low, high))


def around(mean: float, sd: float, low: float, high: float) -> Rate:
    """Rates spread normally inside limits."""
    return lambda rng: float(np.clip(rng.normal(mean, sd), low, high))


def beats(
    onset_s: Floats, pr_s: Floats | float, mean_rr_s: float, *, p: float = 1.0, qt_rr_s: Floats | None = None
) -> Rhythm:
    """Conducted beats at these onsets, each with the same P wave (`p` = 0: none).

    QT follows 60 % of the interval before the beat and 40 % of the mean, as QT lags behind the rate.
    """
    n = len(onset_s)
    if qt_rr_s is None:
        before = np.diff(onset_s, prepend=onset_s[0] - mean_rr_s)
        qt_rr_s = np.clip(0.6 * before + 0.4 * mean_rr_s, 0.3, 1.8)
    return Rhythm(
        onset_s=onset_s,
        kind=np.zeros(n, dtype=np.int8),
        early=np.zeros(n, dtype=bool),
        pr_s=np.full(n, pr_s) if np.ndim(pr_s) == 0 else np.asarray(pr_s, dtype=np.float64),
        p_gain=np.full((n, 3), p),
        qt_rr_s=qt_rr_s,
    )


def count(mean_rr_s: float) -> int:
    """Beats enough to fill the record from its lead-in on."""
    return int((DURATION_S + 2 * LEAD_IN_S) / mean_rr_s) + 3


def from_intervals(rr_s: Floats, shift_s: float) -> Floats:
    """Onsets with these intervals, the first at −LEAD_IN_S + shift."""
    return np.cumsum(rr_s) - rr_s[0] - LEAD_IN_S + shift_s


def draw_rhythm(
    codes: frozenset[str], heart: Heart, years: float, rng: np.random.Generator, *, varied: bool
) -> Rhythm:
    """The rhythm of a record whose signal shows `codes`; sinus rhythm if they name none."""
    from twelvelead.simulate import arrhythmia, block, sinus  # noqa: F401  they fill RHYTHMS
    from twelvelead.simulate.ectopy import with_ectopics

    code = next((code for code in PRECEDENCE if code in codes), "SR")
    kind = RHYTHMS[code]
    if code in ("2AVB", "3AVB") or not varied:
        rate = kind.rate_bpm(rng)
    else:
        rate = float(rng.uniform(*kind.widest_bpm))
    rhythm = kind.draw(rng, rate, Subject(heart, years, codes))
    return with_ectopics(rhythm, codes, rng)


PRECEDENCE = (
    "PACE", "3AVB", "2AVB", "PSVT", "SVTAC", "AFLT", "AFIB", "SVARR", "SARRH", "STACH", "SBRAD", "SR",
)  # fmt: skip
"""Which statement decides when a record has several: the one that leaves least room for the others."""


def without_p(rhythm: Rhythm) -> Rhythm:
    """The same beats with silent atria."""
    return replace(rhythm, p_gain=np.zeros_like(rhythm.p_gain))
