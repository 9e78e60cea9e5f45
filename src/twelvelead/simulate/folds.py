"""Ten folds, patients whole, every statement spread evenly: iterative stratification, rarest first.

Sechidis, Tsoumakas and Vlahavas 2011, on patients instead of records, as in PTB-XL.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FOLDS = 10


def assign(groups: Sequence[float], marks: Sequence[frozenset[str]], rng: np.random.Generator) -> list[int]:
    """Give each record a fold.

    Args:
        groups: Patient of each record; a patient's records share a fold.
        marks: Statements, sex, age band …, of each record.
        rng: Breaks ties.

    Returns:
        Fold of each record, 1 to 10.
    """
    names = sorted(set().union(*marks))
    place = {name: column for column, name in enumerate(names)}
    patients = sorted(set(groups))
    row = {patient: index for index, patient in enumerate(patients)}
    counts = np.zeros((len(patients), len(names) + 1), dtype=np.int64)  # the last column counts records
    for group, mark in zip(groups, marks, strict=True):
        counts[row[group], [place[name] for name in mark]] += 1
        counts[row[group], -1] += 1
    wanted = np.repeat(counts.sum(axis=0, keepdims=True) / FOLDS, FOLDS, axis=0)
    fold_of = np.full(len(patients), -1)
    shuffled = rng.permutation(len(patients))
    while (fold_of < 0).any():
        left = counts[fold_of < 0].sum(axis=0)[:-1]
        rarest = int(np.where(left > 0, left, left.max() + 1).argmin())
        open_ = [p for p in shuffled if fold_of[p] < 0 and (counts[p, rarest] > 0 or not left.any())]
        for patient in sorted(open_, key=lambda p: -counts[p, rarest]):
            # Most wanted for this mark, then most wanted over all records, then by chance.
            need = wanted[:, rarest]
            best = np.flatnonzero(need == need.max())
            best = best[wanted[best, -1] == wanted[best, -1].max()]
            fold = int(best[int(rng.integers(best.size))])
            fold_of[patient] = fold
            wanted[fold] -= counts[patient]
    return [int(fold_of[row[group]]) + 1 for group in groups]
