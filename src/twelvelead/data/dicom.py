"""A resting ECG out of a DICOM waveform object (DICOM PS3.3 C.10.9; Supplement 30).

Of several multiplex groups the first original one with the twelve leads is taken; median beats are derived.
Names, dates and free patient fields are never read; the patient's id leaves only as a hash.
"""

from __future__ import annotations

import hashlib
import math
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from twelvelead.data.entry import capped_age
from twelvelead.data.header import UNITS_IN_MV, lead_rows, standard_lead
from twelvelead.data.wfdb import Scale
from twelvelead.ecg.lead import LEADS
from twelvelead.ecg.record import Record
from twelvelead.errors import RecordError, SetupError

NOBODY = frozenset({"", "anon", "anonymous", "anonymized", "anonymised", "unknown", "none", "0"})
SEXES = {"M": "male", "F": "female"}
YEARS = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}
# Lead numbers of SCP-ECG (EN 1064 table 5), with which DICOM context group 3001 ends its codes 5.6.3-9-n;
# MDC codes (ISO 11073-10102) are 2:n with the same n.
_NUMBERS = {1: "I", 2: "II", **{n: f"V{n - 2}" for n in range(3, 9)}}
_NUMBERS |= {61: "III", 62: "aVR", 63: "aVL", 64: "aVF"}
_CODE = re.compile(r"(?:5\.6\.3-9-|2:)(\d+)")


@dataclass(frozen=True, slots=True)
class Recording:
    """What one DICOM file holds for us."""

    record: Record
    scales: list[Scale]  # units a millivolt of the stored samples
    patient_id: str  # a hash, "" if the file names none
    age: float
    sex: str
    report: str  # the device's statements, one a line


def read_dicom(path: Path, record_id: str) -> Recording:
    """Read a 12-lead ECG.

    Raises:
        RecordError: It is no DICOM, holds no ECG, or not the twelve standard leads in volts.
        SetupError: pydicom is not installed.
    """
    try:
        import pydicom
    except ModuleNotFoundError:
        raise SetupError("pydicom is not installed", fix="pip install 'twelvelead[data]'") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of every value that strains the standard
            dataset = pydicom.dcmread(path)
            groups = list(dataset.get("WaveformSequence") or [])
            if not groups:
                raise RecordError("the DICOM file holds no waveform", where=record_id, expected="an ECG")
            record, scales = _signal(dataset, groups, record_id)
            return Recording(
                record, scales, _patient(dataset), _age(dataset), _sex(dataset), _report(dataset)
            )
    except RecordError:
        raise
    except Exception as fault:  # pydicom raises whatever a damaged file makes it stumble over
        raise RecordError(
            f"not readable as DICOM: {type(fault).__name__}: {fault}", where=record_id
        ) from None


def _signal(dataset: Any, groups: list[Any], record_id: str) -> tuple[Record, list[Scale]]:
    reasons = []
    for number, group in enumerate(groups):
        if str(group.get("WaveformOriginality", "ORIGINAL")).upper() == "DERIVED" and len(groups) > 1:
            continue
        names = [_lead_name(channel) for channel in group.ChannelDefinitionSequence]
        try:
            rows = lead_rows(names, record_id)
        except RecordError as fault:
            reasons.append(fault.what)
            continue
        channels = [group.ChannelDefinitionSequence[row] for row in rows]
        raw = np.asarray(_raw(dataset, number), dtype=np.float64)
        scales, signal_mv = [], np.empty((len(LEADS), len(raw)))
        for place, (row, channel) in enumerate(zip(rows, channels, strict=True)):
            gain_per_mv, zero_mv = _scale(channel, record_id)
            scales.append((gain_per_mv, -round(zero_mv * gain_per_mv)))
            signal_mv[place] = raw[:, row] / gain_per_mv + zero_mv
            signal_mv[place][_padding(group, raw[:, row])] = np.nan
        fs_hz = float(group.SamplingFrequency)
        return Record(record_id, signal_mv.astype(np.float32), fs_hz), scales
    raise RecordError("; ".join(reasons) or "it holds derived waveforms only", where=record_id)


def _raw(dataset: Any, number: int) -> Any:
    """(samples, channels) as stored."""
    from pydicom.waveforms.numpy_handler import multiplex_array

    return multiplex_array(dataset, number, as_raw=True)


def _lead_name(channel: Any) -> str:
    """Its code where that is a standard one, else its label or meaning."""
    source = (channel.get("ChannelSourceSequence") or [{}])[0]
    code = _CODE.fullmatch(str(source.get("CodeValue", "")))
    if code and int(code[1]) in _NUMBERS:
        return _NUMBERS[int(code[1])]
    names = [str(name) for name in (channel.get("ChannelLabel"), source.get("CodeMeaning")) if name]
    return next((name for name in names if standard_lead(name) is not None), (names or ["?"])[0])


def _scale(channel: Any, record_id: str) -> tuple[float, float]:
    """Units a millivolt, and the millivolts of a stored 0."""
    if "ChannelSensitivity" not in channel:
        raise RecordError("a channel has no sensitivity", where=record_id, expected="millivolts a unit")
    unit = str(channel.ChannelSensitivityUnitsSequence[0].CodeValue)
    if unit.lower() not in UNITS_IN_MV:
        raise RecordError(f"a channel is in {unit!r}", where=record_id, expected="V, mV or uV")
    in_mv = UNITS_IN_MV[unit.lower()]
    step = float(channel.ChannelSensitivity) * float(channel.get("ChannelSensitivityCorrectionFactor", 1))
    if not (math.isfinite(step) and step):
        raise RecordError(f"a channel's sensitivity is {step}", where=record_id)
    return 1 / (step * in_mv), float(channel.get("ChannelBaseline", 0)) * in_mv


def _padding(group: Any, raw: Any) -> Any:
    """Where samples are the padding value: there is no signal."""
    value = group.get("WaveformPaddingValue")
    if value is None:
        return np.zeros(len(raw), dtype=bool)
    signed = str(group.get("WaveformSampleInterpretation", "SS")) in ("SS", "SB")
    if isinstance(value, bytes):
        value = int.from_bytes(value, "little", signed=signed)
    return raw == int(value)


def _patient(dataset: Any) -> str:
    name = str(dataset.get("PatientID") or "").strip()
    if name.lower() in NOBODY:
        return ""
    return f"dicom-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def _age(dataset: Any) -> float:
    match = re.fullmatch(r"(\d{1,3})([YMWD])", str(dataset.get("PatientAge") or "").strip())
    return capped_age(int(match[1]) * YEARS[match[2]]) if match else math.nan


def _sex(dataset: Any) -> str:
    return SEXES.get(str(dataset.get("PatientSex") or "").strip().upper(), "")


def _report(dataset: Any) -> str:
    notes = dataset.get("WaveformAnnotationSequence") or []
    lines = (str(note.get("UnformattedTextValue") or "").strip() for note in notes)
    return "\n".join(line for line in lines if line)
