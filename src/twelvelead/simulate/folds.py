"""Ten folds, patients whole, every statement spread evenly: iterative stratification, rarest first.

Sechidis, Tsoumakas and Vlahavas 2011, on patients instead of records, as in PTB-XL. Folds 9 and 10 are for
testing; marks may be kept out of them, be more frequent there, or be owed a fewest number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

FOLDS = 10
TEST = (8, 9)  # indices of folds 9 and 10
EQUAL, EQUAL_SHARE = 0.4, 0.01  # records, and share of a fold's, by which needs may differ and count as equal
ROUNDS = 4  # of paying what folds are owed: one payment may make room for another
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def assign(
    groups: Sequence[float],
    marks: Sequence[frozenset[str]],
    rng: np.random.Generator,
    *,
    test_share: Mapping[str, float] | None = None,
    least: Mapping[str, tuple[int, int]] | None = None,
) -> list[int]:
    """Give each record a fold.

    Args:
        groups: Patient of each record; a patient's records share a fold.
        marks: Statements, sex, age band …, of each record.
        rng: Breaks ties.
        test_share: Share of a mark's records in each of folds 9 and 10, where it is not a tenth; 0 keeps
            every patient with that mark out of them.
        least: Mark → fewest patients with it in folds 1–8 together and in each of folds 9 and 10. Kept
            where there are so many.

    Returns:
        Fold of each record, 1 to 10.
    """
    names = sorted(set().union(*marks))
    counts, row = _count(groups, marks, names)
    barred = np.zeros((len(counts), FOLDS), dtype=bool)
    wanted = np.repeat(counts.sum(axis=0, keepdims=True) / FOLDS, FOLDS, axis=0)
    patients = (counts[:, :-1] > 0).sum(axis=0)
    for place, name in enumerate(names):
        total = float(counts[:, place].sum())
        share = (test_share or {}).get(name, 1 / FOLDS)
        if share == 0:
            barred[counts[:, place] > 0, TEST[0] :] = True
        train, test = (least or {}).get(name, (0, 0))
        if share and patients[place] >= train + 2 * test:
            each = total / max(float(patients[place]), 1.0)  # records a patient
            share = max(share, min(test * each, total / 2 - train * each / 2, total / 2) / max(total, 1.0))
        wanted[:, place] = total * (1 - 2 * share) / (FOLDS - 2)
        wanted[list(TEST), place] = total * share
    fold_of = _stratify(counts, wanted, barred, rng)
    _pay(fold_of, counts, names, barred, least or {}, rng)
    return [int(fold_of[index]) + 1 for index in row]


def _count(
    groups: Sequence[float], marks: Sequence[frozenset[str]], names: Sequence[str]
) -> tuple[Ints, Ints]:
    """(patients, marks + 1) records of each patient with each mark, the last column all of them."""
    place = {name: column for column, name in enumerate(names)}
    _, row = np.unique(np.asarray(groups), return_inverse=True)
    counts = np.zeros((int(row.max()) + 1, len(names) + 1), dtype=np.int64)
    sizes = [len(mark) for mark in marks]
    columns = np.array([place[name] for mark in marks for name in sorted(mark)], dtype=np.int64)
    np.add.at(counts, (np.repeat(row, sizes), columns), 1)
    counts[:, -1] = np.bincount(row)
    return counts, row


def _stratify(counts: Ints, wanted: Floats, barred: NDArray[np.bool_], rng: np.random.Generator) -> Ints:
    fold_of = np.full(len(counts), -1, dtype=np.int64)
    total = counts.sum(axis=0)
    slack = np.maximum(EQUAL, EQUAL_SHARE * total / FOLDS)
    left = counts.sum(axis=0)[:-1]
    shuffled = rng.permutation(len(counts))
    while (fold_of < 0).any():
        open_ = shuffled[fold_of[shuffled] < 0]
        rarest = int(np.where(left > 0, left, left.max() + 1).argmin())
        if left.any():
            open_ = open_[counts[open_, rarest] > 0]
        open_ = open_[np.argsort(-counts[open_, rarest], kind="stable")]
        ties = rng.random((open_.size, FOLDS))
        for patient, tie in zip(open_, ties, strict=True):
            # Most wanted for this mark; among equals, whose lack of all the patient's marks is the largest.
            need = np.where(barred[patient], -np.inf, wanted[:, rarest])
            best = np.flatnonzero(need >= need.max() - slack[rarest])
            if best.size > 1:
                mine = np.flatnonzero(counts[patient])
                lack = (wanted[np.ix_(best, mine)] / total[mine]).sum(axis=1) + 1e-9 * tie[best]
                best = best[lack.argmax() :]
            fold = int(best[0])
            fold_of[patient] = fold
            wanted[fold] -= counts[patient]
        left = left - counts[open_, :-1].sum(axis=0)
    return fold_of


def _pay(
    fold_of: Ints,
    counts: Ints,
    names: Sequence[str],
    barred: NDArray[np.bool_],
    least: Mapping[str, tuple[int, int]],
    rng: np.random.Generator,
) -> None:
    """Move single patients until each fold holds the fewest carriers it is owed, if there are so many."""
    owed = np.zeros((FOLDS + 1, len(names)), dtype=np.int64)  # the last row: folds 1–8 together
    has = counts[:, :-1] > 0
    for place, name in enumerate(names):
        train, test = least.get(name, (0, 0))
        if has[:, place].sum() >= train + 2 * test:
            owed[-1, place], owed[list(TEST), place] = train, test
    creditors = [
        int(column) for column in np.argsort(has.sum(axis=0), kind="stable") if owed[:, column].any()
    ]
    for _ in range(ROUNDS):
        for column in creditors:
            for fold in (*TEST, FOLDS):
                _pay_one(column, fold, fold_of, has, owed, barred, rng)


def _pay_one(
    place: int,
    fold: int,
    fold_of: Ints,
    has: NDArray[np.bool_],
    owed: Ints,
    barred: NDArray[np.bool_],
    rng: np.random.Generator,
) -> None:
    """Pay one debt of one mark from folds that can spare a carrier; other marks' debts stay paid."""
    here = np.bincount(fold_of[has[:, place]], minlength=FOLDS)
    if (here[: FOLDS - 2].sum() if fold == FOLDS else here[fold]) >= owed[fold, place]:
        return
    held = np.stack([has[fold_of == k].sum(axis=0) for k in range(FOLDS)])
    held = np.concatenate([held, held[: FOLDS - 2].sum(axis=0, keepdims=True)])
    for patient in rng.permutation(np.flatnonzero(has[:, place])):
        if held[fold, place] >= owed[fold, place]:
            return
        now = int(fold_of[patient])
        there = now if now in TEST else FOLDS  # which debt the patient pays today
        to = int(rng.integers(FOLDS - 2)) if fold == FOLDS else fold
        spared = (held[there, has[patient]] > owed[there, has[patient]]).all()
        if there == fold or barred[patient, to] or not spared:
            continue
        fold_of[patient] = to
        for debt, sign in ((there, -1), (fold, 1)):
            held[debt] += sign * has[patient]
