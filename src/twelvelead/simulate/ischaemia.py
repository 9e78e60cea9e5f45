"""Injury and ischaemia: ST and T by territory. Source: AHA/ACC/HRS 2009 parts IV and VI.

Subendocardial injury is ST depression under some leads, not a dipole: it is given per lead (I, II, V1–V6).
Ischaemia turns T away from the territory and pulls ST a little with it.
"""

from __future__ import annotations

import numpy as np

from twelvelead.simulate import criteria
from twelvelead.simulate.criteria import Check
from twelvelead.simulate.heart import Floats, Heart, vector
from twelvelead.simulate.plan import Finding
from twelvelead.simulate.recipe import recipe

LOW_ST = np.array([-0.10, -0.11, 0.09, 0.05, -0.02, -0.09, -0.14, -0.13])
"""Non-specific ST depression: mean of PTB-XL's STD_ records, mV in I, II, V1–V6."""

INJURY = {
    "INJAS": (np.array([0, 0, 0.6, 1, 1, 0.5, 0.1, 0]), ("V2", "V3")),
    "INJAL": (np.array([0.45, 0, 0, 0.15, 0.6, 1, 1, 0.8]), ("V4", "V5")),
    "INJLA": (np.array([0.6, 0.05, 0, 0, 0.1, 0.35, 0.8, 1]), ("V5", "V6")),
    "INJIN": (np.array([0.05, 1, 0, 0, 0, 0, 0.1, 0.2]), ("II", "aVF")),
    "INJIL": (np.array([0.1, 0.8, -0.1, -0.1, 0, 0.3, 0.8, 1]), ("II", "V5")),
}
"""Where ST is depressed, and the two leads that must show it."""

ISCHAEMIA = {
    "ISCAL": (vector(-0.34, 0.0, 0.26), (0.7, 1.3), ("V4", "V5")),
    "ISCAS": (vector(0.03, 0.0, 0.42), (0.8, 1.4), ("V2", "V3")),
    "ISCAN": (vector(-0.12, 0.0, 0.40), (0.7, 1.3), ("V3", "V4")),
    "ISCIN": (vector(0.05, -0.42, 0.0), (0.6, 1.25), ("III", "aVF")),
    "ISCIL": (vector(-0.30, -0.38, 0.05), (0.6, 1.25), ("aVF", "V6")),
    "ISCLA": (vector(-0.45, -0.02, 0.02), (0.6, 1.25), ("I", "V6")),
}
"""Which way T goes (mV), how far, and the two leads in which it must be inverted."""


def _injury(code: str, weights: Floats, check: Check) -> None:
    @recipe(code, check)
    def injury(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
        heart.st_local = heart.st_local - weights * rng.uniform(0.11, 0.24) * finding.severity
        heart.st_slope -= rng.uniform(0, 0.5)


def _ischaemia(code: str, away: Floats, size: tuple[float, float], check: Check) -> None:
    @recipe(code, check)
    def ischaemia(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
        s = finding.severity
        turned = 1.2 * away + rng.normal(0, 0.04, 3)
        heart.t = heart.t * (1 - 0.3 * min(s, 1)) + turned * rng.uniform(*size) * s
        heart.st = heart.st + turned * rng.uniform(0.08, 0.25) * s


for _code, (_weights, _leads) in INJURY.items():
    _injury(_code, _weights, criteria.st_down(*_leads))
for _code, (_away, _size, _leads) in ISCHAEMIA.items():
    _ischaemia(_code, _away, _size, criteria.t_inverted(*_leads))


@recipe("ISC_", criteria.strain)
def nonspecific_ischaemia(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """In PTB-XL mostly strain: ST sags and T turns over, away from the left ventricle."""
    heart.t = heart.t + vector(-0.45, -0.14, -0.06) * rng.uniform(0.5, 1.25) * finding.severity
    heart.st_local = heart.st_local + LOW_ST * rng.uniform(0.4, 1.2) * finding.severity
    heart.st_slope += 0.5
