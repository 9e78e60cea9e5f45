"""Records into one folder in PTB-XL's layout, with their index: simulated patients, or a PTB-XL folder.

Records are made in chunks. A finished chunk stays in the work folder, with a mark that names what it holds,
so a killed ingest goes on behind the last mark; chunks depend on the row numbers alone, never on the workers.
"""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twelvelead.data import index, ptbxl
from twelvelead.data.digest import file_sha256
from twelvelead.data.pool import in_order
from twelvelead.data.wfdb import read_header, write_record
from twelvelead.errors import DataError, RecordError, SetupError
from twelvelead.params import Ingest
from twelvelead.progress import say, track
from twelvelead.simulate.plan import RecordPlan
from twelvelead.simulate.population import draw_population
from twelvelead.simulate.record import lower_rate, simulate_record

RECORDS_PER_CHUNK = 25  # about a third of a second of simulation: little to lose, little to coordinate
Summary = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some neighbouring records, made in one go by one worker."""

    number: int
    work: Path
    source: Path | None  # None: simulate
    items: Sequence[ptbxl.Row] | Sequence[RecordPlan]

    @property
    def records(self) -> Path:
        """The folder tree that all chunks fill."""
        return self.work / "records"

    @property
    def mark(self) -> Path:
        """The file that says that this chunk is whole; its name tells these records from others."""
        key = zlib.crc32(" ".join(str(item.ecg_id) for item in self.items).encode())
        return self.work / "chunks" / f"{self.number:06d}-{key:08x}.json"


def ingest(inputs: Mapping[str, Path], output: Path, params: Ingest, work: Path) -> Summary:
    """Fill `output` with records, tables and index.parquet.

    Returns:
        Counts: records, patients, records per fold, and for a folder the rows left out and why.

    Raises:
        SetupError: The source folder does not exist.
        DataError: It is no PTB-XL folder, its table is malformed, or none of its records is there.
    """
    if params.source == "simulate":
        rows = _simulate(params, output, work)
        left_out: dict[str, int] = {}
    else:
        rows, left_out = _take(params, Path(params.path), output, work)
    shutil.copytree(work / "records", output, copy_function=_link, dirs_exist_ok=True)
    index.write_index(rows, output / index.FILE)
    folds = Counter(row["fold"] for row in rows)
    return {
        "source": params.source,
        "records": len(rows),
        "patients": len({row["patient_id"] for row in rows}),
        "folds": {str(fold): folds[fold] for fold in sorted(folds)},
        **left_out,
    }


def _simulate(params: Ingest, output: Path, work: Path) -> list[dict[str, Any]]:
    say(f"drawing {params.records} simulated records")
    plans = draw_population(params.records, params.seed)
    lines = [ptbxl.format_row(plan.row()) for plan in plans]
    _write_text(output / ptbxl.DATABASE, ptbxl.HEADER + "".join(lines))
    _write_text(output / ptbxl.STATEMENT_TABLE, ptbxl.statement_table())
    _, rows = ptbxl.read_database(output / ptbxl.DATABASE)
    _write_text(output / ptbxl.RECORDS, "".join(f"{row.high}\n{row.low}\n" for row in rows))
    made = _make(plans, None, work, "simulating")
    return [_index_row("simulated", row, facts) for row, facts in zip(rows, made, strict=True)]


def _take(
    params: Ingest, source: Path, output: Path, work: Path
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    table = source / ptbxl.DATABASE
    if not source.is_dir():
        raise SetupError(
            "the folder does not exist", where=str(source), fix="set ingest.path to a PTB-XL folder"
        )
    if not table.is_file():
        raise DataError(
            f"no {ptbxl.DATABASE} here",
            where=str(source),
            expected="PTB-XL's layout: ptbxl_database.csv, scp_statements.csv, records500/, records100/",
        )
    header, rows = ptbxl.read_database(table)
    present = sorted((row for row in rows if _rates(source, row)), key=lambda row: row.ecg_id)
    if not present:
        raise DataError(
            f"none of the {len(rows)} records of the table is here",
            where=str(source),
            expected=f"files such as {rows[0].high if rows else 'records500/00000/00001_hr'}.hea",
        )
    taken = present[: params.records]
    _write_text(output / ptbxl.DATABASE, header + "".join(row.text for row in taken))
    statements = source / ptbxl.STATEMENT_TABLE
    if statements.is_file():
        shutil.copyfile(statements, output / ptbxl.STATEMENT_TABLE)
    else:
        _write_text(output / ptbxl.STATEMENT_TABLE, ptbxl.statement_table())
    paths = "".join(f"{path}\n" for row in taken for path in _rates(source, row))
    _write_text(output / ptbxl.RECORDS, paths)
    left_out = {
        "absent": len(rows) - len(present),
        "over_limit": len(present) - len(taken),
        "without_500_hz": sum(row.high not in _rates(source, row) for row in taken),
        "without_100_hz": sum(row.low not in _rates(source, row) for row in taken),
    }
    say(
        f"{len(rows)} rows in {ptbxl.DATABASE}: {left_out['absent']} without files, "
        f"{left_out['over_limit']} beyond ingest.records={params.records}, {len(taken)} taken "
        f"({left_out['without_500_hz']} without 500 Hz, {left_out['without_100_hz']} without 100 Hz)"
    )
    made = _make(taken, source, work, "copying")
    return [_index_row("ptb-xl", row, facts) for row, facts in zip(taken, made, strict=True)], left_out


def _make(
    items: Sequence[ptbxl.Row] | Sequence[RecordPlan], source: Path | None, work: Path, title: str
) -> list[dict[str, Any]]:
    """Make all records under work/records; what the index needs of each, in order."""
    starts = range(0, len(items), RECORDS_PER_CHUNK)
    chunks = [
        Chunk(number, work, source, items[i : i + RECORDS_PER_CHUNK]) for number, i in enumerate(starts)
    ]
    (work / "records").mkdir(parents=True, exist_ok=True)
    (work / "chunks").mkdir(exist_ok=True)
    open_chunks = [chunk for chunk in chunks if not chunk.mark.is_file()]
    if len(open_chunks) < len(chunks):
        say(f"going on: {len(chunks) - len(open_chunks)} of {len(chunks)} chunks of an earlier run are whole")
    todo = sum(len(chunk.items) for chunk in open_chunks)
    for _ in track(_finish(_make_chunk, open_chunks), total=todo, title=title, unit="records"):
        pass
    return [facts for chunk in chunks for facts in json.loads(chunk.mark.read_text(encoding="utf-8"))]


def _finish(function: Callable[[Chunk], int], chunks: Sequence[Chunk]) -> Iterator[None]:
    for count in in_order(function, chunks):
        yield from (None for _ in range(count))


def _make_chunk(chunk: Chunk) -> int:
    facts = []
    for item in chunk.items:
        if isinstance(item, RecordPlan):
            facts.append(_make_record(item, chunk.records))
        elif chunk.source is not None:
            facts.append(_copy_record(item, chunk.source, chunk.records))
    aside = chunk.mark.with_suffix(f".{os.getpid()}.tmp")
    aside.write_text(json.dumps(facts), encoding="utf-8")
    aside.replace(chunk.mark)
    return len(facts)


def _make_record(plan: RecordPlan, folder: Path) -> dict[str, Any]:
    signal_uv = simulate_record(plan)
    low, high = folder / plan.filename_lr, folder / plan.filename_hr
    low.parent.mkdir(parents=True, exist_ok=True)
    high.parent.mkdir(parents=True, exist_ok=True)
    write_record(low, lower_rate(signal_uv), ptbxl.LOW_HZ)
    sha256 = write_record(high, signal_uv, ptbxl.HIGH_HZ)
    return {"path": plan.filename_hr, "fs_hz": ptbxl.HIGH_HZ, "n_samples": len(signal_uv), "sha256": sha256}


def _copy_record(row: ptbxl.Row, source: Path, folder: Path) -> dict[str, Any]:
    """Copy the files of a record as they are; whether they can be read is for validation to say."""
    rates = _rates(source, row)
    for path in rates:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        for suffix in (".hea", ".dat"):
            if (source / (path + suffix)).is_file():
                shutil.copyfile(source / (path + suffix), folder / (path + suffix))
    path = rates[0]
    try:
        header = read_header(source / path)
        fs_hz, n_samples = header.fs_hz, header.n_samples
    except RecordError:
        fs_hz, n_samples = float(ptbxl.HIGH_HZ if path == row.high else ptbxl.LOW_HZ), 0
    samples = folder / (path + ".dat")
    sha256 = file_sha256(samples) if samples.is_file() else ""
    return {"path": path, "fs_hz": fs_hz, "n_samples": n_samples, "sha256": sha256}


def _rates(source: Path, row: ptbxl.Row) -> list[str]:
    """The record's paths that are there, 500 Hz first."""
    return [path for path in (row.high, row.low) if path and (source / (path + ".hea")).is_file()]


def _index_row(source: str, row: ptbxl.Row, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "record_id": f"{row.ecg_id:05d}",
        "source": source,
        "patient_id": row.patient_id,
        "age": row.age,
        "sex": row.sex,
        "fold": row.fold,
        "statements": row.statements(),
        "report": row.report,
        **facts,
    }


def _link(source: str, target: str) -> None:
    """Show a finished file in the output and keep it in the work folder too: a kill here costs nothing."""
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="")
