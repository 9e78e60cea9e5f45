"""Infarction: dead muscle is silent, so the QRS points away from it; ST and T tell its age.

Sources: 4th Universal Definition of MI 2018 (Q waves), AHA/ACC/HRS 2009 part VI. Real inferior infarcts in
PTB-XL are mild: the Q is often in III and aVF only, so size and place vary more than a textbook's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from twelvelead.simulate import criteria
from twelvelead.simulate.criteria import Check
from twelvelead.simulate.heart import Floats, Heart, Wave, vector
from twelvelead.simulate.plan import Finding
from twelvelead.simulate.recipe import NARROW, recipe

MILD = 0.62  # ASMI as found in PTB-XL
MILDEST = 0.50  # and IMI: the median Q in aVF is .12 mV


@dataclass(frozen=True, slots=True)
class Scar:
    """One Q wave: when, how long (shares of the QRS), which way, and what is lost behind it."""

    centre: float
    sigma: float
    vector: Floats
    keeps_apical: Floats
    keeps_posterior: Floats


INFERIOR = Scar(0.24, 0.115, vector(0.05, -0.62, 0.05), vector(1, 0.65, 1), vector(1, 0.5, 1))
LATERAL = Scar(0.22, 0.11, vector(-0.52, -0.22, 0.05), vector(0.6, 1, 1), vector(0.9, 1, 1))
POSTERIOR = Scar(0.50, 0.15, vector(0, 0, -0.85), vector(1, 1, 1), vector(1, 1, 0.7))
ANTERIOR = Scar(0.26, 0.125, vector(-0.28, 0, 0.72), vector(0.9, 1, 1), vector(1, 1, 1))
ANTEROLATERAL = Scar(0.26, 0.13, vector(-0.68, -0.10, 0.45), vector(0.55, 1, 1), vector(0.85, 1, 1))


def _leave(heart: Heart, scar: Scar, w: float, rng: np.random.Generator) -> None:
    loss = min(w, 1.0)
    heart.apical.vector = heart.apical.vector * (1 + (scar.keeps_apical - 1) * loss)
    heart.posterior.vector = heart.posterior.vector * (1 + (scar.keeps_posterior - 1) * loss)
    turn = rng.normal(0, 0.12, 3) * w
    heart.extra.append(
        Wave(
            scar.centre + rng.normal(0, 0.015),
            scar.sigma * NARROW * rng.uniform(0.85, 1.15),
            scar.vector * w + turn,
        )
    )


def age(heart: Heart, finding: Finding, away: Floats, rng: np.random.Generator) -> None:
    """ST-T by age: I injury current, II inverted T, III a scar. `away` points from the dead wall."""
    u, s = rng.uniform, finding.severity
    if finding.stage == "I":
        heart.st = heart.st - away * u(0.12, 0.30) * s
    elif finding.stage == "II":
        heart.t = heart.t * (1 - 0.5 * min(s, 1)) + away * u(0.15, 0.35) * s
        heart.st = heart.st - away * u(0, 0.06) * s
    else:
        heart.t = heart.t * (1 - u(0, 0.3) * min(s, 1)) + away * u(0, 0.12) * s


def _infarct(
    code: str, check: Check, scars: tuple[Scar, ...], away: Floats, weight: float = 1.0
) -> Callable[[Heart, Finding, np.random.Generator], None]:
    @recipe(code, check)
    def infarct(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
        for scar in scars:
            _leave(heart, scar, weight * finding.severity, rng)
        age(heart, finding, away, rng)

    return infarct


_infarct("LMI", criteria.lateral_q, (LATERAL,), vector(-0.9, -0.1, 0.05))
_infarct("PMI", criteria.posterior, (POSTERIOR,), vector(0, 0, -0.9))
_infarct("ILMI", criteria.inferolateral_q, (INFERIOR, LATERAL), vector(-0.5, -0.6, 0.1), 0.9)
_infarct("IPMI", criteria.inferior_q, (INFERIOR, POSTERIOR), vector(0, -0.6, -0.6), 0.9)
_infarct("IPLMI", criteria.inferolateral_q, (INFERIOR, POSTERIOR, LATERAL), vector(-0.4, -0.5, -0.5), 0.9)
_infarct("AMI", criteria.anterior_q, (ANTERIOR,), vector(-0.3, 0, 0.8))
_infarct("ALMI", criteria.anterolateral_q, (ANTEROLATERAL,), vector(-0.75, 0.1, 0.5))


@recipe("IMI", criteria.inferior_q)
def inferior_infarction(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """The inferior wall is silent: early forces point up, later inferior ones are lost.

    Most lie so far to the right that II keeps its r or R: a Q in III and aVF only.
    """
    w = MILDEST * finding.severity
    _leave(heart, INFERIOR, w, rng)
    heart.extra[-1].vector = heart.extra[-1].vector + vector(rng.uniform(0.0, 0.7), 0, 0) * w
    heart.apical.vector = heart.apical.vector * vector(rng.uniform(0.65, 1.0), 1, 1)
    heart.posterior.vector = heart.posterior.vector + vector(0, 0, rng.uniform(0, 0.3)) * w
    age(heart, finding, vector(0, -0.8, 0.1), rng)


@recipe("ASMI", criteria.septal_loss)
def anteroseptal_infarction(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """The septum and front wall are silent: no early anterior forces, so V1–V3 begin downwards."""
    _silence_septum(heart, finding.severity)
    age(heart, finding, vector(0.05, 0, 0.9), rng)


def _silence_septum(heart: Heart, severity: float) -> None:
    loss = min(severity, 1.0)
    heart.septal.vector = (1 - loss) * heart.septal.vector + loss * vector(0.03, -0.02, 0.22)
    heart.extra.append(Wave(0.30, 0.12 * NARROW, vector(-0.12, 0, 0.55) * MILD * severity))
    heart.apical.vector = heart.apical.vector * vector(1 - 0.3 * loss, 1, 1)


@recipe("ANEUR", criteria.aneurysm)
def ventricular_aneurysm(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """An old anterior scar that bulges: ST stays up and T stays down over it."""
    s, away = max(finding.severity, 0.5), vector(0.05, 0, 0.9)
    if not any(wave.vector[2] > 0.25 and wave.centre < 0.35 for wave in heart.extra):
        _silence_septum(heart, 1.0)
    heart.st = heart.st - away * rng.uniform(0.12, 0.25) * s
    heart.t = 0.3 * heart.t + 0.18 * away * s


@recipe("QWAVE", criteria.some_q)
def q_waves(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """A Q that nobody called an infarct: inferior, or septal."""
    s = finding.severity
    if any(wave.centre < 0.4 for wave in heart.extra):
        return  # an infarct brought it
    if rng.random() < 0.6:
        heart.extra.append(Wave(0.22, 0.09 * NARROW, vector(0.05, -0.40, 0.1) * s))
    else:
        heart.extra.append(Wave(0.22, 0.09 * NARROW, vector(0, 0, 0.45) * s))


SUSPECTED = (INFERIOR, ANTERIOR, ANTEROLATERAL, LATERAL)


@recipe("ABQRS", criteria.anything)
def abnormal_qrs(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """The machine's "qrs abnormal": on an infarct it adds nothing.

    Elsewhere the machine goes on "infarct possible", of any wall, and a physician has written normal: a trace
    of a scar, or a small r in front.
    """
    if any(wave.centre < 0.4 for wave in heart.extra):
        return
    s = finding.severity
    if rng.random() < 0.3:
        heart.septal.vector = heart.septal.vector * vector(1, 1, 1 - 0.7 * min(s, 1))
        heart.extra.append(Wave(0.28, 0.11 * NARROW, vector(rng.normal(0, 0.08), -0.02, 0.25) * s))
    else:
        scar = SUSPECTED[int(rng.choice(4, p=[0.4, 0.15, 0.3, 0.15]))]
        _leave(heart, scar, s * rng.uniform(0.2, 0.5), rng)
