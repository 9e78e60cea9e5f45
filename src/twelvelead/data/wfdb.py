"""WFDB records on disk: a fast reader and writer for format 16, the `wfdb` library for everything else.

The writer makes the very bytes that `wfdb.wrsamp` makes for PTB-XL's layout, several times faster. The reader
checks what a broken download breaks: file size, checksums, lead names.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from twelvelead.data.header import UNITS_IN_MV, Channel, Header, lead_rows, read_header
from twelvelead.data.pack import read_bytes
from twelvelead.ecg.lead import LEADS, WFDB_LEADS
from twelvelead.ecg.record import Record
from twelvelead.errors import RecordError

__all__ = ["encode", "library", "read_header", "read_record", "write_record"]

GAIN_PER_MV = 1000.0  # PTB-XL: 1 µV a unit
MISSING = -32768  # format 16's "no sample here" (WFDB signal(5))
_FORMAT_16 = re.compile(r"16(?:x1)?(?::0)?(?:\+(?P<offset>\d+))?")
_MICROVOLTS = ((GAIN_PER_MV, 0),) * len(LEADS)

Scale = tuple[float, int]  # units a millivolt, and the unit that stands for 0 mV


def encode(
    name: str, samples: npt.NDArray[np.int16], fs_hz: float, scales: Sequence[Scale] = _MICROVOLTS
) -> tuple[bytes, bytes]:
    """The .hea and .dat bytes of a record, as `wfdb.wrsamp` would write them in PTB-XL's format.

    Args:
        name: Record name, without folder or suffix.
        samples: (n, 12) int16, leads in LEADS order; microvolts unless `scales` says otherwise.
        fs_hz: Sampling rate.
        scales: One for each lead.

    Raises:
        RecordError: The samples have another shape or type.
    """
    if samples.dtype != np.int16 or samples.ndim != 2 or samples.shape[1] != len(LEADS) or not len(samples):
        raise RecordError(
            f"cannot write samples of shape {samples.shape} and type {samples.dtype}",
            where=name, expected=f"(n, {len(LEADS)}) int16",
        )  # fmt: skip
    rate = int(fs_hz) if float(fs_hz).is_integer() else fs_hz
    checksums = samples.sum(axis=0, dtype=np.int64) % 65536
    lines = [f"{name} {len(LEADS)} {rate} {len(samples)}"]
    lines += [
        f"{name}.dat 16 {gain!r}({zero})/mV 16 0 {first} {checksum} 0 {lead}"
        for lead, (gain, zero), first, checksum in zip(WFDB_LEADS, scales, samples[0], checksums, strict=True)
    ]
    return ("\n".join(lines) + "\n").encode("ascii"), np.ascontiguousarray(samples, dtype="<i2").tobytes()


def write_record(
    path: Path, samples: npt.NDArray[np.int16], fs_hz: float, scales: Sequence[Scale] = _MICROVOLTS
) -> str:
    """Write `path`.hea and .dat (`path` has no suffix), see `encode`; return the SHA-256 of the .dat."""
    header, raw = encode(path.name, samples, fs_hz, scales)
    path.with_name(path.name + ".dat").write_bytes(raw)
    path.with_name(path.name + ".hea").write_bytes(header)
    return hashlib.sha256(raw).hexdigest()


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
    rows = lead_rows([channel.name for channel in header.channels], path.name)
    file = header.channels[rows[0]].file
    beside = [channel for channel in header.channels if channel.file == file]
    plain = _FORMAT_16.fullmatch(beside[0].format)
    together = all(header.channels[row].file == file for row in rows)
    if plain and together and all(channel.format == beside[0].format for channel in beside):
        used = [beside.index(header.channels[row]) for row in rows]
        signal_mv = _read_format_16(path, header.n_samples, beside, used, int(plain["offset"] or 0))
    else:
        signal_mv = _read_by_library(path, header, rows)
    return Record(record_id=path.name, signal_mv=signal_mv, fs_hz=header.fs_hz)


def library() -> Any:
    """The `wfdb` package; its import trips over deprecations of pandas 3, which are not the caller's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import wfdb
    return wfdb


def _read_format_16(
    path: Path, n_samples: int, channels: Sequence[Channel], rows: list[int], offset: int
) -> npt.NDArray[np.float32]:
    """The wanted rows of one signal file that holds `channels`, and nothing else, in format 16."""
    file = path.with_name(channels[0].file)
    n_channels = len(channels)
    try:
        held = read_bytes(file)
        size = len(held) - offset
        expected = n_samples * n_channels * 2 or size
        if size != expected or expected <= 0 or expected % (2 * n_channels):
            raise RecordError(
                f"{file.name} holds {size} bytes of samples, its header promises {expected}", where=path.name
            )
        stored = np.frombuffer(held, dtype="<i2", offset=offset).reshape(-1, n_channels)
    except FileNotFoundError:
        raise RecordError(f"the signal file {file.name} is missing", where=path.name) from None
    except OSError as fault:
        raise RecordError(f"{file.name} cannot be read: {fault}", where=path.name) from None
    raw = np.ascontiguousarray(stored.T)
    sums = raw.view("<u2").sum(axis=1, dtype=np.uint16)  # 16 bits wrap as the header's checksums do
    for channel, total in zip(channels, sums, strict=True):
        if channel.checksum is not None and channel.checksum != total:
            raise RecordError(
                f"checksum of lead {channel.name} is {total}, its header says {channel.checksum}",
                where=path.name, expected="an intact copy of the signal file",
            )  # fmt: skip
    used = raw if rows == list(range(n_channels)) else raw[rows]
    gain = np.array([channels[row].gain_per_mv for row in rows], dtype=np.float64)[:, None]
    baseline = np.array([channels[row].baseline for row in rows], dtype=np.float64)[:, None]
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
        with TemporaryDirectory() as aside:
            if not path.with_name(f"{path.name}.hea").is_file():  # packed: the library wants files
                for file in (f"{path.name}.hea", *header.files):
                    Path(aside, file).write_bytes(read_bytes(path.with_name(file)))
                path = Path(aside, path.name)
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
