"""What can be wrong in the tables: labels, people, dates, reports, and rows or recordings that come twice.

Everything is told in words, one column a fault; suites/records.yaml says what follows from each.
"""

from __future__ import annotations

import csv
import datetime
import difflib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twelvelead.data import ptbxl
from twelvelead.data.index import codes_of
from twelvelead.ecg.statement import STATEMENTS

TABLE_FAULTS = (
    "statement_unknown",
    "statement_foreign",
    "no_statement",
    "likelihood_range",
    "labels_contradict",
    "sex_code",
    "age_unknown",
    "date_format",
    "date_future",
    "patient_story",
    "report_empty",
    "report_garbled",
    "row_twice",
    "rows_differ",
    "signal_twice",
    "signal_two_patients",
)
NATIVE = ("ptb-xl", "simulated")  # sources whose vocabulary is the 71 statements, and whose table is at hand
CONTRADICTIONS: tuple[tuple[str, frozenset[str]], ...] = (
    # Contrary by definition; in 20,821 rows of PTB-XL one breaks this (NORM with IMI).
    ("NORM", frozenset(code for code, s in STATEMENTS.items() if s.superclass == "MI")
     | {"CLBBB", "CRBBB", "LVH", "RVH", "WPW", "3AVB", "ANEUR", "DIG", "LNGQT"}),
    ("CLBBB", frozenset({"CRBBB", "IRBBB"})),
    ("SBRAD", frozenset({"STACH"})),
    ("LVOLT", frozenset({"HVOLT", "VCLVH"})),
)  # fmt: skip
# UTF-8 read as Latin-1 or Windows-1252 (Ã¤, â€œ), a lost character, and what no text holds.
GARBLED = re.compile(r"[ÃÂ][\x80-\xbf¡-¿]|â€|Ã[„–œŸ]|\ufffd|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
DRIFT_YEARS = 2.0  # ages are whole years and dates shifted by some days; real pairs agree to one year

Faults = list[dict[str, str]]


def table_faults(
    frame: pd.DataFrame, signal_hashes: Sequence[str], records: Path, today: datetime.date
) -> Faults:
    """The faults of every row: code of TABLE_FAULTS → what is wrong.

    Args:
        frame: The index.
        signal_hashes: Of the samples of each row, "" where unreadable.
        records: The records folder; its ptbxl_database.csv tells more than the index if it is there.
        today: No recording is younger.
    """
    faults: Faults = [{} for _ in range(len(frame))]
    for at, source, cell in zip(range(len(frame)), frame["source"], frame["statements"], strict=True):
        faults[at] |= _labels(source, cell)
    for at, age in enumerate(frame["age"]):
        if math.isnan(age):
            faults[at]["age_unknown"] = "no age"
    rows = _rows(frame, records)
    for at, cells in rows.items():
        faults[at] |= _cells(cells, today)
    for at, words in _stories(frame, rows):
        faults[at]["patient_story"] = words
    _repeated_rows(frame, faults)
    _repeated_signals(frame, signal_hashes, faults)
    return faults


def _labels(source: str, cell: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    faults = {}
    codes = codes_of(cell)
    known = [code for code in codes if code in STATEMENTS]
    other = [code for code in codes if code not in STATEMENTS]
    if other and source in NATIVE:
        faults["statement_unknown"] = "; ".join(map(_nearest, other))
    elif other:
        faults["statement_foreign"] = f"{', '.join(other)}: not among the 71 SCP statements, never asked"
    if not known:
        faults["no_statement"] = "none of the 71 statements"
    wrong = [f"{item['code']} {item['likelihood']:g}" for item in cell if not 0 <= item["likelihood"] <= 100]
    if wrong:
        faults["likelihood_range"] = f"likelihood {', '.join(wrong)}; 0 to 100 are possible"
    clashes = [
        f"{one} with {', '.join(sorted(against & set(known)))}"
        for one, against in CONTRADICTIONS
        if one in known and against & set(known)
    ]
    if clashes:
        faults["labels_contradict"] = "; ".join(clashes)
    return faults


def _nearest(code: str) -> str:
    near = difflib.get_close_matches(code.upper().strip(), STATEMENTS, n=1, cutoff=0.6)
    return f"there is no SCP statement {code!r}" + (f"; did you mean {near[0]}?" if near else "")


def _rows(frame: pd.DataFrame, records: Path) -> dict[int, dict[str, str]]:
    """Row of the index → its row of ptbxl_database.csv, where there is one."""
    table = records / ptbxl.DATABASE
    if not table.is_file():
        return {}
    waiting: dict[str, list[dict[str, str]]] = defaultdict(list)
    with table.open(encoding="utf-8", errors="replace", newline="") as stream:
        for cells in csv.DictReader(stream):
            number = (cells.get("ecg_id") or "").removesuffix(".0")
            waiting[number.zfill(5)].append({key: value or "" for key, value in cells.items() if key})
    found = {}
    for at, (record_id, source) in enumerate(zip(frame["record_id"], frame["source"], strict=True)):
        if source in NATIVE and (rows := waiting.get(record_id)):
            found[at] = rows.pop(0) if len(rows) > 1 else rows[0]
    return found


def _cells(cells: Mapping[str, str], today: datetime.date) -> dict[str, str]:
    faults = {}
    sex = cells.get("sex", "").strip().removesuffix(".0")
    if sex and sex not in ptbxl.SEXES:
        faults["sex_code"] = f"sex {sex!r}; 0 (male), 1 (female) or nothing is possible"
    text = cells.get("recording_date", "").strip()
    date = _date(text)
    if text and date is None:
        faults["date_format"] = f"recording date {text!r}; YYYY-MM-DD HH:MM:SS is possible"
    elif date is not None and date.date() > today:
        faults["date_future"] = f"recorded on {text}, which is yet to come"
    report = cells.get("report", "")
    if not report.strip():
        faults["report_empty"] = "the report is empty"
    elif match := GARBLED.search(report):
        around = report[max(match.start() - 10, 0) : match.end() + 10]
        faults["report_garbled"] = f"the report's encoding is broken: {around!r}"
    return faults


def _date(text: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return None


def _stories(frame: pd.DataFrame, rows: Mapping[int, Mapping[str, str]]) -> Iterator[tuple[int, str]]:
    """Recordings that do not fit the other ones of their patient: another sex, or an age that runs otherwise
    than the calendar."""
    patients: dict[str, list[int]] = defaultdict(list)
    for at, patient in enumerate(frame["patient_id"]):
        if patient:
            patients[patient].append(at)
    sexes, ages = list(frame["sex"]), list(frame["age"])
    for patient, places in patients.items():
        if len(places) < 2:
            continue
        known = Counter(sexes[at] for at in places if sexes[at])
        if len(known) > 1:
            usual = known.most_common(1)[0][0]
            for at in places:
                if sexes[at] not in (usual, ""):
                    yield at, f"{sexes[at]}, but patient {patient} is {usual} elsewhere"
        dated = [
            (date, at) for at in places if at in rows if (date := _date(rows[at].get("recording_date", "")))
        ]
        dated.sort()
        for (before, one), (after, other) in pairwise(dated):
            years, aged = (after - before).days / 365.25, ages[other] - ages[one]
            if abs(aged - years) > DRIFT_YEARS and max(ages[one], ages[other]) < ptbxl.OVER_89_YEARS:
                yield other, f"aged {aged:g} years in {years:.1f} since another recording of {patient}"


def _repeated_rows(frame: pd.DataFrame, faults: Faults) -> None:
    """Of equal rows the first is kept; rows that share an id and differ are all doubtful."""
    places: dict[str, list[int]] = defaultdict(list)
    for at, record_id in enumerate(frame["record_id"]):
        places[record_id].append(at)
    repeated = [(record_id, found) for record_id, found in places.items() if len(found) > 1]
    if not repeated:
        return
    for record_id, found in repeated:
        contents = {repr([_plain(value) for value in frame.iloc[at].tolist()]) for at in found}
        for at in found[1:] if len(contents) == 1 else found:
            if len(contents) == 1:
                faults[at]["row_twice"] = (
                    f"record {record_id} is listed {len(found)} times; the first is kept"
                )
            else:
                faults[at]["rows_differ"] = f"record {record_id} is listed {len(found)} times, differently"


def _plain(value: Any) -> Any:
    """Lists, which parquet makes arrays, as lists: an array is shortened when it is printed."""
    return list(value) if isinstance(value, np.ndarray) else str(value)


def _repeated_signals(frame: pd.DataFrame, signal_hashes: Sequence[str], faults: Faults) -> None:
    """The same recording twice: of one patient it is needless, of two one of them is wrong."""
    places: dict[str, list[int]] = defaultdict(list)
    for at, key in enumerate(signal_hashes):
        if key and not faults[at].keys() & {"row_twice", "rows_differ"}:
            places[key].append(at)
    names, patients = list(frame["record_id"]), list(frame["patient_id"])
    for found in places.values():
        if len(found) < 2:
            continue
        if len({patients[at] for at in found}) == 1:
            for at in found[1:]:
                faults[at]["signal_twice"] = f"the samples of record {names[found[0]]} again"
            continue
        for at in found:
            others = ", ".join(f"{names[o]} (patient {patients[o] or 'unknown'})" for o in found if o != at)
            faults[at]["signal_two_patients"] = (
                f"patient {patients[at] or 'unknown'}, but the samples of {others}"
            )
