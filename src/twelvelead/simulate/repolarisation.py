"""Non-specific ST and T changes, drugs, electrolytes, QT. Source: AHA/ACC/HRS 2009 part IV."""

from __future__ import annotations

import numpy as np

from twelvelead.simulate import criteria
from twelvelead.simulate.heart import Heart, vector
from twelvelead.simulate.ischaemia import LOW_ST
from twelvelead.simulate.plan import Finding
from twelvelead.simulate.recipe import recipe


def _towards(heart: Heart, share: float, factor: float, spread_mv: float, rng: np.random.Generator) -> None:
    """Move T part of the way to a scaled and slightly turned one.

    The anterior part mostly stays: in PTB-XL V2 and V3 keep half to all of their T where the lateral leads
    have lost it.
    """
    share = min(share, 1.0)
    front = factor + (1 - factor) * rng.uniform(0.2, 1.0)
    made = heart.t * vector(factor, factor, front) + rng.normal(0, spread_mv, 3)
    heart.t = (1 - share) * heart.t + share * made


@recipe("STD_", criteria.st_low)
def st_depression(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """ST below the baseline without a territory."""
    heart.st_local = heart.st_local + LOW_ST * rng.uniform(0.6, 1.5) * finding.severity
    heart.st_slope += rng.normal(0, 0.3)


@recipe("STE_", criteria.st_high)
def st_elevation(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """Early repolarisation: ST above the baseline in front, concave."""
    heart.st = heart.st + vector(0.08, 0.07, -0.10) * rng.uniform(1.0, 1.8) * finding.severity
    heart.st_slope += 0.4


@recipe("NST_", criteria.anything)
def nonspecific_st(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """ST a little low and T small."""
    s = finding.severity
    heart.st_local = heart.st_local + LOW_ST * rng.uniform(0.2, 0.75) * s
    _towards(heart, s, rng.uniform(0.2, 0.75), 0.02, rng)


@recipe("NDT", criteria.low_t)
def nondiagnostic_t(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """T flat or a little inverted, without a territory."""
    _towards(heart, finding.severity, rng.uniform(-0.2, 0.6), 0.05, rng)


@recipe("NT_", criteria.small_t)
def nonspecific_t(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """T small."""
    _towards(heart, finding.severity, rng.uniform(-0.1, 0.45), 0.04, rng)


@recipe("LOWT", criteria.small_t)
def low_t(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """T hardly there."""
    _towards(heart, finding.severity, rng.uniform(0.0, 0.28), 0.02, rng)


@recipe("INVT", criteria.inverted_t)
def inverted_t(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """T upside down."""
    _towards(heart, finding.severity, -rng.uniform(0.6, 1.3), 0.04, rng)


@recipe("TAB_", criteria.anything)
def abnormal_t(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """T of an unusual size; the statement has no definition."""
    _towards(heart, finding.severity, rng.uniform(-0.4, 0.6), 0.04, rng)


@recipe("DIG", criteria.anything)
def digitalis(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """ST scooped, T small, QT short, PR a little longer."""
    s = finding.severity
    heart.qtc_ms = max(heart.qtc_ms - rng.uniform(20, 50), 340.0)
    heart.st = heart.st + vector(-0.13, -0.09, 0.05) * rng.uniform(0.7, 1.4) * s
    heart.st_slope -= 0.7
    _towards(heart, s, rng.uniform(0.1, 0.5), 0.02, rng)
    heart.pr_ms += rng.uniform(10, 25)


@recipe("EL", criteria.anything)
def electrolytes(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """Mostly low potassium (flat T, U wave), else high potassium (tall narrow T) or low calcium (long ST)."""
    u = rng.uniform
    form = rng.choice(["hypokalaemia", "hyperkalaemia", "hypocalcaemia"], p=[0.65, 0.30, 0.05])
    if form == "hypokalaemia":
        heart.t = heart.t * u(0.1, 0.4)
        heart.u = vector(0.3, 0.3, -0.7) * u(0.08, 0.16)
        heart.qtc_ms += 20
        heart.st = heart.st + vector(-0.05, -0.04, 0)
    elif form == "hyperkalaemia":
        heart.t, heart.t_width = heart.t * u(1.8, 2.8), 0.6 * heart.t_width
        heart.right_atrium, heart.left_atrium = heart.right_atrium * 0.5, heart.left_atrium * 0.5
        heart.qrs_ms += u(10, 30)
    else:
        heart.qtc_ms += 60


@recipe("LNGQT", criteria.qt_long)
def long_qt(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """Repolarisation takes long."""
    heart.qtc_ms = rng.uniform(475, 555)
    heart.t = heart.t * rng.uniform(0.6, 1.3)
