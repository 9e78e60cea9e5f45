"""Which statements can be asked and scored with the records at hand."""

from __future__ import annotations

from typing import Any

import pandas as pd

from twelvelead.data.index import SELECT_FOLD, TEST_FOLD, TRAIN_FOLDS, labels
from twelvelead.ecg.statement import STATEMENTS
from twelvelead.errors import DataError

Coverage = dict[str, Any]
PARTS = {
    "folds 1-8": (tuple(TRAIN_FOLDS), "nothing can be trained"),
    f"fold {SELECT_FOLD}": ((SELECT_FOLD,), "no epoch and no threshold can be chosen"),
    f"fold {TEST_FOLD}": ((TEST_FOLD,), "no model can be tested"),
}
"""The three parts of the data: their folds, and what fails without them."""


def coverage(usable: pd.DataFrame, min_train_positives: int) -> Coverage:
    """Count positives and choose the scored statements.

    Args:
        usable: Index rows that are not quarantined.
        min_train_positives: Fewer positives in folds 1-8 leave a statement unscored.

    Returns:
        {"scored": codes in the standard's order, "counts": {code: {"train", "fold9", "fold10"}},
        "not_scored": {code: why}}; JSON-ready.
    """
    codes = list(STATEMENTS)
    positive = labels(usable, codes)
    train = usable["fold"].isin(TRAIN_FOLDS).to_numpy()
    parts = {
        "train": train,
        "fold9": (usable["fold"] == SELECT_FOLD),
        "fold10": (usable["fold"] == TEST_FOLD),
    }
    sums = {part: positive[mask].sum(axis=0, dtype=int) for part, mask in parts.items()}
    counts = {code: {part: int(sums[part][n]) for part in parts} for n, code in enumerate(codes)}
    not_scored = {}
    for code, count in counts.items():
        if not any(count.values()):
            not_scored[code] = "no record carries it"
        elif count["train"] < min_train_positives:
            not_scored[code] = f"{_positives(count['train'])} in folds 1-8, fewer than {min_train_positives}"
        elif count["train"] == train.sum():
            not_scored[code] = "every record of folds 1-8 carries it: nothing to tell apart"
    return {
        "scored": [code for code in codes if code not in not_scored],
        "counts": counts,
        "not_scored": not_scored,
    }


def require_scored(found: Coverage, min_train_positives: int) -> None:
    """Refuse a data set in which no statement can be scored.

    Raises:
        DataError: Nothing is left to ask; names the best-covered statements.
    """
    if found["scored"]:
        return
    best = sorted(found["counts"].items(), key=lambda item: -item[1]["train"])[:3]
    raise DataError(
        "no statement can be scored: "
        + ", ".join(f"{code} has {_positives(count['train'])} in folds 1-8" for code, count in best),
        expected=f"at least {min_train_positives} positives and one negative of some statement",
        fix="take more records (ingest.records), or lower validate.min_train_positives",
    )


def _positives(count: int) -> str:
    return f"{count} positive{'' if count == 1 else 's'}"
