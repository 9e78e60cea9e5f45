"""The index with measured facts, the quarantine, and whether the data set may be used at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from twelvelead.validation.expectations import check, refuse
from twelvelead.validation.facts import FACT_FIELDS, Facts, facts_of
from twelvelead.validation.report import summary, write_report

RECORDS_PER_CHUNK = 50
Summary = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some neighbouring records, measured by one worker; `found` holds the result once it is whole."""

    records: Path
    paths: Sequence[str]
    found: Path


def validate(inputs: Mapping[str, Path], output: Path, params: Validate, work: Path) -> Summary:
    """Fill `output` with index.parquet, quarantine.parquet, statements.json, validation.json and .html.

    The files are written before a data set is refused, so that the reasons can be read.

    Returns:
        Counts of records, quarantine, patients and scored statements, and the warnings.

    Raises:
        LeakageError: A patient is in two folds.
        DataError: The index is empty, another critical expectation fails, or no statement can be scored.
    """
    records = inputs["records"]
    frame = index.read_index(records)
    if not len(frame):
        raise DataError("the index has no records", where=str(records / index.FILE))
    measured = _measure(records, list(frame["path"]), work)
    held = {}
    for record_id, (facts, unreadable) in zip(frame["record_id"], measured, strict=True):
        if why := quarantine.reasons(facts, unreadable, params):
            held[record_id] = why
    table = pq.read_table(records / index.FILE)
    for field in FACT_FIELDS:
        table = table.append_column(field, pa.array([facts[field.name] for facts, _ in measured], field.type))
    status = pa.array(["quarantined" if record_id in held else "ok" for record_id in frame["record_id"]])
    table = table.append_column("status", status)
    write_parquet(table, output / index.FILE)
    quarantine.write_quarantine(list(held.items()), output / quarantine.FILE)

    frame = table.to_pandas()
    found = coverage(frame[frame["status"] == "ok"], params.min_train_positives)
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    (output / index.STATEMENTS_FILE).write_text(text, encoding="utf-8")
    say("checking the data set with Great Expectations")
    outcomes = check(frame, params)
    content = summary(frame, outcomes, list(held.items()))
    write_report(output, content, frame, found)
    warnings = [f"{outcome.sentence}: {outcome.observed}" for outcome in outcomes if not outcome.passed]
    for line in warnings:
        say(f"not so: {line}")
    refuse(outcomes, frame)
    require_scored(found, params.min_train_positives)
    counts = {name: content[name] for name in ("records", "usable", "quarantined", "patients", "parts")}
    return {**counts, "scored": found["scored"], "warnings": warnings}


def _measure(records: Path, paths: Sequence[str], work: Path) -> list[tuple[Facts, str]]:
    """Facts and readability of every record, in order; finished chunks of a killed run are kept."""
    chunks = [
        Chunk(records, paths[start : start + RECORDS_PER_CHUNK], work / f"facts-{number:06d}.json")
        for number, start in enumerate(range(0, len(paths), RECORDS_PER_CHUNK))
    ]
    todo = [chunk for chunk in chunks if not chunk.found.is_file()]
    total = sum(len(chunk.paths) for chunk in todo)
    for _ in track(_finish(todo), total=total, title="measuring", unit="records"):
        pass
    return [
        (facts, why) for chunk in chunks for facts, why in json.loads(chunk.found.read_text(encoding="utf-8"))
    ]


def _finish(chunks: Sequence[Chunk]) -> Iterator[None]:
    for count in in_order(_measure_chunk, chunks):
        yield from (None for _ in range(count))


def _measure_chunk(chunk: Chunk) -> int:
    found = [facts_of(chunk.records / path) for path in chunk.paths]
    aside = chunk.found.with_suffix(f".{os.getpid()}.tmp")
    aside.write_text(json.dumps(found), encoding="utf-8")
    aside.replace(chunk.found)
    return len(found)
