"""Which records are not used and why, and which are used in spite of a warning."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from twelvelead.data.shard import write_parquet
from twelvelead.errors import DataError
from twelvelead.validation.expectations import Finding

FILE, WARNINGS_FILE = "quarantine.parquet", "warnings.parquet"
REJECTED_FILE = "rejected.csv"  # of ingest: record_id, path, reason
SCHEMA = pa.schema(
    [
        ("record_id", pa.string()),
        ("codes", pa.list_(pa.string())),  # of suites/records.yaml
        ("reasons", pa.list_(pa.string())),  # one a code, in words
    ]
)


@dataclass(frozen=True, slots=True)
class Doubt:
    """What stands against one record."""

    record_id: str
    codes: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A file that ingest left behind, and why."""

    record_id: str
    path: str
    reason: str

    def is_of(self, path: str) -> bool:
        """Whether the record at `path` (no suffix) misses it; else it is a file of its other rate."""
        return not self.path or self.path.rpartition(".")[0] in ("", path) or self.path == path


def doubts(findings: Iterable[Finding], record_ids: Sequence[str]) -> dict[int, Doubt]:
    """Findings gathered by row; rows ascending, rules in their order."""
    rows: dict[int, list[Finding]] = {}
    for finding in findings:
        rows.setdefault(finding.row, []).append(finding)
    return {
        row: Doubt(record_ids[row], tuple(f.code for f in found), tuple(f.reason for f in found))
        for row, found in sorted(rows.items())
    }


def read_rejected(records: Path) -> list[Rejected]:
    """What ingest rejected; empty if it left no list.

    Raises:
        DataError: The list is malformed.
    """
    path = records / REJECTED_FILE
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    if any(row.get(name) is None for row in rows for name in ("record_id", "path", "reason")):
        raise DataError(
            "the list of rejected records is malformed", where=str(path), expected="record_id,path,reason"
        )
    return [Rejected(row["record_id"], row["path"], row["reason"]) for row in rows]


def write_doubts(found: Iterable[Doubt], path: Path) -> None:
    """Write record ids with their codes and reasons."""
    rows = [{"record_id": d.record_id, "codes": list(d.codes), "reasons": list(d.reasons)} for d in found]
    write_parquet(pa.Table.from_pylist(rows, schema=SCHEMA), path)
