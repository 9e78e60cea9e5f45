"""From which probability on a statement is called. Chosen on fold 9, then frozen: fold 10 never comes here.

The rule is a hybrid, measured on the published predictions of xresnet1d101 for PTB-XL: thresholds of best F1
are good where positives abound and noise where they are rare; there, calling as many records as there are
positives loses less (macro F1 .363 against .357 and .362 for either rule alone).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MIN_POSITIVES_FOR_F1 = 20


def choose(labels: NDArray[Any], probabilities: NDArray[Any]) -> NDArray[np.float64]:
    """The threshold of every statement: a record is called when its probability reaches it.

    Args:
        labels: Fold 9, (records, statements) of 0 and 1.
        probabilities: Fold 9, same shape.

    Returns:
        (statements,); NaN, which no probability reaches, for a statement without positives.
    """
    return np.array([_choose(labels[:, j], probabilities[:, j]) for j in range(labels.shape[1])], np.float64)


def call(probabilities: NDArray[Any], thresholds: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which statements are called, (records, statements)."""
    called: NDArray[np.bool_] = np.asarray(probabilities, np.float64) >= thresholds
    return called


def _choose(label: NDArray[Any], probability: NDArray[Any]) -> float:
    positive = np.asarray(label, bool)
    positives = int(positive.sum())
    if not positives:
        return float("nan")
    cuts, inverse = np.unique(np.asarray(probability, np.float64), return_inverse=True)
    called = np.cumsum(np.bincount(inverse)[::-1])
    hits = np.cumsum(np.bincount(inverse, weights=positive)[::-1])
    # From the highest cut down, argmax and argmin take the first of equals: the one that calls fewer.
    if positives >= MIN_POSITIVES_FOR_F1:
        best = int(np.argmax(2 * hits / (called + positives)))
    else:
        best = int(np.argmin(np.abs(called - positives)))
    return float(cuts[::-1][best])
