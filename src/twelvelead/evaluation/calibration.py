"""Probabilities that mean what they say: a logistic map of each statement's score, fitted on fold 9.

Training asks for present statements more often than they occur, so raw probabilities are too high. The map
(Platt 1999, with his smoothed targets) rises strictly, so order, and with it AUC, stays. A slope is fitted
only where fold 9 has enough of both; elsewhere the level alone is moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize
from scipy.special import expit, logit

from twelvelead.evaluation.predictions import Predictions

FEWEST_FOR_A_SLOPE = 10
CLIP = 1e-7  # float32 rounds what is closer to 0 or 1
FARTHEST = 40.0
LEAST_SLOPE, MOST_SLOPE = 0.05, 20.0
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """One model's map: probability = σ(slope · logit(raw) + intercept), each (statements,)."""

    slope: Floats
    intercept: Floats

    def of(self, probabilities: NDArray[np.floating]) -> NDArray[np.float32]:
        """Calibrated probabilities of (records, statements)."""
        return expit(self.slope * _logit(probabilities) + self.intercept).astype(np.float32)


def fit(labels: NDArray[np.integer], probabilities: NDArray[np.floating]) -> Calibration:
    """Fit every statement's map.

    Args:
        labels: (records, statements) of 0 and 1, of fold 9.
        probabilities: (records, statements), raw.
    """
    scores = _logit(probabilities)
    pairs = [_one(labels[:, j], scores[:, j]) for j in range(labels.shape[1])]
    slope, intercept = np.array(pairs, np.float64).reshape(-1, 2).T
    return Calibration(slope, intercept)


def calibrated(
    raw: Predictions, maps: Mapping[str, Calibration], *, control_of: str | None = None
) -> Predictions:
    """The same predictions, each model's through its own map, or controls through the map of their model."""
    found = {name: maps[control_of or name].of(values) for name, values in raw.probabilities.items()}
    return replace(raw, probabilities=found)


def _one(label: NDArray[np.integer], score: Floats) -> tuple[float, float]:
    positives = int(label.sum())
    negatives = len(label) - positives
    high, low = (positives + 1) / (positives + 2), 1 / (negatives + 2)
    target = np.where(label == 1, high, low)
    if min(positives, negatives) >= FEWEST_FOR_A_SLOPE:
        slope, intercept = _least_loss(score, target)
        if LEAST_SLOPE <= slope <= MOST_SLOPE:
            return slope, intercept
    level = brentq(lambda shift: float(expit(score + shift).mean() - target.mean()), -FARTHEST, FARTHEST)
    return 1.0, float(level)


def _least_loss(score: Floats, target: Floats) -> tuple[float, float]:
    """Slope and intercept of least log loss, a convex problem; out of range where it has no bottom."""
    design = np.stack([score, np.ones_like(score)], axis=1)

    def loss(weights: Floats) -> tuple[float, Floats]:
        mixed = design @ weights
        gradient = design.T @ (expit(mixed) - target)
        return float(np.mean(np.logaddexp(0, mixed) - target * mixed)), gradient / len(score)

    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS", options={"gtol": 1e-7})
    return float(found.x[0]), float(found.x[1])


def _logit(probabilities: NDArray[np.floating]) -> Floats:
    values: Floats = logit(np.clip(np.asarray(probabilities, np.float64), CLIP, 1 - CLIP))
    return values
