"""Any folder tree of WFDB or DICOM ECGs: any rate, length, lead order, spelling and unit.

A record that already is what we would write is copied to the byte. Any other is converted: format 16, the
twelve leads in order, in its own units if its numbers fit 16 bits. What is known of a record comes from
`labels.csv` at the top of the tree, from header comments, and from DICOM's patient module.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from twelvelead.data.archive import Archive, inside
from twelvelead.data.comments import Note, read_comments
from twelvelead.data.convert import convert_record, is_plain, own_scales
from twelvelead.data.dicom import read_dicom
from twelvelead.data.digest import file_sha256
from twelvelead.data.entry import Entry, Facts, Refusal, Taken, put
from twelvelead.data.folds import fold_of_patient
from twelvelead.data.header import Header
from twelvelead.data.snomed import sort_codes
from twelvelead.data.wfdb import read_header, read_record
from twelvelead.errors import DataError, RecordError

WFDB, DICOM = ".hea", ".dcm"
SOURCES = {"ptbxl_database.csv": "ptb-xl", "record_list.csv": "mimic-iv-ecg"}
_PATIENT_FOLDER = re.compile(r"(?:patient|subject)[-_]?\d+", re.IGNORECASE)  # as PTB has them


@dataclass(frozen=True, slots=True)
class Found:
    """One header or DICOM file of the tree, and what labels.csv says of it."""

    record_id: str
    name: str  # in the archive, with its suffix
    note: Note

    @property
    def path(self) -> str:
        """Where it shall lie, without suffix, below the output."""
        return f"records/{self.record_id}"


def find_records(archive: Archive, notes: Mapping[str, Note]) -> list[Found]:
    """All headers and DICOM files of the tree, by name.

    Record ids are paths without suffix, spelled so that a WFDB header can hold them, and unique.

    Raises:
        DataError: There are none, or the folder is a data set that has a source of its own.
    """
    for table, source in SOURCES.items():
        if archive.has(table):
            raise DataError(f"{table} is here", where=archive.name, fix=f"set ingest.source to {source}")
    names = [name for name in archive.names() if PurePosixPath(name).suffix.lower() in (WFDB, DICOM)]
    if not names:
        raise DataError("no .hea and no .dcm files here", where=archive.name, expected="WFDB or DICOM ECGs")
    stems = Counter(PurePosixPath(name).stem for name in names)
    taken: Counter[str] = Counter()
    found = []
    for name in names:
        bare = PurePosixPath(name).with_suffix("")
        plain = re.sub(r"[^A-Za-z0-9_/-]", "_", bare.as_posix())
        taken[plain] += 1
        record_id = plain if taken[plain] == 1 else f"{plain}-{taken[plain]}"
        note = notes.get(bare.as_posix()) or (notes.get(bare.name) if stems[bare.name] == 1 else None)
        found.append(Found(record_id, name, note or Note()))
    return found


def signal_files(root: Path, found: Found) -> list[str]:
    """The files that a header of the archive names; none for DICOM, and for a header that cannot be read."""
    if not _is_wfdb(found.name):
        return []
    try:
        header = read_header(inside(root, found.name).with_suffix(""))
    except RecordError:
        return []
    return [PurePosixPath(found.name).with_name(file).as_posix() for file in header.files]


def adopt(found: Found, root: Path, sums: Mapping[str, str], target: Path, *, link: bool) -> Taken:
    """Bring one record into the output; one that cannot be read is refused with its reason, and indexed.

    Args:
        found: The record.
        root: The archive's folder.
        sums: Published SHA-256 by file name, where there are any.
        target: The folder tree to fill.
        link: The archive is a copy of our own: link its files instead of copying them.
    """
    note = found.note
    facts: Facts = {"path": found.path, "fs_hz": math.nan, "n_samples": 0, "sha256": ""}
    refused: tuple[Refusal, ...] = ()
    try:
        file = inside(root, found.name)
        _require_published(found.name, root, sums)
        if _is_wfdb(found.name):
            header = read_header(file.with_suffix(""))
            note = _merged(note, read_comments(header.comments))
            for name in signal_files(root, found):
                inside(root, name)
                _require_published(name, root, sums)
            facts |= _take_wfdb(found, file.with_suffix(""), header, target, link=link)
        else:
            recording = read_dicom(file, found.record_id)
            seen = Note(
                recording.age, recording.sex, report=recording.report, patient_id=recording.patient_id
            )
            note = _merged(note, seen)
            record = recording.record
            (target / found.path).parent.mkdir(parents=True, exist_ok=True)
            sha256 = convert_record(record, target / found.path, recording.scales)
            facts |= {"fs_hz": record.fs_hz, "n_samples": record.n_samples, "sha256": sha256}
    except RecordError as fault:
        refused = (Refusal(found.record_id, found.name, fault.what),)
    return Taken(_entry(found, note).row() | facts, () if refused else (found.path,), refused)


def _take_wfdb(found: Found, source: Path, header: Header, target: Path, *, link: bool) -> Facts:
    path = target / found.path
    record = read_record(source)
    if is_plain(header, source.name) and source.name == path.name:
        for suffix in (".hea", ".dat"):
            put(source.with_name(source.name + suffix), path.with_name(path.name + suffix), link=link)
        sha256 = file_sha256(path.with_name(path.name + ".dat"))
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        sha256 = convert_record(record, path, own_scales(header, source.name))
    return {"fs_hz": record.fs_hz, "n_samples": record.n_samples, "sha256": sha256}


def _entry(found: Found, note: Note) -> Entry:
    likelihoods, other = sort_codes(note.codes)
    likelihoods |= {code: note.likelihoods[code] for code in likelihoods if code in note.likelihoods}
    folder = next((part for part in found.name.split("/")[:-1] if _PATIENT_FOLDER.fullmatch(part)), "")
    patient = note.patient_id or folder or found.record_id
    return Entry(
        record_id=found.record_id,
        paths=(found.path,),
        patient_id=patient,
        fold=note.fold or fold_of_patient(patient),
        age=note.age,
        sex=note.sex,
        likelihoods=likelihoods,
        report=note.report,
        other_codes=tuple(other),
    )


def _merged(table: Note, file: Note) -> Note:
    """What the table says, completed by what the file says; codes and reports of both."""
    texts = dict.fromkeys(text for text in (table.report, file.report) if text)
    return replace(
        table,
        age=file.age if math.isnan(table.age) else table.age,
        sex=table.sex or file.sex,
        codes=tuple(dict.fromkeys((*table.codes, *file.codes))),
        report="\n".join(texts),
        patient_id=table.patient_id or file.patient_id,
    )


def _require_published(name: str, root: Path, sums: Mapping[str, str]) -> None:
    file = root / name
    if name in sums and file.is_file() and file_sha256(file) != sums[name]:
        raise RecordError(f"the SHA-256 of {name} is not the one in SHA256SUMS.txt", where=name)


def _is_wfdb(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() == WFDB
