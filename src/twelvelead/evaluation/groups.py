"""The six task groups of PTB-XL's benchmark: which statements they ask, and how classes follow from them.

A class (NORM, MI, …) is present when one of its statements is, and as probable as the likeliest of them:
taking the maximum is what makes published statement predictions comparable at class level (Strodthoff et al.,
IEEE JBHI 2021, doi:10.1109/JBHI.2020.3022989). As there, a record without any label of a group is left out
of that group; `all` keeps every record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twelvelead.ecg.statement import STATEMENTS

GROUPS = ("all", "diagnostic", "subdiagnostic", "superdiagnostic", "form", "rhythm")
SIZES = {"all": 71, "diagnostic": 44, "subdiagnostic": 23, "superdiagnostic": 5, "form": 19, "rhythm": 12}


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """Labels and probabilities of one group.

    Attributes:
        names: Statements or classes, (labels,).
        rows: (records,) bool: the records that have a label of the group.
        labels: (records that have one, labels) of 0 and 1.
    """

    names: tuple[str, ...]
    rows: NDArray[np.bool_]
    labels: NDArray[np.uint8]
    _columns: tuple[tuple[int, ...], ...]

    def of(self, probabilities: NDArray[Any]) -> NDArray[Any]:
        """A model's probabilities (records, statements) as (records that have one, labels)."""
        return _pooled(probabilities[self.rows], self._columns)


def group(name: str, codes: Sequence[str], labels: NDArray[Any]) -> Grouped | None:
    """One task group of a label matrix; None if no statement of it is among `codes`.

    Args:
        name: One of GROUPS.
        codes: Statement of each column. Codes that are none of the 71 count in `all` only.
        labels: (records, statements) of 0 and 1.
    """
    found: dict[str, list[int]] = {}
    for column, code in enumerate(codes):
        if (label := _label(name, code)) is not None:
            found.setdefault(label, []).append(column)
    if not found:
        return None
    columns = tuple(tuple(each) for each in found.values())
    pooled = _pooled(np.asarray(labels, np.uint8), columns)
    rows: NDArray[np.bool_] = (
        pooled.max(axis=1, initial=0) > 0 if name != "all" else np.ones(len(pooled), bool)
    )
    return Grouped(tuple(found), rows, pooled[rows], columns)


def _label(name: str, code: str) -> str | None:
    """What a statement is called in a group, None if it does not belong there."""
    statement = STATEMENTS.get(code)
    if name == "all":
        return code
    if statement is None:
        return None
    if name == "subdiagnostic":
        return statement.subclass
    if name == "superdiagnostic":
        return statement.superclass
    return code if getattr(statement, name) else None


def _pooled(values: NDArray[Any], columns: tuple[tuple[int, ...], ...]) -> NDArray[Any]:
    if all(len(each) == 1 for each in columns):
        return values[:, [each[0] for each in columns]]
    return np.column_stack([values[:, list(each)].max(axis=1) for each in columns])
