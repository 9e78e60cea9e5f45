"""Chambers: ventricular and atrial hypertrophy, voltage high and low. Source: AHA/ACC/HRS 2009 part V."""

from __future__ import annotations

import numpy as np

from twelvelead.simulate import criteria
from twelvelead.simulate.heart import Heart, Wave, frontal, vector
from twelvelead.simulate.plan import Finding
from twelvelead.simulate.recipe import NARROW, recipe


@recipe("RVH", criteria.right_ventricle)
def right_ventricular_hypertrophy(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """The right ventricle outweighs the left: axis to the right, tall R in V1, S in V5 and V6."""
    u, s = rng.uniform, min(finding.severity, 1.0)
    axis = heart.axis_deg + s * (u(94, 125) - heart.axis_deg)
    heart.axis_deg = axis
    for wave, made in (
        (heart.apical, frontal(axis, u(0.6, 0.9), -0.35)),
        (heart.posterior, frontal(axis + 15, u(0.5, 0.8), -0.55)),
        (heart.basal, vector(-0.55, 0, 0.1) * u(0.6, 1.2)),
    ):
        wave.vector = (1 - s) * wave.vector + s * made
    heart.t = (1 - s) * heart.t + s * vector(0.16, -0.05, 0.22) * u(0.7, 1.2)
    heart.right_atrium = heart.right_atrium * (1 + 0.3 * s)


def _more_muscle(heart: Heart, severity: float, rng: np.random.Generator) -> None:
    """More muscle: all of the QRS larger. How much is left to the closed loop: it keeps what passes."""
    gain = 1 + rng.uniform(0.2, 0.75) * severity
    heart.scale(gain * vector(1, 1, rng.uniform(0.75, 1.1)))


@recipe("LVH", criteria.high_voltage)
def left_ventricular_hypertrophy(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """More muscle, left and behind: all of the QRS larger, a little longer, T smaller."""
    s = finding.severity
    _more_muscle(heart, s, rng)
    heart.qrs_ms = min(heart.qrs_ms * (1 + rng.uniform(0.02, 0.15) * s), max(118.0, heart.qrs_ms))
    heart.t = heart.t * (1 - (1 - rng.uniform(0.4, 1.0)) * min(s, 1.2))
    heart.st = heart.st * (1 + 0.8 * s)  # ST in V1–V3 rises with the S wave


@recipe("VCLVH", criteria.high_voltage)
def voltage_criteria(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """High voltage alone; T as it was."""
    _more_muscle(heart, finding.severity, rng)


@recipe("HVOLT", criteria.high_voltage)
def high_voltage(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """All of the QRS large, as in slim young people."""
    heart.scale(1 + rng.uniform(0.3, 0.8) * finding.severity)


@recipe("SEHYP", criteria.deep_septal_q)
def septal_hypertrophy(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """A thick septum: deep narrow Q on the left, tall R in V1 and V2."""
    heart.septal = Wave(
        0.17, 0.085 * NARROW, vector(-0.45, -0.12, -0.45) * rng.uniform(0.9, 1.4) * finding.severity
    )
    heart.scale(1 + 0.25 * finding.severity)


@recipe("LVOLT", criteria.low_voltage)
def low_voltage(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """Little of the QRS reaches the limb leads, in half of the records none of the leads."""
    gain = 1 - (1 - rng.uniform(0.30, 0.50)) * min(finding.severity, 1.2)
    chest = gain if rng.random() < 0.5 else rng.uniform(0.6, 0.95)
    # The frontal plane decides the limb leads; V2 and V3 live on Z.
    heart.scale(vector(gain, gain, chest))
    heart.fragment_mv = heart.fragment_mv * np.concatenate([np.full(2, gain), np.full(6, chest)])
    heart.t = heart.t * rng.uniform(0.5, 0.95)


@recipe("LAO/LAE", criteria.left_atrium)
def left_atrial_enlargement(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """A broad, notched P whose second half goes backwards: deep in V1."""
    s = finding.severity
    heart.p_ms = max(heart.p_ms, 112 + rng.uniform(8, 32) * min(s, 1.1))
    heart.left_atrium = vector(0.095, 0.05, 0.14) * (0.4 + 0.6 * s) * rng.uniform(0.9, 1.5)
    heart.pr_ms = max(heart.pr_ms, heart.p_ms + 12)


@recipe("RAO/RAE", criteria.right_atrium)
def right_atrial_enlargement(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """A tall, pointed P in the inferior leads."""
    heart.right_atrium = vector(0.06, 0.26, -0.10) * (0.3 + 0.7 * finding.severity) * rng.uniform(0.9, 1.35)
    heart.left_atrium = heart.left_atrium * vector(0.7, 1, 1)
