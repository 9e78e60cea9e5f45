"""What can be measured of one record: the columns that validation adds to the index, and its plain faults."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa

from twelvelead.data.pack import exists, read_bytes
from twelvelead.data.wfdb import read_record
from twelvelead.ecg.measure import SCALARS, measure
from twelvelead.ecg.record import Record
from twelvelead.errors import RecordError
from twelvelead.validation.electrodes import limb_reversal
from twelvelead.validation.signal import SIGNAL_FACTS, Signal, bridged, signal_facts
from twelvelead.validation.twin import TWIN_FACTS, compare, twin_of

FACTS = (*SIGNAL_FACTS, *TWIN_FACTS, *SCALARS)
FACT_FIELDS = [pa.field(name, pa.float32()) for name in FACTS]  # yes and no are 1 and 0, unknown is NaN
FILE_FAULTS = (
    "unreadable",
    "changed",
    "header_index",
    "header_rate",
    "path_mismatch",
    "rates_unreadable",
    "limb_reversal",
    "chest_swap",
)
"""Faults that are told in words: each is a column of the table that suites/records.yaml speaks of."""
WAVES = ("p_mv", "q_mv", "r_mv", "s_mv", "st_mv", "t_mv")
WAVE_FIELDS = [pa.field(name, pa.list_(pa.float32())) for name in WAVES]  # twelve, in the order of LEADS

Facts = dict[str, float]
_PLACE = re.compile(r"records(?P<rate>\d+)/\d+/(?P<number>\d+)_[hl]r")


@dataclass(frozen=True, slots=True)
class Listed:
    """What the index says of a record."""

    record_id: str
    path: str  # relative to the records folder, without suffix
    fs_hz: float
    n_samples: int  # 0 where ingest could not read the header
    sha256: str


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in its files.

    Attributes:
        facts: A number for each of FACTS, NaN where unknown.
        faults: Code of FILE_FAULTS → what is wrong, in words.
        waves: Height of each of WAVES in each lead, mV; empty where nothing was measured.
        signal_hash: Of the samples in microvolts, leads in the order of LEADS; "" if unreadable.
    """

    facts: Facts
    faults: dict[str, str] = field(default_factory=dict)
    signal_hash: str = ""
    waves: dict[str, list[float]] = field(default_factory=dict)


def facts_of(folder: Path, listed: Listed, *, measured: bool = True) -> Found:
    """Read and measure one record of a records folder.

    Args:
        folder: The records folder.
        listed: What the index says of the record.
        measured: Also measure rate, intervals and axis (`ecg.measure`), which costs more than all the rest.
    """
    place = folder / listed.path
    faults = {"path_mismatch": odd} if (odd := _misplaced(listed)) else {}
    try:
        record = read_record(place)
    except RecordError as fault:
        return Found(no_facts(), {"unreadable": fault.what, **faults})
    faults |= _disagreements(place, listed, record)
    signal_mv = record.signal_mv
    missing = np.isnan(signal_mv)
    whole = bridged(signal_mv, missing) if missing.any() else signal_mv
    facts, swap = signal_facts(whole, float(missing.mean()), record.fs_hz)
    if swap:
        faults["chest_swap"] = swap
    twin, broken = _twin(folder, listed, whole, record.fs_hz)
    if broken:
        faults["rates_unreadable"] = broken
    scalars = dict.fromkeys(SCALARS, math.nan)
    waves: dict[str, list[float]] = {}
    if measured:
        values = measure(whole, record.fs_hz)
        scalars |= {name: _number(getattr(values, name)) for name in SCALARS}
        waves = {name: getattr(values, name).tolist() for name in WAVES}
        if reversal := limb_reversal(values, whole):
            faults["limb_reversal"] = reversal
    return Found({**facts, **twin, **scalars}, faults, hash_of(signal_mv), waves)


def no_facts() -> Facts:
    """The facts of a record that cannot be read: all unknown, no leads."""
    return dict.fromkeys(FACTS, math.nan) | {"n_leads": 0.0}


def hash_of(signal_mv: Signal) -> str:
    """A hash of the samples, so that the same recording under another name, gain or format is known again."""
    microvolts = np.rint(signal_mv * np.float32(1000)) + np.float32(0)  # -0 becomes 0; NaN stays NaN
    return hashlib.blake2b(microvolts.astype("<f4", copy=False).data, digest_size=16).hexdigest()


def _misplaced(listed: Listed) -> str:
    match = _PLACE.fullmatch(PurePosixPath(listed.path).as_posix())
    if not match or not listed.record_id.isdecimal() or int(match["number"]) == int(listed.record_id):
        return ""
    return f"its files are those of record {match['number']}: {listed.path}"


def _disagreements(place: Path, listed: Listed, record: Record) -> dict[str, str]:
    """Where the files, the index and the folder's name contradict each other."""
    faults = {}
    samples = place.with_name(place.name + ".dat")
    if listed.sha256 and exists(samples) and hashlib.sha256(read_bytes(samples)).hexdigest() != listed.sha256:
        faults["changed"] = f"{samples.name} is not the file that was ingested: its SHA-256 differs"
    found = (record.fs_hz, record.n_samples)
    if listed.n_samples and (abs(found[0] - listed.fs_hz) > 0.01 or found[1] != listed.n_samples):
        faults["header_index"] = (
            f"{found[0]:g} Hz and {found[1]} samples; "
            f"the index says {listed.fs_hz:g} Hz and {listed.n_samples}"
        )
    match = _PLACE.fullmatch(listed.path)
    if match and float(match["rate"]) != record.fs_hz:
        faults["header_rate"] = f"{record.fs_hz:g} Hz in a folder of {match['rate']} Hz records"
    return faults


def _twin(folder: Path, listed: Listed, whole: Signal, fs_hz: float) -> tuple[Facts, str]:
    other = twin_of(listed.path)
    nothing = dict.fromkeys(TWIN_FACTS, math.nan)
    if not other or not exists(folder / (other + ".hea")):
        return nothing, ""
    try:
        record = read_record(folder / other)
    except RecordError as fault:
        return nothing, f"{other}: {fault.what}"
    return compare(whole, fs_hz, record.signal_mv, record.fs_hz), ""


def _number(value: float | bool | None) -> float:
    return math.nan if value is None else float(value)
