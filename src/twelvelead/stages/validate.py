"""The index with measured facts, the quarantine, and whether the data set may be used at all."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from twelvelead.data import index
from twelvelead.data.pool import in_order
from twelvelead.data.shard import write_parquet
from twelvelead.errors import DataError
from twelvelead.params import Validate
from twelvelead.progress import say, track
from twelvelead.validation import quarantine
from twelvelead.validation.coverage import coverage, require_scored
from twelvelead.validation.expectations import judge_dataset, judge_records, refuse
from twelvelead.validation.facts import FACT_FIELDS, FILE_FAULTS, WAVE_FIELDS, Found, Listed, facts_of
from twelvelead.validation.pictures import worst_records
from twelvelead.validation.quarantine import Doubt, Rejected, doubts
from twelvelead.validation.report import summary, write_report
from twelvelead.validation.table import TABLE_FAULTS, table_faults

RECORDS_PER_CHUNK = 50
Summary = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some neighbouring records, measured by one worker; `found` holds the result once it is whole."""

    records: Path
    listed: Sequence[Listed]
    found: Path


def validate(inputs: Mapping[str, Path], output: Path, params: Validate, work: Path) -> Summary:
    """Fill `output` with the index and what was found: Parquet and JSON for machines, HTML for people.

    Files: index, quarantine and warnings.parquet, statements and validation.json, validation.html. They are
    written before a data set is refused, so that the reasons can be read.

    Returns:
        Counts of records, quarantine, patients and scored statements, and the rules that do not hold.

    Raises:
        LeakageError: A patient is in two folds.
        DataError: The index is empty, another critical expectation fails, or no statement can be scored.
    """
    records = inputs["records"]
    frame = index.read_index(records)
    if not len(frame):
        raise DataError("the index has no records", where=str(records / index.FILE))
    found = _measure(records, frame, work)
    rejected = quarantine.read_rejected(records)
    say("checking every record with Great Expectations")
    table = _table(frame, found, rejected, records)
    outcomes, findings = judge_records(table, params)
    ids = list(frame["record_id"])
    held = doubts([finding for finding in findings if finding.critical], ids)
    warned = doubts([finding for finding in findings if finding.row not in held], ids)

    full = _annotated(pq.read_table(records / index.FILE), found, held, warned)
    write_parquet(full, output / index.FILE)
    listed = set(ids)
    outside = [
        Doubt(one.record_id, ("rejected",), (f"rejected by ingest: {one.reason}",))
        for one in rejected
        if one.record_id not in listed
    ]
    out = [*held.values(), *outside]
    quarantine.write_doubts(out, output / quarantine.FILE)
    quarantine.write_doubts(warned.values(), output / quarantine.WARNINGS_FILE)

    frame = full.to_pandas()
    covered = coverage(frame[frame["status"] == "ok"], params.min_train_positives)
    text = json.dumps(covered, indent=1, ensure_ascii=False) + "\n"
    (output / index.STATEMENTS_FILE).write_text(text, encoding="utf-8")
    outcomes += judge_dataset(frame, len(outside), params)
    content = summary(frame, outcomes, out, list(warned.values()))
    pictures = worst_records(records, frame, held, warned, params.pictures)
    write_report(output, content, frame, covered, pictures)
    warnings = [f"{outcome.sentence}: {outcome.observed}" for outcome in outcomes if not outcome.passed]
    for line in warnings:
        say(f"not so: {line}")
    refuse(outcomes, frame)
    require_scored(covered, params.min_train_positives)
    counts = {name: content[name] for name in ("records", "usable", "quarantined", "patients", "parts")}
    flagged = dict(sorted(Counter(code for doubt in warned.values() for code in doubt.codes).items()))
    return {**counts, "flagged": flagged, "scored": covered["scored"], "warnings": warnings}


def _table(
    frame: pd.DataFrame, found: Sequence[Found], rejected: Sequence[Rejected], records: Path
) -> pd.DataFrame:
    """What suites/records.yaml speaks of: the index, the facts, and each fault that is told in words."""
    # Files that belong to another record are no second copy of it.
    hashes = ["" if "path_mismatch" in one.faults else one.signal_hash for one in found]
    told = table_faults(frame, hashes, records, datetime.datetime.now(datetime.UTC).date())
    refused = {one.record_id: one for one in rejected}
    for at, (record_id, path) in enumerate(zip(frame["record_id"], frame["path"], strict=True)):
        told[at] |= found[at].faults
        if (one := refused.get(record_id)) and one.is_of(path):
            told[at].pop("unreadable", None)  # it is not there because it was rejected
            told[at]["rejected"] = one.reason
        elif one:
            told[at]["rates_unreadable"] = f"{one.path}: {one.reason}"
    facts = pd.DataFrame([one.facts for one in found])
    words = {code: pd.Series([row.get(code) for row in told], dtype=object)
             for code in (*FILE_FAULTS, *TABLE_FAULTS, "rejected")}  # fmt: skip
    largest = facts[["min_mv", "max_mv"]].abs().max(axis=1)
    kept = frame.drop(columns="statements").reset_index(drop=True)
    return pd.concat([kept, facts, pd.DataFrame(words), largest.rename("max_abs_mv")], axis=1)


def _annotated(
    table: pa.Table, found: Sequence[Found], held: Mapping[int, Doubt], warned: Mapping[int, Doubt]
) -> pa.Table:
    """The index with facts, hash of the samples, codes of the warnings, and status."""
    for field in FACT_FIELDS:
        table = table.append_column(field, pa.array([one.facts[field.name] for one in found], field.type))
    for field in WAVE_FIELDS:
        heights = [one.waves.get(field.name) for one in found]
        table = table.append_column(field, pa.array(heights, field.type))
    rows = range(len(found))
    table = table.append_column("signal_hash", pa.array([one.signal_hash for one in found], pa.string()))
    codes = pa.array(
        [list(warned[row].codes) if row in warned else [] for row in rows], pa.list_(pa.string())
    )
    table = table.append_column("warnings", codes)
    status = pa.array(["quarantined" if row in held else "ok" for row in rows])
    return table.append_column("status", status)


def _measure(records: Path, frame: pd.DataFrame, work: Path) -> list[Found]:
    """What was found in every record's files, in order; finished chunks of a killed run are kept."""
    columns = (frame[name.name] for name in dataclasses.fields(Listed))
    listed = [
        Listed(name, path, float(fs_hz), int(n), sha256)
        for name, path, fs_hz, n, sha256 in zip(*columns, strict=True)
    ]
    chunks = [
        Chunk(records, listed[start : start + RECORDS_PER_CHUNK], work / f"facts-{number:06d}.json")
        for number, start in enumerate(range(0, len(listed), RECORDS_PER_CHUNK))
    ]
    todo = [chunk for chunk in chunks if not chunk.found.is_file()]
    total = sum(len(chunk.listed) for chunk in todo)
    for _ in track(_finish(todo), total=total, title="measuring", unit="records"):
        pass
    return [
        Found(**found) for chunk in chunks for found in json.loads(chunk.found.read_text(encoding="utf-8"))
    ]


def _finish(chunks: Sequence[Chunk]) -> Iterator[None]:
    for count in in_order(_measure_chunk, chunks):
        yield from (None for _ in range(count))


def _measure_chunk(chunk: Chunk) -> int:
    found = [dataclasses.asdict(facts_of(chunk.records, listed)) for listed in chunk.listed]
    aside = chunk.found.with_suffix(f".{os.getpid()}.tmp")
    aside.write_text(json.dumps(found), encoding="utf-8")
    aside.replace(chunk.found)
    return len(found)
