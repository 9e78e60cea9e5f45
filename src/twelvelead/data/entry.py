"""One record of a source on its way into the index, whatever the source."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twelvelead.data.archive import inside
from twelvelead.data.digest import file_sha256
from twelvelead.data.wfdb import read_header
from twelvelead.errors import RecordError

Facts = dict[str, Any]
OVER_89_YEARS = 90.0  # stands for every greater age: PTB-XL writes 300, MIMIC-IV 91


@dataclass(frozen=True, slots=True)
class Entry:
    """What a source's tables say of a record, and where its files are.

    Attributes:
        paths: Its records in the archive, without suffix, the one to index first; each is copied as it is.
        likelihoods: By SCP statement; every key counts as a positive.
    """

    record_id: str
    paths: tuple[str, ...]
    patient_id: str
    fold: int
    age: float = math.nan  # years
    sex: str = ""  # "male", "female" or ""
    likelihoods: Mapping[str, float] = field(default_factory=dict)
    report: str = ""
    other_codes: tuple[str, ...] = ()
    told: Mapping[str, str] = field(default_factory=dict)  # of index.TOLD

    def row(self) -> Facts:
        """Its cells of the index, without those that follow from the signal."""
        return {
            "record_id": self.record_id,
            "patient_id": self.patient_id,
            "age": self.age,
            "sex": self.sex,
            "fold": self.fold,
            "statements": [{"code": code, "likelihood": value} for code, value in self.likelihoods.items()],
            "report": self.report,
            "other_codes": list(self.other_codes),
            **self.told,
        }


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that ingest did not take, and why: one line of rejected.csv."""

    record_id: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A record in place: its row of the index, its paths in the output, and what of it was refused."""

    row: Facts
    paths: tuple[str, ...]
    refused: tuple[Refusal, ...] = ()


def capped_age(years: float) -> float:
    """A plausible age above 89 as 90; anything else as it is, for validation to judge."""
    return OVER_89_YEARS if 89 < years <= 120 else years


def copy_entry(entry: Entry, root: Path, sums: Mapping[str, str], target: Path, *, link: bool) -> Taken:
    """Copy the files of a record as they are; whether they can be read is for validation to say.

    Only what leads out of the archive, or is provably not the publisher's file, is left behind: a link to
    elsewhere, a SHA-256 that is not the published one.

    Args:
        entry: The record.
        root: The archive's folder.
        sums: Published SHA-256 by file name, where there are any.
        target: The folder tree to fill.
        link: The archive is a copy of our own: link its files instead of copying them again.
    """
    refused = []
    for path in entry.paths:
        if fault := _copy_files(path, root, sums, target, link=link):
            refused.append(Refusal(entry.record_id, *fault))
    path = entry.paths[0]
    samples = target / f"{path}.dat"
    facts: Facts = {"path": path, "fs_hz": math.nan, "n_samples": 0}
    facts["sha256"] = file_sha256(samples) if samples.is_file() else ""
    try:
        header = read_header(target / path)
        facts |= {"fs_hz": header.fs_hz, "n_samples": header.n_samples}
    except RecordError:
        pass  # validation says why
    left = {refusal.path.rpartition(".")[0] for refusal in refused}
    return Taken(entry.row() | facts, tuple(path for path in entry.paths if path not in left), tuple(refused))


def _copy_files(
    path: str, root: Path, sums: Mapping[str, str], target: Path, *, link: bool
) -> tuple[str, str] | None:
    """Copy the header and samples of one record, or neither; the file that forbids it and the reason."""
    files = []
    for suffix in (".hea", ".dat"):
        name = path + suffix
        try:
            file = inside(root, name)
            if not file.is_file():
                continue
            if name in sums and file_sha256(file) != sums[name]:
                return name, "its SHA-256 is not the one in SHA256SUMS.txt"
        except RecordError as fault:
            return name, fault.what
        files.append((file, target / name))
    for file, copy in files:
        put(file, copy, link=link)
    return None


def put(file: Path, copy: Path, *, link: bool) -> None:
    """Make `copy` hold what `file` holds, as a link if that is allowed and possible."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    if link:
        try:
            copy.unlink(missing_ok=True)
            copy.hardlink_to(file)
            return
        except OSError:  # another file system, or one without links
            pass
    shutil.copyfile(file, copy)
