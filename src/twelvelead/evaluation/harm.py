"""Lost diagnoses: is the candidate surely worse than the baseline on a statement that must not be missed?

For each such statement the hypothesis "not worse by more than the margin" is tested with the standard error
of the paired bootstrap; Holm's step-down keeps the chance of any false alarm at one in twenty, however many.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]
# Statements that are frequent or dangerous, and that any reader is expected to find: losing them does harm.
HARM = ("NORM", "AFIB", "CLBBB", "CRBBB", "1AVB", "ASMI", "IMI", "LVH", "PVC")
MARGIN = 0.05
LEVEL = 0.05


def harm(codes: Sequence[str], deltas: Floats, replicates: Floats) -> dict[str, Any]:
    """The tests of the statements of HARM among `codes`.

    Args:
        codes: Compared statements.
        deltas: (statements,) AUC of the candidate less that of the baseline.
        replicates: (replicates, statements) the same in each bootstrap replicate.

    Returns:
        margin, level, `harmed` (how many hypotheses fall), their `codes`, and for each statement delta, se, p
        and p_holm.
    """
    named = [j for j, code in enumerate(codes) if code in HARM]
    ses = np.array([np.nanstd(replicates[:, j], ddof=1) for j in named])
    ps = p_values(deltas[named], ses, MARGIN)
    adjusted = holm(ps)
    rows = {
        codes[j]: {"delta": float(deltas[j]), "se": float(se), "p": float(p), "p_holm": float(whole)}
        for j, se, p, whole in zip(named, ses, ps, adjusted, strict=True)
    }
    harmed = [code for code, row in rows.items() if row["p_holm"] <= LEVEL]
    return {"margin": MARGIN, "level": LEVEL, "harmed": len(harmed), "codes": harmed, "statements": rows}


def p_values(deltas: Floats, ses: Floats, margin: float) -> Floats:
    """Chance of a difference so low if the true one were `-margin`; without any spread, yes or no."""
    excess = deltas + margin
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(ses > 0, norm.cdf(excess / ses), np.where(excess < 0, 0.0, 1.0))


def holm(ps: Floats) -> Floats:
    """Adjusted p-values (Holm 1979): a hypothesis falls at a level if its adjusted p is not above it."""
    order = np.argsort(ps, kind="stable")
    steps = np.maximum.accumulate(ps[order] * (len(ps) - np.arange(len(ps))))
    found = np.empty_like(ps)
    found[order] = np.minimum(steps, 1.0)
    return found
