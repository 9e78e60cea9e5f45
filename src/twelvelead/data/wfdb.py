"""WFDB records on disk: a fast reader and writer for format 16, the `wfdb` library for everything else.

The writer makes the very bytes that `wfdb.wrsamp` makes for PTB-XL's layout, several times faster. The reader
checks what a broken download breaks: file size, checksums, lead names.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from twelvelead.ecg.lead import LEADS, WFDB_LEADS
from twelvelead.ecg.record import Record
from twelvelead.errors import RecordError

GAIN_PER_MV = 1000  # PTB-XL: 1 µV a unit
MISSING = -32768  # format 16's "no sample here" (WFDB signal(5))
DEFAULT_GAIN_PER_MV = 200.0  # header(5): what a gain of 0 or none stands for
UNITS_IN_MV = {"v": 1000.0, "mv": 1.0, "uv": 0.001, "µv": 0.001, "nv": 1e-6}
_FORMAT = re.compile(r"(?P<number>\d+)(?:x(?P<per_frame>\d+))?(?::(?P<skew>\d+))?(?:\+(?P<offset>\d+))?")
_GAIN = re.compile(r"(?P<gain>[-+.\deE]+)(?:\((?P<baseline>-?\d+)\))?(?:/(?P<unit>\S+))?")


@dataclass(frozen=True, slots=True)
class Channel:
    """One signal line of a header."""

    file: str
    format: str  # as written, e.g. "16" or "16+24"
    gain_per_mv: float
    baseline: int
    checksum: int | None
    name: str


@dataclass(frozen=True, slots=True)
class Header:
    """What a .hea file says."""

    fs_hz: float
    n_samples: int  # 0 where the header leaves it out
    channels: tuple[Channel, ...]


def encode(name: str, signal_uv: npt.NDArray[np.int16], fs_hz: float) -> tuple[bytes, bytes]:
    """The .hea and .dat bytes of a record, as `wfdb.wrsamp` would write them in PTB-XL's format.

    Args:
        name: Record name, without folder or suffix.
        signal_uv: (n, 12) int16 samples in microvolts, leads in LEADS order.
        fs_hz: Sampling rate.

    Raises:
        RecordError: The samples have another shape or type.
    """
    if (
        signal_uv.dtype != np.int16
        or signal_uv.ndim != 2
        or signal_uv.shape[1] != len(LEADS)
        or not len(signal_uv)
    ):
        raise RecordError(
            f"cannot write samples of shape {signal_uv.shape} and type {signal_uv.dtype}",
            where=name, expected=f"(n, {len(LEADS)}) int16",
        )  # fmt: skip
    rate = int(fs_hz) if float(fs_hz).is_integer() else fs_hz
    checksums = signal_uv.sum(axis=0, dtype=np.int64) % 65536
    lines = [f"{name} {len(LEADS)} {rate} {len(signal_uv)}"]
    lines += [
        f"{name}.dat 16 {GAIN_PER_MV:.1f}(0)/mV 16 0 {first} {checksum} 0 {lead}"
        for lead, first, checksum in zip(WFDB_LEADS, signal_uv[0], checksums, strict=True)
    ]
    return ("\n".join(lines) + "\n").encode("ascii"), np.ascontiguousarray(signal_uv, dtype="<i2").tobytes()


def write_record(path: Path, signal_uv: npt.NDArray[np.int16], fs_hz: float) -> str:
    """Write `path`.hea and .dat (`path` has no suffix), see `encode`; return the SHA-256 of the .dat."""
    header, samples = encode(path.name, signal_uv, fs_hz)
    path.with_name(path.name + ".dat").write_bytes(samples)
    path.with_name(path.name + ".hea").write_bytes(header)
    return hashlib.sha256(samples).hexdigest()


def read_header(path: Path) -> Header:
    """Read `path`.hea (`path` has no suffix).

    Raises:
        RecordError: It is missing, malformed, or names a file outside its own folder.
    """
    where = f"{path.name}.hea"
    try:
        text = path.with_name(where).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RecordError("the header file is missing", where=where) from None
    except (OSError, UnicodeDecodeError) as fault:
        raise RecordError(f"the header cannot be read: {fault}", where=where) from None
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    try:
        first = lines[0].split()
        n_signals = int(first[1])
        fs_hz = (
            float(first[2].split("/")[0].split("(")[0]) if len(first) > 2 else 250.0
        )  # header(5)'s default
        n_samples = int(first[3]) if len(first) > 3 else 0
        channels = tuple(_channel(line) for line in lines[1 : 1 + n_signals])
    except (IndexError, ValueError) as fault:
        raise RecordError(f"the header is malformed: {fault}", where=where) from None
    if len(channels) != n_signals or not channels:
        raise RecordError(
            f"the header promises {n_signals} signals and describes {len(channels)}", where=where
        )
    if not 0 < fs_hz < 1e6 or n_samples < 0:
        raise RecordError(f"the header says {fs_hz} Hz and {n_samples} samples", where=where)
    for channel in channels:
        if channel.file in ("", ".", "..", "~") or re.search(r"[/\\:\0]", channel.file):
            raise RecordError(
                f"the header names a signal file outside its folder: {channel.file!r}", where=where
            )
    return Header(fs_hz, n_samples, channels)


def read_record(path: Path) -> Record:
    """Read one 12-lead record.

    Args:
        path: Record path without suffix.

    Returns:
        The record with its leads in LEADS order, float32 millivolts, NaN where a sample is missing.

    Raises:
        RecordError: A file is missing, truncated or corrupt, or a lead is absent.
    """
    header = read_header(path)
    rows = _lead_rows(header, path.name)
    kind = header.channels[0].format
    match = _FORMAT.fullmatch(kind)
    same_file = len({(channel.file, channel.format) for channel in header.channels}) == 1
    simple = (
        match
        and match["number"] == "16"
        and (match["per_frame"] or "1") == "1"
        and not int(match["skew"] or 0)
    )
    if same_file and match and simple:
        signal_mv = _read_format_16(path, header, rows, int(match["offset"] or 0))
    else:
        signal_mv = _read_by_library(path, header, rows)
    return Record(record_id=path.name, signal_mv=signal_mv, fs_hz=header.fs_hz)


def library() -> Any:
    """The `wfdb` package; its import trips over deprecations of pandas 3, which are not the caller's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import wfdb
    return wfdb


def _channel(line: str) -> Channel:
    fields = line.split(maxsplit=8)
    gain = _GAIN.fullmatch(fields[2]) if len(fields) > 2 else None
    if len(fields) > 2 and gain is None:
        raise ValueError(f"gain {fields[2]!r}")
    unit = (gain["unit"] if gain else None) or "mV"
    if unit.lower() not in UNITS_IN_MV:
        raise ValueError(f"unit {unit!r} is no voltage")
    per_unit = float(gain["gain"]) if gain else 0.0
    zero = int(fields[4]) if len(fields) > 4 else 0
    return Channel(
        file=fields[0],
        format=fields[1],
        gain_per_mv=(per_unit or DEFAULT_GAIN_PER_MV) / UNITS_IN_MV[unit.lower()],
        baseline=int(gain["baseline"]) if gain and gain["baseline"] else zero,
        checksum=int(fields[6]) % 65536 if len(fields) > 6 else None,
        name=fields[8].strip() if len(fields) > 8 else "",
    )


def _lead_rows(header: Header, record_id: str) -> list[int]:
    """Where each of LEADS stands in the file; further channels are left aside."""
    names = [channel.name.upper() for channel in header.channels]
    missing = [
        lead for lead, spelling in zip(LEADS, WFDB_LEADS, strict=True) if spelling.upper() not in names
    ]
    if missing:
        raise RecordError(
            f"without lead {', '.join(missing)}", where=record_id, expected="the twelve standard leads"
        )
    twice = sorted({name for name in names if names.count(name) > 1 and name in WFDB_LEADS})
    if twice:
        raise RecordError(f"lead {', '.join(twice)} occurs more than once", where=record_id)
    return [names.index(spelling.upper()) for spelling in WFDB_LEADS]


def _read_format_16(path: Path, header: Header, rows: list[int], offset: int) -> npt.NDArray[np.float32]:
    file = path.with_name(header.channels[0].file)
    n_channels = len(header.channels)
    try:
        size = file.stat().st_size - offset
        expected = header.n_samples * n_channels * 2 or size
        if size != expected or expected <= 0 or expected % (2 * n_channels):
            raise RecordError(
                f"{file.name} holds {size} bytes of samples, its header promises {expected}", where=path.name
            )
        raw = np.fromfile(file, dtype="<i2", offset=offset).reshape(-1, n_channels)
    except FileNotFoundError:
        raise RecordError(f"the signal file {file.name} is missing", where=path.name) from None
    except OSError as fault:
        raise RecordError(f"{file.name} cannot be read: {fault}", where=path.name) from None
    sums = raw.sum(axis=0, dtype=np.int64) % 65536
    for channel, total in zip(header.channels, sums, strict=True):
        if channel.checksum is not None and channel.checksum != total:
            raise RecordError(
                f"checksum of lead {channel.name} is {total}, its header says {channel.checksum}",
                where=path.name, expected="an intact copy of the signal file",
            )  # fmt: skip
    used = np.ascontiguousarray(raw.T[rows])
    gain = np.array([header.channels[row].gain_per_mv for row in rows], dtype=np.float64)[:, None]
    baseline = np.array([header.channels[row].baseline for row in rows], dtype=np.float64)[:, None]
    if not baseline.any() and (gain == gain[0]).all() and float(gain[0, 0]).is_integer():
        # int16 is exact in float32, so one float32 division rounds as the float64 way would.
        signal_mv = used.astype(np.float32) / np.float32(gain[0, 0])
    else:
        signal_mv = ((used - baseline) / gain).astype(np.float32)
    if used.min() == MISSING:
        signal_mv[used == MISSING] = np.nan
    return signal_mv


def _read_by_library(path: Path, header: Header, rows: list[int]) -> npt.NDArray[np.float32]:
    """Other formats, several signal files: correct before fast."""
    try:
        record = library().rdrecord(str(path), physical=True)
        physical = np.asarray(record.p_signal, dtype=np.float64)
    except Exception as fault:  # the library raises whatever its parser stumbles over
        raise RecordError(f"wfdb cannot read it: {type(fault).__name__}: {fault}", where=path.name) from None
    if header.n_samples and len(physical) != header.n_samples:
        raise RecordError(
            f"holds {len(physical)} samples, its header promises {header.n_samples}", where=path.name
        )
    scale = np.array([UNITS_IN_MV[record.units[row].lower()] for row in rows])
    return np.ascontiguousarray((physical[:, rows] * scale).T, dtype=np.float32)
