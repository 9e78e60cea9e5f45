"""Which records of a real source are taken, with their tables in the output and their files at hand."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from twelvelead.data import labels, mimic, ptbxl
from twelvelead.data.archive import Archive, inside
from twelvelead.data.digest import SUMS, file_sha256, read_sums
from twelvelead.data.entry import Entry, Refusal
from twelvelead.data.folder import Found, find_records, signal_files
from twelvelead.errors import DataError
from twelvelead.progress import say


@dataclass(frozen=True, slots=True)
class Taking:
    """The records to bring in, in the order of the index.

    Attributes:
        source: What the index calls it.
        sums: Published SHA-256 of their files, where the source has any.
        left_out: Counts of what is not taken, and why.
        refused: Rows of its tables that cannot be read.
    """

    source: str
    items: Sequence[Entry] | Sequence[Found]
    sums: dict[str, str]
    left_out: dict[str, int] = field(default_factory=dict)
    refused: Sequence[Refusal] = ()


def take_ptbxl(archive: Archive, output: Path, records: int, rate_hz: int) -> Taking:
    """PTB-XL, or a part of it, in its own layout.

    Raises:
        DataError: It is no PTB-XL folder, its table is malformed, or none of its records is there.
    """
    if not archive.has(ptbxl.DATABASE):
        raise DataError(
            f"no {ptbxl.DATABASE} here",
            where=archive.name,
            expected="PTB-XL's layout: ptbxl_database.csv, scp_statements.csv, records500/, records100/",
        )
    sums = _tables(archive, (ptbxl.DATABASE, ptbxl.STATEMENT_TABLE))
    malformed: list[ptbxl.Malformed] = []
    header, rows = ptbxl.read_database(inside(archive.root, ptbxl.DATABASE), malformed)

    def rates(row: ptbxl.Row) -> list[str]:
        asked = [row.high] * (rate_hz != ptbxl.LOW_HZ) + [row.low] * (rate_hz != ptbxl.HIGH_HZ)
        return [path for path in asked if path and archive.has(f"{path}.hea")]

    there = sorted(((row, rates(row)) for row in rows), key=lambda pair: pair[0].ecg_id)
    present = [(row, paths) for row, paths in there if paths]
    if not present:
        raise DataError(
            f"none of the {len(rows)} records of the table is here"
            + (f" at {rate_hz} Hz" if rate_hz else ""),
            where=archive.name,
            expected=f"files such as {rows[0].high if rows else 'records500/00000/00001_hr'}.hea",
        )
    taken = present[:records]
    _write_text(output / ptbxl.DATABASE, header + "".join(row.text for row, _ in taken))
    if archive.has(ptbxl.STATEMENT_TABLE):
        shutil.copyfile(inside(archive.root, ptbxl.STATEMENT_TABLE), output / ptbxl.STATEMENT_TABLE)
    else:
        _write_text(output / ptbxl.STATEMENT_TABLE, ptbxl.statement_table())
    left_out = {
        "malformed": len(malformed),
        "absent": len(rows) - len(present),
        "over_limit": len(present) - len(taken),
        "without_500_hz": sum(row.high not in paths for row, paths in taken),
        "without_100_hz": sum(row.low not in paths for row, paths in taken),
    }
    say(
        f"{len(rows)} rows in {ptbxl.DATABASE}: {left_out['absent']} without files, "
        f"{left_out['over_limit']} beyond ingest.records={records}, {len(taken)} taken "
        f"({left_out['without_500_hz']} without 500 Hz, {left_out['without_100_hz']} without 100 Hz)"
    )
    entries = [
        Entry(
            record_id=f"{row.ecg_id:05d}",
            paths=tuple(paths),
            patient_id=row.patient_id,
            fold=row.fold,
            age=row.age,
            sex=row.sex,
            likelihoods=row.likelihoods,
            report=row.report,
            told=row.told,
        )
        for row, paths in taken
    ]
    last = taken[-1][0].ecg_id if left_out["over_limit"] else None
    refused = _refused(archive, malformed, {row.ecg_id for row in rows}, last)
    return Taking("ptb-xl", entries, _fetch_entries(archive, entries, sums), left_out, refused)


def _refused(
    archive: Archive, malformed: Iterable[ptbxl.Malformed], known: set[int], last: int | None
) -> list[Refusal]:
    """The malformed rows as refusals, without those whose records would not have been taken anyway.

    Args:
        archive: Tells whether their files are there.
        malformed: The rows.
        known: ecg_ids of the other rows.
        last: The highest ecg_id taken, where a limit left out what lies above.
    """
    refused = []
    for row in malformed:
        number = int(row.ecg_id) if row.ecg_id.isdecimal() else None
        beyond = last is not None and number is not None and number > last
        absent = bool(row.paths) and not any(archive.has(f"{path}.hea") for path in row.paths)
        if not (beyond or absent):
            name = f"line-{row.line}" if number is None or number in known else f"{number:05d}"
            refused.append(Refusal(name, f"{ptbxl.DATABASE}:{row.line}", f"malformed row: {row.reason}"))
    return refused


def take_mimic(archive: Archive, records: int) -> Taking:
    """MIMIC-IV-ECG, or the part of it that is there, in its own layout.

    Raises:
        DataError: It is no MIMIC-IV-ECG folder, a table is malformed, or none of its records is there.
    """
    needed = (mimic.RECORD_LIST, mimic.MEASUREMENTS)
    if absent := [name for name in needed if not archive.has(name)]:
        raise DataError(
            f"no {' and no '.join(absent)} here",
            where=archive.name,
            expected="MIMIC-IV-ECG's layout: record_list.csv, machine_measurements.csv, files/",
        )
    sums = _tables(archive, (*needed, mimic.PATIENTS))
    listed = mimic.studies(archive.root)
    taken: list[mimic.Study] = []
    looked_at = 0
    for study in listed:  # no further than needed: the whole set is 800,000 records in 1,700 listings
        if len(taken) == records:
            break
        looked_at += 1
        if archive.has(f"{study[-1]}.hea"):
            taken.append(study)
    if not taken:
        raise DataError(
            f"none of the {len(listed)} records of the list is here",
            where=archive.name,
            expected=f"files such as {listed[0][-1] if listed else 'files/p1000/…'}.hea",
        )
    entries, unmapped = mimic.entries(archive.root, taken)
    left_out = {
        "absent": looked_at - len(taken),
        "over_limit": len(listed) - looked_at,
        "report_lines_without_statement": unmapped,
    }
    say(
        f"{len(listed)} rows in {mimic.RECORD_LIST}: {left_out['absent']} without files, "
        f"{left_out['over_limit']} beyond ingest.records={records}, {len(taken)} taken; "
        f"{unmapped} report lines name none of the 71 statements"
    )
    return Taking("mimic-iv-ecg", entries, _fetch_entries(archive, entries, sums), left_out)


def take_folder(archive: Archive, records: int) -> Taking:
    """Any tree of WFDB or DICOM ECGs.

    Raises:
        DataError: It holds none, labels.csv is malformed, or it is a data set with a source of its own.
    """
    sums = _tables(archive, (labels.FILE,))
    notes = labels.read_labels(inside(archive.root, labels.FILE)) if archive.has(labels.FILE) else {}
    found = find_records(archive, notes)
    taken = found[:records]
    archive.fetch((item.name for item in taken), sums)
    signals = [name for item in taken for name in signal_files(archive.root, item) if archive.has(name)]
    archive.fetch(signals, sums)
    left_out = {"over_limit": len(found) - len(taken)}
    say(f"{len(found)} headers and DICOM files, {len(taken)} taken")
    name = PurePosixPath(archive.name.rstrip("/")).name
    return Taking(f"folder:{name}", taken, sums, left_out)


def _tables(archive: Archive, names: Iterable[str]) -> dict[str, str]:
    """Bring the tables that are there, and SHA256SUMS.txt; its digests.

    Raises:
        DataError: A table is not the published one, not even when fetched again.
    """
    archive.fetch([SUMS] if archive.has(SUMS) else [])
    sums = read_sums(inside(archive.root, SUMS)) if archive.has(SUMS) else {}
    there = [name for name in names if archive.has(name)]
    archive.fetch(there, sums)
    for name in there:
        if name in sums and file_sha256(inside(archive.root, name)) != sums[name]:
            raise DataError(
                f"the SHA-256 of {name} is not the one in {SUMS}",
                where=archive.name,
                fix=f"fetch it again, or take its line out of {SUMS} if it was changed on purpose",
            )
    return sums


def _fetch_entries(archive: Archive, entries: Sequence[Entry], sums: dict[str, str]) -> dict[str, str]:
    """Bring the files of the entries; their part of the digests."""
    names = [f"{path}{suffix}" for entry in entries for path in entry.paths for suffix in (".hea", ".dat")]
    archive.fetch((name for name in names if archive.has(name)), sums)
    return {name: sums[name] for name in names if name in sums}


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="")
