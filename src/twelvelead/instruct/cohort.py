"""What many pages tell, as columns: the same truth as their cases, for planning which question goes where."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twelvelead.ecg.lead import LEADS
from twelvelead.ecg.statement import STATEMENTS
from twelvelead.instruct.case import (
    AXES,
    GROUPS,
    MEASURES,
    NOISES,
    SIGNS,
    STAGES,
    SUBCLASSES,
    SUPERCLASSES,
    WAVES,
    Case,
    normal_range,
    rounded_column,
)

CODES = tuple(STATEMENTS)
BANDS = ("below", "within", "above")
Mask = NDArray[np.bool_]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cohort:
    """Columns over n pages.

    Attributes:
        codes: (n, 71) statements named, whatever their likelihood.
        subclasses, superclasses: (n, 23) and (n, 5) classes of the diagnostic ones.
        findings: (n, 3) whether there is a finding of each of GROUPS; NORM and SR are none.
        axis, stage: (n,) number in AXES and STAGES, -1 unknown.
        noise: (n, 4, 12) of NOISES in LEADS: 1 noted, 0 not, -1 unknown.
        values: Fact → (n,) rounded value, NaN unknown; only facts that some page has.
        signs: Sign → (n,) 0, 1 or NaN.
        bands: Fact → (n,) number in BANDS, -1 unknown; facts that have a normal range.
    """

    codes: Mask
    subclasses: Mask
    superclasses: Mask
    findings: Mask
    axis: NDArray[np.int8]
    stage: NDArray[np.int8]
    noise: NDArray[np.int8]
    values: Mapping[str, Numbers]
    signs: Mapping[str, Numbers]
    bands: Mapping[str, NDArray[np.int8]]

    def __len__(self) -> int:
        return len(self.axis)

    def take(self, rows: NDArray[np.integer[Any]]) -> Cohort:
        """The cohort of these rows, in this order; a row may come twice (a record with two pages)."""
        columns: dict[str, Any] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            columns[one.name] = (
                value[rows]
                if isinstance(value, np.ndarray)
                else {key: column[rows] for key, column in value.items()}
            )
        return Cohort(**columns)

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> Cohort:
        """The columns of some rows of the validated index.

        Raises:
            DataError: A row names a code that is no SCP statement.
        """
        told = list(rows)
        cohort = cls(
            np.zeros((len(told), len(CODES)), bool),
            np.zeros((len(told), len(SUBCLASSES)), bool),
            np.zeros((len(told), len(SUPERCLASSES)), bool),
            np.zeros((len(told), len(GROUPS)), bool),
            np.full(len(told), -1, np.int8),
            np.full(len(told), -1, np.int8),
            np.full((len(told), len(NOISES), len(LEADS)), -1, np.int8),
            _values(told),
            {name: _column(told, name) for name in SIGNS},
            {},
        )
        for number, row in enumerate(told):
            # Wave heights are columns already; as facts of a case they would cost more than all the rest.
            cohort._note(number, Case.from_row({key: row[key] for key in row if key not in WAVES}))
        bands = {
            name: _bands(name, cohort.values[name], [str(row.get("sex") or "") for row in told])
            for name in MEASURES
            if name in cohort.values and normal_range(name, "male")
        }
        return replace(cohort, bands=bands)

    def _note(self, number: int, case: Case) -> None:
        self.codes[number, [_CODE[code] for code in case.codes]] = True
        self.subclasses[number, [_SUBCLASS[one] for one in case.subclasses]] = True
        self.superclasses[number, [_SUPERCLASS[one] for one in case.superclasses]] = True
        self.findings[number] = [bool(case.of_group(group)) for group in GROUPS]
        self.axis[number] = AXES.index(case.axis) if case.axis else -1
        self.stage[number] = STAGES.index(case.stage) if case.stage else -1
        for kind, leads in case.noise.items():
            self.noise[number, NOISES.index(kind)] = 0
            self.noise[number, NOISES.index(kind), [_LEAD[lead] for lead in leads]] = 1


def some(mask: Mask) -> Mask:
    """(n,) whether a row of the (n, k) mask has anything."""
    return np.asarray(mask.any(axis=1))


_CODE = {code: number for number, code in enumerate(CODES)}
_SUBCLASS = {name: number for number, name in enumerate(SUBCLASSES)}
_SUPERCLASS = {name: number for number, name in enumerate(SUPERCLASSES)}
_LEAD = {name: number for number, name in enumerate(LEADS)}


def _column(rows: list[Mapping[str, Any]], name: str) -> Numbers:
    found = (row.get(name) for row in rows)
    return np.array([math.nan if value is None else float(value) for value in found])


def _values(rows: list[Mapping[str, Any]]) -> dict[str, Numbers]:
    columns = {name: rounded_column(name, _column(rows, name)) for name in MEASURES}
    nothing = np.full(len(LEADS), math.nan)
    for wave in WAVES:
        known = (row.get(wave) for row in rows)
        heights = [nothing if one is None or len(one) != len(LEADS) else one for one in known]
        matrix = np.array(heights, np.float64).reshape(-1, len(LEADS))
        matrix[~np.isfinite(matrix)] = math.nan
        columns |= {
            f"{wave}.{lead}": rounded_column(f"{wave}.{lead}", matrix[:, number])
            for number, lead in enumerate(LEADS)
        }
    return {name: column for name, column in columns.items() if not np.isnan(column).all()}


def _bands(name: str, values: Numbers, sexes: list[str]) -> NDArray[np.int8]:
    found = np.full(len(values), -1, np.int8)
    for sex in ("male", "female", ""):
        bounds = normal_range(name, sex)
        if bounds:
            mine = np.array([one == sex for one in sexes], bool) & ~np.isnan(values)
            found[mine] = 1 + (values[mine] > bounds[1]).astype(np.int8) - (values[mine] < bounds[0])
    return found
