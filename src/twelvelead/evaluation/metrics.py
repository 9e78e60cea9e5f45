"""Figures of merit for many statements at once: exact, tie-aware, NaN where a figure has no meaning.

Arrays are (records, statements): `labels` of 0 and 1, `probabilities` of floats, `called` of booleans. The
figure of a statement that lacks a class is NaN, and macro figures are means over the others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]


def auc(label: NDArray[Any], probability: NDArray[Any]) -> float:
    """Area under the ROC curve of one statement by midranks, so that ties count one half."""
    positive = np.asarray(label, bool)
    m = int(positive.sum())
    k = positive.size - m
    if not m or not k:
        return float("nan")
    ranks = rankdata(np.asarray(probability, np.float64))
    return float((ranks[positive].sum() - m * (m + 1) / 2) / (m * k))


def average_precision(label: NDArray[Any], probability: NDArray[Any]) -> float:
    """Step-wise area under precision and recall of one statement; NaN without positives."""
    positive, scores = np.asarray(label, bool), np.asarray(probability, np.float64)
    if not positive.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    last_of_tie = np.append(np.diff(scores[order]) != 0, True)
    hits = np.cumsum(positive[order])[last_of_tie]
    called = np.flatnonzero(last_of_tie) + 1
    return float(np.sum(np.diff(hits, prepend=0) * hits / called) / hits[-1])


def aucs(labels: NDArray[Any], probabilities: NDArray[Any]) -> Floats:
    """AUC of every statement."""
    return np.array([auc(labels[:, j], probabilities[:, j]) for j in range(labels.shape[1])], np.float64)


def average_precisions(labels: NDArray[Any], probabilities: NDArray[Any]) -> Floats:
    """Average precision of every statement."""
    return np.array(
        [average_precision(labels[:, j], probabilities[:, j]) for j in range(labels.shape[1])], np.float64
    )


def f1s(labels: NDArray[Any], called: NDArray[np.bool_]) -> Floats:
    """F1 of every statement; 0 where nothing is true and nothing is called."""
    hits, either = _agreement(labels, called)
    return np.where(either > 0, 2 * hits / np.maximum(either, 1), 0.0)


def micro_f1(labels: NDArray[Any], called: NDArray[np.bool_]) -> float:
    """F1 over all records and statements together; 0 where nothing is true and nothing is called."""
    hits, either = _agreement(labels, called)
    return float(2 * hits.sum() / either.sum()) if either.sum() else 0.0


def briers(labels: NDArray[Any], probabilities: NDArray[Any]) -> Floats:
    """Mean squared error of every statement's probability."""
    brier: Floats = np.square(np.asarray(probabilities, np.float64) - labels).mean(axis=0)
    return brier


def hamming(labels: NDArray[Any], called: NDArray[np.bool_]) -> float:
    """Share of wrong calls over all records and statements."""
    return float((np.asarray(labels, bool) != called).mean())


def eces(labels: NDArray[Any], probabilities: NDArray[Any], bins: int = 15) -> Floats:
    """Expected calibration error of every statement: |mean probability - share of positives| by bin.

    Bins are of equal width (Guo et al., ICML 2017); each weighs as many records as it holds.
    """
    scores = np.asarray(probabilities, np.float64)
    place = np.minimum((scores * bins).astype(np.int64), bins - 1)
    excess = scores - np.asarray(labels, np.float64)
    found = [
        np.abs(np.bincount(place[:, j], weights=excess[:, j], minlength=bins)).sum()
        for j in range(scores.shape[1])
    ]
    return np.array(found, np.float64) / max(len(scores), 1)


def fmax(labels: NDArray[Any], probabilities: NDArray[Any]) -> tuple[float, float]:
    """Largest sample-centric F1 and its threshold, over thresholds 0.00, 0.01 … 1.00.

    CAFA's protein-centric measure as PTB-XL's benchmark used it (Radivojac et al., Nat Methods 2013,
    doi:10.1038/nmeth.2340): precision is the mean over records with a call, recall over all records with a
    label. NaN without labels.
    """
    truth, scores = np.asarray(labels, bool), np.asarray(probabilities, np.float64)
    sizes = truth.sum(axis=1)
    if not sizes.any():
        return float("nan"), float("nan")
    best = (0.0, 0.0)
    for step in range(101):
        called = scores >= step / 100
        counts = called.sum(axis=1)
        if not counts.any():
            break
        hits = (called & truth).sum(axis=1)
        precision = float((hits[counts > 0] / counts[counts > 0]).mean())
        recall = float((hits[sizes > 0] / sizes[sizes > 0]).mean())
        if precision + recall > 0:
            best = max(best, (2 * precision * recall / (precision + recall), -step / 100))
    return best[0], -best[1]


def macro(figures: NDArray[Any]) -> float:
    """Mean over the statements that have the figure; NaN if none has."""
    known = np.asarray(figures, np.float64)
    known = known[~np.isnan(known)]
    return float(known.mean()) if known.size else float("nan")


def _agreement(labels: NDArray[Any], called: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    truth = np.asarray(labels, bool)
    hits: Floats = (truth & called).sum(axis=0).astype(np.float64)
    either: Floats = (truth.sum(axis=0) + called.sum(axis=0)).astype(np.float64)
    return hits, either
