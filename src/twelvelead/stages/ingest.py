"""Records into one folder, with their index: simulated patients, PTB-XL, MIMIC-IV-ECG, or any folder of ECGs.

Records are made in chunks. A finished chunk stays in the work folder, with a mark that names what it holds,
so a killed ingest goes on behind the last mark; chunks depend on the records alone, never on the workers.
What a bucket gave stays in the work folder too.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from twelvelead.data import index, ptbxl
from twelvelead.data.archive import open_archive
from twelvelead.data.digest import SUMS, read_sums
from twelvelead.data.entry import Entry, copy_entry
from twelvelead.data.folder import Found, adopt
from twelvelead.data.pack import VOLUME_MB, pack
from twelvelead.data.pool import in_order
from twelvelead.data.revision import bring, is_revision
from twelvelead.data.sources import Taking, take_folder, take_mimic, take_ptbxl
from twelvelead.data.wfdb import write_record
from twelvelead.params import Ingest
from twelvelead.progress import say, track
from twelvelead.simulate.plan import RecordPlan

RECORDS_PER_CHUNK = 25  # about a third of a second of simulation: little to lose, little to coordinate
REJECTED = "rejected.csv"  # files that were left behind, and why; validation quarantines their records
WEIGHTS = "sampling_weight.csv"  # simulated records: a weighted count is one of the natural population
SHOWN_CODES = 30
Summary = dict[str, Any]
Items = Sequence[RecordPlan] | Sequence[Entry] | Sequence[Found]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some neighbouring records, made in one go by one worker.

    Attributes:
        root: The source's folder; unused for plans.
        link: The source's files are a copy of ours.
        rates_hz: Rates to simulate.
    """

    number: int
    work: Path
    items: Items
    root: Path
    link: bool = False
    rates_hz: tuple[int, ...] = (ptbxl.HIGH_HZ, ptbxl.LOW_HZ)

    @property
    def records(self) -> Path:
        """The folder tree that all chunks fill."""
        return self.work / "records"

    @property
    def mark(self) -> Path:
        """The file that says that this chunk is whole; its name tells these records from others."""
        key = zlib.crc32(" ".join(_key(item) for item in self.items).encode())
        return self.work / "chunks" / f"{self.number:06d}-{key:08x}.json"


def ingest(inputs: Mapping[str, Path], output: Path, params: Ingest, work: Path) -> Summary:
    """Fill `output` with records, tables and index.parquet; a real source also gives rejected.csv.

    Returns:
        Counts: records, patients, records per fold; for a real source also what was left out and why, how
        many statements were found, and which codes stand for none of the 71.

    Raises:
        SetupError: The source's folder does not exist, or S3 cannot be read.
        DataError: It is not what `source` says, a table is malformed, or none of its records is there.
    """
    if params.source == "simulate":
        source, made = "simulated", _simulate(params, output, work)
        left_out: Summary = {}
    else:
        path = params.path
        if is_revision(path):
            place, origin = bring(path, work / "revision")
            origin.write(output)
            path = str(place)
        archive = open_archive(path, work, anonymous=params.anonymous)
        if params.source == "ptb-xl":
            taking = take_ptbxl(archive, output, params.records, params.rate_hz)
        elif params.source == "mimic-iv-ecg":
            taking = take_mimic(archive, params.records)
        else:
            taking = take_folder(archive, params.records)
        source, made = taking.source, _bring(taking, archive.root, archive.passing, output, work)
        left_out = taking.left_out | _told(made)
    _show(work / "records", output, packed=params.pack)
    rows = [item["row"] | {"source": source} for item in made]
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
    from twelvelead.simulate.population import draw_population

    say(f"drawing {params.records} simulated records")
    plans = draw_population(params.records, params.seed, params.prevalence)
    rates_hz = tuple(rate for rate in (ptbxl.HIGH_HZ, ptbxl.LOW_HZ) if params.rate_hz in (0, rate))
    made = _make(plans, work, "simulating", Path(), rates_hz=rates_hz)
    _write_text(output / ptbxl.DATABASE, ptbxl.HEADER + "".join(item["text"] for item in made))
    _write_text(output / ptbxl.STATEMENT_TABLE, ptbxl.statement_table())
    _, rows = ptbxl.read_database(output / ptbxl.DATABASE)
    names = ((row.high, row.low) if len(rates_hz) == 2 else _of_rate(row, rates_hz[0]) for row in rows)
    _write_text(output / ptbxl.RECORDS, "".join(f"{name}\n" for both in names for name in both))
    weights = (f"{plan.ecg_id},{plan.sampling_weight:.6f}\n" for plan in plans)
    _write_text(output / WEIGHTS, "ecg_id,weight\n" + "".join(weights))
    for row, item in zip(rows, made, strict=True):
        item["row"] |= {
            "record_id": f"{row.ecg_id:05d}",
            "patient_id": row.patient_id,
            "age": row.age,
            "sex": row.sex,
            "fold": row.fold,
            "statements": row.statements(),
            "report": row.report,
            "other_codes": [],
            **row.told,
        }
    return made


def _bring(taking: Taking, root: Path, link: bool, output: Path, work: Path) -> list[dict[str, Any]]:
    work.mkdir(parents=True, exist_ok=True)
    _write_text(work / SUMS, "".join(f"{digest}  {name}\n" for name, digest in taking.sums.items()))
    made = _make(taking.items, work, "copying", root, link=link)
    paths = [path for item in made for path in item["paths"]]
    _write_text(output / ptbxl.RECORDS, "".join(f"{path}\n" for path in paths))
    refused = [asdict(refusal) for refusal in taking.refused]
    refused += [refusal for item in made for refusal in item["refused"]]
    with (output / REJECTED).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ["record_id", "path", "reason"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(refused)
    for refusal in refused:
        say(f"left behind: {refusal['path']}: {refusal['reason']}")
    return made


def _told(made: Iterable[Mapping[str, Any]]) -> Summary:
    """What a real source holds, for the summary."""
    rows = [item["row"] for item in made]
    statements = Counter(statement["code"] for row in rows for statement in row["statements"])
    other = Counter(code for row in rows for code in row["other_codes"])
    return {
        "rejected": sum(bool(item["refused"]) for item in made),
        "records_without_statement": sum(not row["statements"] for row in rows),
        "statements": sum(statements.values()),
        "different_statements": len(statements),
        "unmapped_codes": sum(other.values()),
        "most_unmapped_codes": dict(other.most_common(SHOWN_CODES)),
    }


def _make(
    items: Items,
    work: Path,
    title: str,
    root: Path,
    *,
    link: bool = False,
    rates_hz: tuple[int, ...] = (),
) -> list[dict[str, Any]]:
    """Make all records under work/records; what is to be known of each, in order."""
    starts = range(0, len(items), RECORDS_PER_CHUNK)
    chunks = [
        Chunk(number, work, items[start : start + RECORDS_PER_CHUNK], root, link, rates_hz)
        for number, start in enumerate(starts)
    ]
    (work / "records").mkdir(parents=True, exist_ok=True)
    (work / "chunks").mkdir(exist_ok=True)
    open_chunks = [chunk for chunk in chunks if not chunk.mark.is_file()]
    if len(open_chunks) < len(chunks):
        say(f"going on: {len(chunks) - len(open_chunks)} of {len(chunks)} chunks of an earlier run are whole")
    todo = sum(len(chunk.items) for chunk in open_chunks)
    for _ in track(_finish(_make_chunk, open_chunks), total=todo, title=title, unit="records"):
        pass
    return [known for chunk in chunks for known in json.loads(chunk.mark.read_text(encoding="utf-8"))]


def _finish(function: Callable[[Chunk], int], chunks: Sequence[Chunk]) -> Iterator[None]:
    for count in in_order(function, chunks):
        yield from (None for _ in range(count))


def _make_chunk(chunk: Chunk) -> int:
    known = []
    for item in chunk.items:
        if isinstance(item, RecordPlan):
            known.append(_simulate_record(item, chunk))
            continue
        published = chunk.work / SUMS
        sums = _sums(published, published.stat().st_mtime_ns)
        if isinstance(item, Entry):
            taken = copy_entry(item, chunk.root, sums, chunk.records, link=chunk.link)
        else:
            taken = adopt(item, chunk.root, sums, chunk.records, link=chunk.link)
        known.append(asdict(taken))
    aside = chunk.mark.with_suffix(f".{os.getpid()}.tmp")
    aside.write_text(json.dumps(known), encoding="utf-8")
    aside.replace(chunk.mark)
    return len(known)


def _simulate_record(plan: RecordPlan, chunk: Chunk) -> dict[str, Any]:
    """Settle what the record shows, write its samples, and return its row of the table."""
    from twelvelead.simulate.population import complete
    from twelvelead.simulate.record import lower_rate, simulate_record

    plan = complete(plan)
    signal_uv = simulate_record(plan)
    facts: dict[str, Any] = {}
    for rate_hz in sorted(chunk.rates_hz):  # the highest last: it is the one that the index names
        path = plan.filename_hr if rate_hz == ptbxl.HIGH_HZ else plan.filename_lr
        samples = signal_uv if rate_hz == ptbxl.HIGH_HZ else lower_rate(signal_uv)
        (chunk.records / path).parent.mkdir(parents=True, exist_ok=True)
        sha256 = write_record(chunk.records / path, samples, rate_hz)
        facts = {"path": path, "fs_hz": rate_hz, "n_samples": len(samples), "sha256": sha256}
    return {"row": facts, "text": ptbxl.format_row(plan.row())}


def _of_rate(row: ptbxl.Row, rate_hz: int) -> tuple[str]:
    return (row.high if rate_hz == ptbxl.HIGH_HZ else row.low,)


def _key(item: RecordPlan | Entry | Found) -> str:
    return str(item.ecg_id) if isinstance(item, RecordPlan) else item.record_id


@lru_cache(maxsize=1)
def _sums(path: Path, _written_ns: int) -> dict[str, str]:
    """The digests, read once a process: the second argument tells another run's file from this one."""
    return read_sums(path)


def _show(records: Path, output: Path, *, packed: bool) -> None:
    if packed:
        say(f"packing into volumes of {VOLUME_MB} MB")
        pack(records, output)
    shutil.copytree(
        records,
        output,
        copy_function=_link,
        dirs_exist_ok=True,
        ignore=lambda _, names: [name for name in names if packed and (records / name).is_dir()],
    )


def _link(source: str, target: str) -> None:
    """Show a finished file in the output and keep it in the work folder too: a kill here costs nothing."""
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="")
