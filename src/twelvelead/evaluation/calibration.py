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
from scipy.optimize import brentq
from scipy.special import expit, logit

from twelvelead.evaluation.predictions import Predictions

FEWEST_FOR_A_SLOPE = 10
CLIP = 1e-7  # float32 rounds what is closer to 0 or 1
FARTHEST = 40.0
LEAST_SLOPE, MOST_SLOPE = 0.05, 20.0
STEPS = 100
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
        slope, intercept = _newton(score, target)
        if LEAST_SLOPE <= slope <= MOST_SLOPE:
            return slope, intercept
    level = brentq(lambda shift: float(expit(score + shift).mean() - target.mean()), -FARTHEST, FARTHEST)
    return 1.0, float(level)


def _newton(score: Floats, target: Floats) -> tuple[float, float]:
    """Least log loss by damped Newton steps (Lin, Lin & Weng 2007); a slope out of range if there is none."""
    design = np.stack([score, np.ones_like(score)], axis=1)
    at = np.array([1.0, 0.0])

    def loss(weights: Floats) -> float:
        mixed = design @ weights
        return float(np.sum(np.logaddexp(0, mixed) - target * mixed))

    for _ in range(STEPS):
        chance = expit(design @ at)
        gradient = design.T @ (chance - target)
        if np.abs(gradient).max() < 1e-8 * len(score):
            break
        curvature = design.T @ (design * (chance * (1 - chance))[:, None]) + 1e-10 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while size > 1e-6 and loss(at - size * step) > loss(at) - 1e-4 * size * float(gradient @ step):
            size /= 2
        at = at - size * step
    return float(at[0]), float(at[1])


def _logit(probabilities: NDArray[np.floating]) -> Floats:
    values: Floats = logit(np.clip(np.asarray(probabilities, np.float64), CLIP, 1 - CLIP))
    return values
