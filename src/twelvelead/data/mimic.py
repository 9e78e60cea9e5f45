"""MIMIC-IV-ECG in its own layout (Gow et al. 2023, doi 10.13026/4nqg-sb35).

`record_list.csv` names a folder for each study, files/p1000/p10000032/s40689238/40689238; what the machine
wrote is in `machine_measurements.csv`. Ages and sexes are in MIMIC-IV itself: a `patients.csv` of its hosp
module, laid beside the two, is used. Leads stand in the order I, II, III, aVR, aVF, aVL, V1–V6; the reader
goes by their names.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from twelvelead.data.entry import Entry, capped_age
from twelvelead.data.folds import fold_of_patient
from twelvelead.data.mimic_statements import statements_of
from twelvelead.errors import DataError

RECORD_LIST, MEASUREMENTS, PATIENTS = "record_list.csv", "machine_measurements.csv", "patients.csv"
SEXES = {"M": "male", "F": "female"}
Study = tuple[str, str, str, str]  # study_id, subject_id, ecg_time, path
REPORT_LINES = tuple(f"report_{number}" for number in range(18))


def studies(root: Path) -> list[Study]:
    """The rows of record_list.csv, in its order.

    Raises:
        DataError: A column is absent, a row lacks a value, a path leads out, or a study occurs twice.
    """
    found = []
    seen: set[str] = set()
    for number, cells in _rows(root / RECORD_LIST, ("subject_id", "study_id", "path")):
        study, subject, path = (cells[key].strip() for key in ("study_id", "subject_id", "path"))
        path = path.removesuffix(".hea").removesuffix(".dat")
        if (
            not (study and subject and path)
            or ".." in path.split("/")
            or path.startswith("/")
            or "\\" in path
        ):
            raise DataError(
                f"row {number} is malformed: study {study!r}, subject {subject!r}, path {path!r}",
                where=RECORD_LIST, expected="files/pNNNN/pNNNNNNNN/sNNNNNNNN/NNNNNNNN",
            )  # fmt: skip
        if study in seen:
            raise DataError(f"study {study} occurs twice", where=f"{RECORD_LIST} row {number}")
        seen.add(study)
        found.append((study, subject, (cells.get("ecg_time") or "").strip(), path))
    return found


def entries(root: Path, taken: list[Study]) -> tuple[list[Entry], int]:
    """The records of the given studies, with statements and demographics.

    Returns:
        Entries in the order given; and how many lines of the reports name none of the 71 statements.
    """
    lines = _reports(root / MEASUREMENTS, {study for study, *_ in taken})
    people = _people(root / PATIENTS, {subject for _, subject, *_ in taken})
    found, unmapped = [], 0
    for study, subject, taken_at, path in taken:
        report = lines.get(study, [])
        likelihoods, unknown = statements_of(report)
        unmapped += len(unknown)
        sex, anchor_age, anchor_year = people.get(subject, ("", math.nan, math.nan))
        year = float(taken_at[:4]) if taken_at[:4].isdecimal() else anchor_year
        found.append(
            Entry(
                record_id=study,
                paths=(path,),
                patient_id=subject,
                fold=fold_of_patient(subject),
                age=capped_age(anchor_age + year - anchor_year),
                sex=sex,
                likelihoods=likelihoods,
                report=". ".join(line.rstrip(". ") for line in report) + ("." if report else ""),
            )
        )
    return found, unmapped


def _reports(path: Path, wanted: set[str]) -> dict[str, list[str]]:
    """The non-empty report lines of each study, in order."""
    return {
        cells["study_id"].strip(): [line for key in REPORT_LINES if (line := (cells.get(key) or "").strip())]
        for _, cells in _rows(path, ("study_id", "report_0"))
        if cells["study_id"].strip() in wanted
    }


def _people(path: Path, wanted: set[str]) -> dict[str, tuple[str, float, float]]:
    """Sex, and the age in an (equally shifted) year, by subject; nothing without the file."""
    if not path.is_file():
        return {}
    columns = ("subject_id", "gender", "anchor_age", "anchor_year")
    people = {}
    for number, cells in _rows(path, columns):
        subject, sex, age, year = (cells[key].strip() for key in columns)
        if subject not in wanted:
            continue
        try:
            people[subject] = (SEXES.get(sex.upper(), ""), float(age or "nan"), float(year or "nan"))
        except ValueError:
            raise DataError(f"row {number}: age {age!r}, year {year!r}", where=path.name) from None
    return people


def _rows(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, Mapping[str, str]]]:
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream, restval="")
        missing = [name for name in needed if name not in (reader.fieldnames or ())]
        if missing:
            raise DataError(f"the table has no column {', '.join(missing)}", where=path.name)
        yield from enumerate(reader, start=2)
