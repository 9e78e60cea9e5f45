"""labels.csv beside a folder of ECGs: one row a record, the columns in any order and many spellings."""

from __future__ import annotations

import ast
import csv
from collections.abc import Mapping
from pathlib import Path

from twelvelead.data.comments import SEXES, Note, split_codes, years
from twelvelead.errors import DataError

FILE = "labels.csv"
RECORD = ("record", "record_id", "filename", "file", "name", "ecg_id", "id")
PATIENT = ("patient", "patient_id", "patientid", "subject_id")
AGE, SEX = ("age", "patientage"), ("sex", "gender")
FOLD = ("fold", "strat_fold")
REPORT = ("report", "diagnosis", "diagnoses")
CODES = ("scp_codes", "snomed", "dx", "labels", "statements", "rhythm", "beat")


def read_labels(path: Path) -> dict[str, Note]:
    """What the table says, by record (a path without suffix, or its last part).

    Raises:
        DataError: No column names the record, a record occurs twice, or a fold is not 1 to 10.
    """
    notes: dict[str, Note] = {}
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream, restval="")
        columns = {str(name).strip().lower(): str(name) for name in reader.fieldnames or ()}
        record = next((columns[name] for name in RECORD if name in columns), None)
        if record is None:
            raise DataError("no column names the record", where=path.name, expected=" or ".join(RECORD))
        for number, cells in enumerate(reader, start=2):
            name = (cells[record] or "").strip().removesuffix(".hea").removesuffix(".dcm")
            if name in notes:
                raise DataError(f"record {name!r} occurs twice", where=f"{path.name} row {number}")
            lower = {key: (cells[column] or "").strip() for key, column in columns.items()}
            notes[name] = _note(lower, f"{path.name} row {number}")
    return notes


def _note(cells: Mapping[str, str], where: str) -> Note:
    fold = _first(cells, FOLD)
    if fold and fold.removesuffix(".0") not in map(str, range(1, 11)):
        raise DataError(f"fold {fold!r}", where=where, expected="1 to 10")
    stated = {code: likelihood for column in CODES for code, likelihood in _codes(cells.get(column, ""))}
    return Note(
        age=years(_first(cells, AGE)),
        sex=SEXES.get(_first(cells, SEX).lower(), ""),
        codes=tuple(stated),
        likelihoods={code: likelihood for code, likelihood in stated.items() if likelihood is not None},
        report=_first(cells, REPORT),
        patient_id=_first(cells, PATIENT),
        fold=int(float(fold)) if fold else 0,
    )


def _codes(text: str) -> list[tuple[str, float | None]]:
    """Codes and likelihoods of a cell: a list, the Python text of PTB-XL's dict, or one label in words."""
    if text.startswith("{"):
        try:
            return [(str(code), float(value)) for code, value in ast.literal_eval(text).items()]
        except (ValueError, SyntaxError, TypeError, AttributeError):
            return [(text, None)]
    return [(code, None) for code in split_codes(text) or ([text] if text else [])]


def _first(cells: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((cells[name] for name in names if cells.get(name)), "")
