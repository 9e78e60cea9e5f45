"""How sure a macro AUC, or a difference of two, is: by resampling patients, and in closed form.

Patients are drawn, not records, because records of one patient resemble each other; every model sees the same
draw, because two models err on the same records. A replicate's macro AUC is the mean over the statements that
have both classes in it; drawing again until all have would cut the distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from twelvelead.evaluation.metrics import macro

Floats = NDArray[np.float64]
STAGE_NUMBER = 6  # position of evaluate in the stage list; keeps its random stream its own
CHUNK = 128


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its uncertainty.

    `lower` and `upper` are the one-sided 95 % bounds (5th and 95th percentile); `lower_two_sided` and
    `upper_two_sided` hold 95 % between them.
    """

    value: float
    lower: float
    upper: float
    lower_two_sided: float
    upper_two_sided: float
    se: float
    se_closed_form: float


def resampled_aucs(
    labels: NDArray[Any],
    probabilities: Sequence[NDArray[Any]],
    patients: NDArray[Any],
    *,
    replicates: int,
    seed: int,
) -> Floats:
    """AUC of every model and statement in every replicate.

    Args:
        labels: (records, statements) of 0 and 1.
        probabilities: One array of the same shape a model.
        patients: (records,) patient ids.
        replicates: How many times the patients are drawn with replacement.
        seed: Same seed, same draws.

    Returns:
        (models, replicates, statements); NaN where the replicate lacks a class of the statement.
    """
    names, owner = np.unique(np.asarray(patients, str), return_inverse=True)
    positive = np.asarray(labels, bool)
    rankings = [
        [_Ranking.of(positive[:, j], scores[:, j]) for j in range(positive.shape[1])]
        for scores in probabilities
    ]
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(STAGE_NUMBER,))))
    found = np.full((len(rankings), replicates, positive.shape[1]), np.nan)
    for begin in range(0, replicates, CHUNK):
        end = min(begin + CHUNK, replicates)
        draws = [
            np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names))
            for _ in range(begin, end)
        ]
        weights = np.stack(draws, axis=1).astype(np.int32)[owner]
        for model, statements in enumerate(rankings):
            for j, ranking in enumerate(statements):
                found[model, begin:end, j] = ranking.weighted_auc(weights)
    return found


def estimate(values: Floats, replicates: Floats, se_closed_form: float) -> Estimate:
    """Sum up a macro figure.

    Args:
        values: The figure of every statement on the records themselves.
        replicates: (replicates, statements) of it on resampled ones.
        se_closed_form: What `closed_form_se` says of it.
    """
    macros = np.array([macro(row) for row in replicates])
    macros = macros[~np.isnan(macros)]
    if not macros.size:
        nan = float("nan")
        return Estimate(macro(values), nan, nan, nan, nan, nan, se_closed_form)
    low, lower, upper, high = (float(q) for q in np.quantile(macros, [0.025, 0.05, 0.95, 0.975]))
    se = float(macros.std(ddof=1)) if macros.size > 1 else float("nan")
    return Estimate(macro(values), lower, upper, low, high, se, se_closed_form)


def intervals(replicates: Floats) -> Floats:
    """Two-sided 95 % interval of every statement, (2, statements), from (replicates, statements); or NaN."""
    found = np.full((2, replicates.shape[1]), np.nan)
    for j in range(replicates.shape[1]):
        known = replicates[~np.isnan(replicates[:, j]), j]
        if known.size:
            found[:, j] = np.quantile(known, [0.025, 0.975])
    return found


def influence(label: NDArray[Any], probability: NDArray[Any]) -> Floats:
    """What every record adds to the error of one statement's AUC (DeLong 1988, doi 10.2307/2531595).

    The sum of squares over the records is DeLong's variance, ties included. Zero if a class is absent.
    """
    positive, scores = np.asarray(label, bool), np.asarray(probability, np.float64)
    m, k = int(positive.sum()), int((~positive).sum())
    found = np.zeros(positive.size)
    if not m or not k:
        return found
    ranks = rankdata(scores)
    for own, other, size in ((positive, k, m), (~positive, m, k)):
        beaten = (ranks[own] - rankdata(scores[own])) / other
        unbiased = np.sqrt(size / (size - 1)) if size > 1 else 1.0
        found[own] = (beaten - beaten.mean()) / size * unbiased
    found[~positive] *= -1
    return found


def closed_form_se(
    labels: NDArray[Any],
    probabilities: NDArray[Any],
    patients: NDArray[Any],
    rival: NDArray[Any] | None = None,
) -> float:
    """Standard error of a macro AUC, or of its difference to a rival's, clustered by patient."""
    total = np.zeros(labels.shape[0])
    for j in range(labels.shape[1]):
        total += influence(labels[:, j], probabilities[:, j])
        if rival is not None:
            total -= influence(labels[:, j], rival[:, j])
    _, owner = np.unique(np.asarray(patients, str), return_inverse=True)
    by_patient = np.bincount(owner, weights=total / max(labels.shape[1], 1))
    return float(np.sqrt(np.square(by_patient).sum()))


@dataclass(frozen=True, slots=True)
class _Ranking:
    """One model's order of one statement's records, sorted once and reused by every replicate."""

    positives: NDArray[np.intp]
    negatives: NDArray[np.intp]  # by rising probability
    below: NDArray[np.intp]  # negatives below each positive
    through: NDArray[np.intp]  # negatives below or beside each positive

    @staticmethod
    def of(positive: NDArray[np.bool_], scores: NDArray[Any]) -> _Ranking:
        positives, negatives = np.flatnonzero(positive), np.flatnonzero(~positive)
        negatives = negatives[np.argsort(scores[negatives], kind="stable")]
        edges = (np.searchsorted(scores[negatives], scores[positives], side) for side in ("left", "right"))
        return _Ranking(positives, negatives, *edges)

    def weighted_auc(self, weights: NDArray[np.int32]) -> Floats:
        """AUC (replicates,) when record i counts weights[i, replicate] times; exact up to the division."""
        drawn = weights[self.positives]
        beaten = np.zeros((self.negatives.size + 1, weights.shape[1]), np.int32)
        np.cumsum(weights[self.negatives], axis=0, out=beaten[1:])
        twice = (drawn.astype(np.int64) * (beaten[self.below] + beaten[self.through])).sum(axis=0)
        pairs = drawn.sum(axis=0, dtype=np.int64) * beaten[-1]
        return np.where(pairs > 0, twice / np.maximum(2 * pairs, 1), np.nan)
