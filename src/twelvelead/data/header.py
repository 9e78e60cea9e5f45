"""WFDB headers: what a .hea file says of its signals, and which of them are the twelve leads.

Grammar: header(5) of the WFDB Applications Guide. A header may name any file; those outside its own folder
are refused here, before anything is opened.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from twelvelead.data.pack import read_bytes
from twelvelead.ecg.lead import LEADS
from twelvelead.errors import RecordError

DEFAULT_FS_HZ = 250.0  # header(5): where the record line ends before the rate
DEFAULT_GAIN_PER_MV = 200.0  # header(5): what a gain of 0 or none stands for
UNITS_IN_MV = {"v": 1000.0, "mv": 1.0, "uv": 0.001, "µv": 0.001, "μv": 0.001, "nv": 1e-6}
_GAIN = re.compile(r"(?P<gain>[-+.\deE]+)(?:\((?P<baseline>-?\d+)\))?(?:/(?P<unit>\S+))?")
_OUTSIDE = re.compile(r"[/\\:\0]")
_PLACES = {lead.upper(): place for place, lead in enumerate(LEADS)}
# "Lead I (Einthoven)", "ECG V1", "MDC_ECG_LEAD_AVR", "DII" and "D2" of Romance languages, IEC's "C1"
_WORDS = re.compile(r"^(?:MDC_)?(?:(?:ECG|EKG|LEAD|ABLEITUNG|DERIVATION)[\s_:.-]*)+|\s*\([^()]*\)$")
_OTHER_NAMES = {f"D{lead}": lead for lead in ("I", "II", "III")} | {"D1": "I", "D2": "II", "D3": "III"}
_OTHER_NAMES |= {f"C{n}": f"V{n}" for n in range(1, 7)}


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
    comments: tuple[str, ...] = ()  # without their "#"

    @property
    def files(self) -> tuple[str, ...]:
        """The signal files, each once, in the order of the header."""
        return tuple(dict.fromkeys(channel.file for channel in self.channels))


def read_header(path: Path) -> Header:
    """Read `path`.hea (`path` has no suffix).

    Raises:
        RecordError: It is missing, malformed, of several segments, or names a file outside its own folder.
    """
    where = f"{path.name}.hea"
    try:
        text = read_bytes(path.with_name(where)).decode("utf-8")
    except FileNotFoundError:
        raise RecordError("the header file is missing", where=where) from None
    except (OSError, UnicodeDecodeError) as fault:
        raise RecordError(f"the header cannot be read: {fault}", where=where) from None
    lines = [line for line in text.splitlines() if line and not line.isspace()]
    comments = tuple(line[1:].strip() for line in lines if line.startswith("#"))
    lines = [line for line in lines if not line.startswith("#")]
    try:
        first = lines[0].split()
        if "/" in first[0]:
            raise RecordError("a record of several segments", where=where, expected="one continuous record")
        n_signals = int(first[1])
        fs_hz = float(first[2].split("/")[0].split("(")[0]) if len(first) > 2 else DEFAULT_FS_HZ
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
    for file in {channel.file: None for channel in channels}:
        if file in ("", ".", "..", "~") or _OUTSIDE.search(file):
            raise RecordError(f"the header names a signal file outside its folder: {file!r}", where=where)
    return Header(fs_hz, n_samples, channels, comments)


def standard_lead(name: str) -> int | None:
    """Where a channel's lead stands in LEADS, however it is spelled; None if it is none of the twelve.

    Only names that mean exactly one of the twelve count: Holter leads (MLII), Frank leads (vx) and inverted
    leads (-aVR) do not.
    """
    upper = name.strip().upper()
    if upper not in _PLACES:
        upper = _WORDS.sub("", upper).replace(" ", "")
        upper = _OTHER_NAMES.get(upper, upper)
    return _PLACES.get(upper)


def lead_rows(names: list[str], record_id: str) -> list[int]:
    """Where each of LEADS stands among channel names; further channels are left aside.

    Raises:
        RecordError: A lead is absent, or occurs more than once.
    """
    places = [standard_lead(name) for name in names]
    missing = [lead for place, lead in enumerate(LEADS) if place not in places]
    if missing:
        raise RecordError(
            f"without lead {', '.join(missing)}",
            where=record_id,
            expected="the twelve standard leads; the channels are " + ", ".join(names),
        )
    twice = [lead for place, lead in enumerate(LEADS) if places.count(place) > 1]
    if twice:
        raise RecordError(f"lead {', '.join(twice)} occurs more than once", where=record_id)
    return [places.index(place) for place in range(len(LEADS))]


def _channel(line: str) -> Channel:
    fields = line.split(maxsplit=8)
    gain_per_mv, baseline = _scale(fields[2] if len(fields) > 2 else "")
    zero = int(fields[4]) if len(fields) > 4 else 0
    return Channel(
        file=fields[0],
        format=fields[1],
        gain_per_mv=gain_per_mv,
        baseline=zero if baseline is None else baseline,
        checksum=int(fields[6]) % 65536 if len(fields) > 6 else None,
        name=fields[8].strip() if len(fields) > 8 else "",
    )


@lru_cache(maxsize=256)
def _scale(text: str) -> tuple[float, int | None]:
    """Units a millivolt, and the unit that stands for 0 mV, of a gain field such as 1000.0(0)/mV."""
    gain = _GAIN.fullmatch(text)
    if text and gain is None:
        raise ValueError(f"gain {text!r}")
    unit = (gain["unit"] if gain else None) or "mV"
    if unit.lower() not in UNITS_IN_MV:
        raise ValueError(f"unit {unit!r} is no voltage")
    per_unit = (float(gain["gain"]) if gain else 0.0) or DEFAULT_GAIN_PER_MV
    if not math.isfinite(per_unit):
        raise ValueError(f"gain {text!r}")
    return per_unit / UNITS_IN_MV[unit.lower()], int(gain["baseline"]) if gain and gain["baseline"] else None
