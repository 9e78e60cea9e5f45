"""The heart: a handful of dipole waves with names, which the statements edit.

Vectors are in mV in Frank axes: X left, Y inferior, Z posterior. Normal values: AHA/ACC/HRS parts I–V and
textbooks; wave shapes calibrated against PTB-XL's lead amplitudes and band levels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FRAGMENTS = 5


def vector(x: float, y: float, z: float) -> Floats:
    """A dipole in mV."""
    return np.array([x, y, z], dtype=np.float64)


def frontal(axis_deg: float, magnitude_mv: float, z_mv: float) -> Floats:
    """A dipole at a frontal angle (0 = left, 90 = inferior) with a posterior component."""
    angle = np.deg2rad(axis_deg)
    return vector(float(magnitude_mv * np.cos(angle)), float(magnitude_mv * np.sin(angle)), z_mv)


@dataclass(slots=True)
class Wave:
    """One Gaussian of the QRS; centre and sigma are fractions of the QRS duration, after its onset."""

    centre: float
    sigma: float
    vector: Floats


@dataclass(slots=True)
class Heart:
    """One beat's shape. Statements edit it in place; rendering only reads it.

    The QRS is septal, apical, posterior and basal activation plus whatever a statement adds; `fragments`
    are small non-dipolar parts, given per lead, without which the 15–45 Hz band is half the real one.
    """

    axis_deg: float
    qrs_ms: float
    pr_ms: float
    p_ms: float
    qtc_ms: float
    septal: Wave
    apical: Wave
    posterior: Wave
    basal: Wave
    right_atrium: Floats
    left_atrium: Floats
    t: Floats
    fragment_at: Floats  # (FRAGMENTS, 2) centre and sigma, fractions of the QRS duration
    fragment_mv: Floats  # (FRAGMENTS, 8)
    extra: list[Wave] = field(default_factory=list)
    st: Floats = field(default_factory=lambda: np.zeros(3))
    st_local: Floats = field(default_factory=lambda: np.zeros(8))  # mV, non-dipolar: injury under few leads
    st_slope: float = 0.0  # change across the ST segment, as a share of its mean
    t_local: Floats = field(default_factory=lambda: np.zeros(8))  # mV, what of T no dipole explains
    t_width: float = 1.0
    u: Floats = field(default_factory=lambda: np.zeros(3))

    def squeeze(self, share: float) -> None:
        """Let the QRS so far take only the first `share` of the QRS duration."""
        for wave in self.qrs:
            wave.centre, wave.sigma = wave.centre * share, wave.sigma * share

    def scale(self, gain: Floats | float) -> None:
        """Multiply the dipoles of the QRS, by one number or axis by axis."""
        for wave in self.qrs:
            wave.vector = wave.vector * gain

    @property
    def qrs(self) -> list[Wave]:
        """All dipolar waves of the QRS."""
        return [self.septal, self.apical, self.posterior, self.basal, *self.extra]

    def area(self) -> Floats:
        """Direction of the mean QRS dipole (unit vector); secondary ST-T changes point against it."""
        total = sum((wave.vector * wave.sigma for wave in self.qrs), np.zeros(3))
        return total / max(float(np.sqrt((total * total).sum())), 1e-9)

    def oppose(self, t_mv: float, st_mv: float) -> None:
        """Add the ST-T change that follows abnormal depolarisation: discordant to the QRS."""
        unit = self.area()
        self.t = self.t - t_mv * unit
        self.st = self.st - st_mv * unit


def draw_heart(years: float, female: bool, rng: np.random.Generator) -> Heart:
    """A normal heart of that age and sex."""
    u, n = rng.uniform, rng.normal
    # Drawn some degrees higher than the leads show it: Dower's I and II see the heart turned downwards.
    axis = float(np.clip(n(62 - 0.55 * years + (8 if years < 40 else 0), 24), -36, 90))
    atria = u(0.7, 1.3)
    front = 0.8 if female else 1.25  # men's V2 has twice the T, and half more R
    youth = float(np.exp(0.004 * (50 - years)))
    wide = np.exp(n(0, 0.1, 4))
    return Heart(
        axis_deg=axis,
        qrs_ms=float(np.clip(n(90 if female else 95, 8), 74, 110)),
        pr_ms=float(np.clip(n(150 + 0.2 * years, 20), 118, 200)),
        p_ms=u(90, 112),
        qtc_ms=float(np.clip(n(420 if female else 412, 18), 370, 455)),
        septal=Wave(0.16 + n(0, 0.01), 0.068 * wide[0], vector(-0.12, -0.04, -0.27 * front) * u(0.4, 1.6)),
        apical=Wave(0.40 + n(0, 0.02), 0.090 * wide[1], frontal(axis, u(0.85, 1.15), n(0.02, 0.18))),
        posterior=Wave(
            0.535 + n(0, 0.025), 0.090 * wide[2], frontal(axis + n(-5, 10), u(0.45, 0.70), n(0.75, 0.25))
        ),
        basal=Wave(0.74 + n(0, 0.03), 0.082 * wide[3], vector(-0.16, -0.08, 0.22) * u(0.0, 1.8)),
        right_atrium=vector(0.05, 0.085, -0.065) * atria * u(0.75, 1.25) + n(0, 0.012, 3),
        left_atrium=vector(0.065, 0.045, 0.06) * atria * u(0.75, 1.25) + n(0, 0.012, 3),
        t=(vector(0.33, 0.17, -0.17 * front) * u(0.65, 1.45) + n(0, 1, 3) * vector(0.035, 0.035, 0.06))
        * youth,
        t_local=n(0, 0.03, 8),
        t_width=float(np.exp(n(0, 0.09))),
        st=vector(0.02, 0.01, -0.06 * front) * u(0.2, 1.6),
        fragment_at=np.stack([u(0.15, 0.90, FRAGMENTS), u(0.03, 0.06, FRAGMENTS)], axis=1),
        fragment_mv=n(0, 0.042, (FRAGMENTS, 8)),
    )


def draw_ectopic(rng: np.random.Generator) -> Heart:
    """A ventricular premature beat: wide, bizarre, without P, its T against its QRS."""
    u = rng.uniform
    beat = Heart(
        axis_deg=0.0, qrs_ms=u(135, 175), pr_ms=160.0, p_ms=100.0, qtc_ms=u(430, 480),
        septal=Wave(0.20, 0.086, frontal(u(-180, 180), 0.35, rng.normal(0, 0.2))),
        apical=Wave(0.44, 0.110, frontal(u(-120, 120), 1.1, u(-0.7, 0.8))),
        posterior=Wave(0.68, 0.110, frontal(u(-120, 120), 0.7, u(-0.5, 0.5))),
        basal=Wave(0.80, 0.086, np.zeros(3)),
        right_atrium=np.zeros(3), left_atrium=np.zeros(3), t=np.zeros(3),
        fragment_at=np.full((FRAGMENTS, 2), 0.5), fragment_mv=np.zeros((FRAGMENTS, 8)),
    )  # fmt: skip
    total = beat.septal.vector + beat.apical.vector + beat.posterior.vector
    beat.t = -0.42 * total
    beat.st = -0.08 * total
    return beat


def spread(heart: Heart, rng: np.random.Generator) -> None:
    """Move a normal heart anywhere in the range that a reader of ECGs meets; no statement is meant by it."""
    u = rng.uniform
    axis = u(-80, 120)
    for wave, behind_deg in ((heart.apical, 0.0), (heart.posterior, rng.normal(-5, 10))):
        x, y, z = wave.vector
        wave.vector = frontal(axis + behind_deg, float(np.sqrt(x * x + y * y)), z)
    heart.axis_deg = axis
    heart.qrs_ms = u(75, 115) if rng.random() < 0.6 else u(100, 170)
    heart.pr_ms = u(110, 320)
    heart.qtc_ms = u(370, 490)
    heart.t = heart.t * u(-0.9, 1.5)
    if rng.random() < 0.3:
        heart.extra.append(Wave(u(0.15, 0.35), 0.1, rng.normal(0, 0.35, 3)))
    if rng.random() < 0.3:
        heart.st = rng.normal(0, 0.08, 3)
    gain = float(np.exp(rng.normal(0, 0.35)))
    for wave in heart.qrs:
        wave.vector = wave.vector * gain
