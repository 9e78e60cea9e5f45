"""The statements: what each does to a heart, and when the noise-free signal shows it.

One statement is one function, registered with its criterion; the order of this file is the order of edits
(conduction, voltage, bundle branches, infarction, ischaemia, T, PR): later edits see earlier results.
Severity 1 is textbook. Sources: AHA/ACC/HRS 2007–2009 parts III (conduction), IV (ST-T), V (hypertrophy)
and VI (infarction); 4th Universal Definition of MI 2018 for Q waves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from twelvelead.simulate import criteria
from twelvelead.simulate.criteria import Check
from twelvelead.simulate.heart import Floats, Heart, Wave, frontal, vector
from twelvelead.simulate.plan import Finding

Edit = Callable[[Heart, Finding, np.random.Generator], None]
NARROW = 0.86  # the sigmas of the statement tables are given before this calibration of the QRS band


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a statement is made and how it is recognised."""

    code: str
    edit: Edit
    check: Check


RECIPES: dict[str, Recipe] = {}
"""Every statement the simulator can show, in the order in which edits are applied."""


def _recipe(code: str, check: Check) -> Callable[[Edit], Edit]:
    def register(edit: Edit) -> Edit:
        RECIPES[code] = Recipe(code, edit, check)
        return edit

    return register


def edit_heart(heart: Heart, findings: tuple[Finding, ...], rng: np.random.Generator) -> None:
    """Apply the findings to a normal heart, in the order of RECIPES."""
    by_code = {finding.code: finding for finding in findings}
    for code, recipe in RECIPES.items():
        if code in by_code:
            recipe.edit(heart, by_code[code], rng)


def _share(finding: Finding) -> float:
    """How far a conduction defect is complete: it is all there well below severity 1."""
    return min(finding.severity / 0.8, 1.0)


def _nothing(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """Rhythms and ectopy leave the conducted beat as it is."""


_recipe("SR", criteria.sinus(60, 100.5))(_nothing)
_recipe("SBRAD", criteria.sinus(0, 60))(_nothing)
_recipe("STACH", criteria.sinus(100, 1000))(_nothing)
_recipe("AFIB", criteria.fibrillates)(_nothing)
_recipe("PVC", criteria.has_ectopics)(_nothing)
_recipe("NORM", criteria.normal)(_nothing)


@_recipe("LAFB", criteria.left_anterior)
def left_anterior_fascicular_block(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """The septum first, inferiorly; then the anterior wall late, from below: the axis swings up and left."""
    u, share = rng.uniform, _share(finding)
    axis = heart.axis_deg + share * (u(-75, -46) - heart.axis_deg)
    z = float(heart.posterior.vector[2])
    heart.axis_deg = axis
    heart.septal = Wave(0.14, 0.075 * NARROW, vector(-0.10, 0.20 * share, -0.10) * u(0.7, 1.3))
    heart.apical = Wave(0.42, 0.11 * NARROW, frontal(axis, u(0.8, 1.05), rng.normal(0.05, 0.12)))
    heart.posterior = Wave(0.58, 0.11 * NARROW, frontal(axis - 8, u(0.6, 0.9), z))
    heart.qrs_ms = u(90, 116)


@_recipe("LVH", criteria.high_voltage)
def left_ventricular_hypertrophy(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """More muscle, left and behind: all of the QRS larger, a little longer, T smaller."""
    gain = 1 + (rng.uniform(1.55, 2.1) - 1) * finding.severity
    for wave in heart.qrs:
        wave.vector = wave.vector * gain * vector(1, 1, 1 + 0.15 * finding.severity)
    heart.qrs_ms = min(heart.qrs_ms * (1 + rng.uniform(0.02, 0.15) * finding.severity), 118.0)
    heart.t = heart.t * (1 - (1 - rng.uniform(0.5, 1.0)) * finding.severity)


@_recipe("CLBBB", criteria.left_bundle)
def complete_left_bundle_branch_block(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """The left ventricle from the right, through muscle: one broad leftward QRS, ST-T against it."""
    e, size = rng.uniform(-35, 35), rng.uniform(0.85, 1.2)
    heart.axis_deg, heart.qrs_ms = e, rng.uniform(128, 168)
    heart.septal = Wave(0.17, 0.09 * NARROW, frontal(e + 10, 0.30, 0.28) * size)
    heart.apical = Wave(0.36, 0.10 * NARROW, frontal(e, 0.75, 0.55) * size)
    heart.posterior = Wave(0.54, 0.11 * NARROW, frontal(e - 5, 0.65, 0.80) * size)
    heart.basal = Wave(0.72, 0.11 * NARROW, frontal(e - 10, 0.75, 0.65) * size)
    heart.oppose(t_mv=0.40, st_mv=0.095)


@_recipe("CRBBB", criteria.right_bundle)
def complete_right_bundle_branch_block(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """A normal start within 95 ms, then the right ventricle alone: late forces to the right and front."""
    share = _share(finding)
    whole = rng.uniform(126, 162) if share == 1 else heart.qrs_ms + 15 * share
    squeeze = min(95.0, heart.qrs_ms) / whole
    for wave in heart.qrs:
        wave.centre, wave.sigma = wave.centre * squeeze, wave.sigma * squeeze
        wave.vector = wave.vector * vector(1, 1, 1 - 0.25 * share)
    heart.qrs_ms = whole
    late = vector(-0.55, -0.02, -0.62) * rng.uniform(0.8, 1.35) * share
    heart.extra.append(Wave(0.77, 0.12 * NARROW, late))
    heart.t = heart.t + vector(0.08, 0, 0.22) * share


@_recipe("IMI", criteria.inferior_q)
def inferior_infarction(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """The inferior wall is silent: early forces point up, later inferior ones are lost."""
    w = 0.75 * finding.severity
    heart.apical.vector = heart.apical.vector * vector(1, 1 - 0.35 * w, 1)
    heart.posterior.vector = heart.posterior.vector * vector(1, 1 - 0.5 * w, 1)
    heart.extra.append(Wave(0.24, 0.115 * NARROW, vector(0.05, -0.62, 0.05) * w))
    _age_infarct(heart, finding, vector(0, -0.8, 0.1), rng)


@_recipe("ASMI", criteria.septal_loss)
def anteroseptal_infarction(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """The septum and front wall are silent: no early anterior forces, so V1–V3 begin downwards."""
    w = 0.75 * finding.severity
    loss = min(finding.severity, 1.0)
    heart.septal.vector = (1 - loss) * heart.septal.vector + loss * vector(0.03, -0.02, 0.22)
    heart.extra.append(Wave(0.30, 0.12 * NARROW, vector(0.04, 0, 0.50) * w))
    _age_infarct(heart, finding, vector(0.05, 0, 0.9), rng)


def _age_infarct(heart: Heart, finding: Finding, away: Floats, rng: np.random.Generator) -> None:
    """ST-T by age: I injury current, II inverted T, III a scar. `away` points from the dead wall."""
    u, s = rng.uniform, finding.severity
    if finding.stage == "I":
        heart.st = heart.st - away * u(0.12, 0.30) * s
    elif finding.stage == "II":
        heart.t = heart.t * (1 - 0.5 * min(s, 1)) + away * u(0.15, 0.35) * s
        heart.st = heart.st - away * u(0, 0.06) * s
    else:
        heart.t = heart.t * (1 - u(0, 0.3) * min(s, 1)) + away * u(0, 0.12) * s


@_recipe("ISC_", criteria.strain)
def nonspecific_ischaemia(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """In PTB-XL mostly strain: ST sags and T turns over, away from the left ventricle."""
    heart.t = heart.t + vector(-0.42, -0.12, 0.05) * rng.uniform(0.6, 1.25) * finding.severity
    heart.st = heart.st + vector(-0.10, -0.03, 0.03) * rng.uniform(0.5, 1.3) * finding.severity
    heart.st_slope += 0.5


@_recipe("NDT", criteria.flat_t)
def nondiagnostic_t(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """T flat or a little inverted, without a territory."""
    share = min(finding.severity, 1.0)
    flat = heart.t * rng.uniform(-0.25, 0.35) + rng.normal(0, 0.05, 3)
    heart.t = (1 - share) * heart.t + share * flat


@_recipe("1AVB", criteria.pr_long)
def first_degree_av_block(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """Every P is conducted, late."""
    if finding.severity < 0.7:
        heart.pr_ms = rng.uniform(188, 208)
    else:
        heart.pr_ms = rng.uniform(208, 320) if rng.random() < 0.9 else rng.uniform(320, 360)
