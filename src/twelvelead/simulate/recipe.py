"""A recipe: how a statement is made in a heart, and when the noise-free signal shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from twelvelead.simulate.criteria import Check
from twelvelead.simulate.heart import Heart
from twelvelead.simulate.plan import Finding

Edit = Callable[[Heart, Finding, np.random.Generator], None]
NARROW = 0.86  # the sigmas of the statement tables are given before this calibration of the QRS band


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a statement is made and how it is recognised."""

    code: str
    edit: Edit
    check: Check


REGISTERED: dict[str, Recipe] = {}


def recipe(code: str, check: Check) -> Callable[[Edit], Edit]:
    """Enter an edit as that of a statement."""

    def enter(edit: Edit) -> Edit:
        REGISTERED[code] = Recipe(code, edit, check)
        return edit

    return enter


def share(finding: Finding) -> float:
    """How far a conduction defect is complete: it is all there well below severity 1."""
    return min(finding.severity / 0.8, 1.0)


def nothing(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """Rhythms and ectopy leave the conducted beat as it is."""
