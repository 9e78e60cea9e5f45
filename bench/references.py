"""Real recordings with what others measured in them: hand marks, machine values, machine statements."""

from __future__ import annotations

import ast
import csv
import math
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from twelvelead.data.wfdb import read_record
from twelvelead.ecg.lead import LEADS, WFDB_LEADS

Signal = NDArray[np.floating]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One recording and its reference.

    Attributes:
        source: Which data set.
        name: Record name.
        signal_mv: (12, n).
        fs_hz: Samples a second.
        values: Reference by the names of `twelvelead.ecg.measure.SCALARS`; NaN: the reader found none.
            qtc_bazett_ms stands beside qtc_ms, because machines print Bazett's.
        heights_mv: (12,) reference by lead: r_mv, s_mv, st_mv, t_mv.
        said: Which of the questions of `STATEMENTS` were answered yes; None where nobody was asked.
    """

    source: str
    name: str
    signal_mv: Signal
    fs_hz: float
    values: dict[str, float] = field(default_factory=dict)
    heights_mv: dict[str, Signal] = field(default_factory=dict)
    said: frozenset[str] | None = None


# question → measurement, +1 if high values mean yes, and the codes of 12SL (PTB-XL+), SNOMED (Challenge 2021)
STATEMENTS: dict[str, tuple[str, int, frozenset[str], frozenset[str]]] = {
    "bradycardia": ("rate_bpm", -1, frozenset({"SBRAD", "MSBRAD"}), frozenset({"426177001"})),
    "tachycardia": ("rate_bpm", 1, frozenset({"STACH"}), frozenset({"427084000"})),
    "atrial fibrillation": ("rr_sd_ms", 1, frozenset({"AFIB"}), frozenset({"164889003"})),
    "long PR": ("pr_ms", 1, frozenset({"FAV"}), frozenset({"270492004"})),
    "wide QRS": (
        "qrs_ms",
        1,
        frozenset({"RBBB", "LBBB", "IVCB", "QRSW"}),
        frozenset({"59118001", "713427006", "164909002", "733534002"}),
    ),
    "long QT": ("qtc_bazett_ms", 1, frozenset({"LNGQT"}), frozenset({"111975006"})),
    "left axis": ("axis_deg", -1, frozenset({"LAD3", "AFB", "BIFB"}), frozenset({"39732003", "445118002"})),
}


def to_rate(signal_mv: Signal, from_hz: float, fs_hz: float) -> Signal:
    """A recording at another rate, anti-aliased, with its ends continued by their mean."""
    if fs_hz == from_hz:
        return signal_mv
    common = math.gcd(round(fs_hz), round(from_hz))
    up, down = round(fs_hz) // common, round(from_hz) // common
    return np.asarray(resample_poly(signal_mv.astype(np.float64), up, down, axis=1, padtype="mean"))


def ludb(folder: Path) -> Iterator[Case]:
    """Cardiologists' marks in every lead (doi:10.13026/eegm-h675); paced records are left out."""
    with (folder / "ludb.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["ID"]: row for row in csv.DictReader(file)}
    for header in sorted((folder / "data").glob("*.hea"), key=lambda path: int(path.stem)):
        row = rows[header.stem]
        if row["Cardiac pacing"]:
            continue
        record = read_record(header.with_suffix(""))
        marks = {lead: list(_marks(header.with_suffix(""), lead)) for lead in WFDB_LEADS}
        values = _intervals(marks)
        if row["Extrasystolies"]:
            del values["rr_sd_ms"]  # ours is the SD without early beats
        heights = _heights(marks, record.signal_mv)
        said = {"atrial fibrillation"} if "Atrial fibrillation" in row["Rhythms"] else set()
        yield Case("ludb", header.stem, record.signal_mv, record.fs_hz, values, heights, frozenset(said))


def _marks(path: Path, lead: str) -> Iterator[tuple[str, int, int, int]]:
    """Yield wave (p, N or t), first, peak and last sample."""
    import wfdb

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        found = wfdb.rdann(str(path), lead.lower())
    first, peak, wave = -1, -1, ""
    for sample, symbol in zip(found.sample, found.symbol, strict=True):
        if symbol == "(":
            first, wave = int(sample), ""
        elif symbol in "pNt":
            peak, wave = int(sample), symbol
        elif symbol == ")" and wave and first >= 0:
            yield wave, first, peak, int(sample)
            first = -1


def _intervals(marks: dict[str, list[tuple[str, int, int, int]]]) -> dict[str, float]:
    """The median over beats and leads of what is marked in each lead, at 2 ms a sample.

    It is shorter than a global interval, from the first onset in any lead to the last end in any.
    """
    found: dict[str, list[float]] = {name: [] for name in ("p_ms", "pr_ms", "qrs_ms", "qt_ms", "rr", "sd")}
    for rows in marks.values():
        rr = np.diff([2.0 * peak for wave, _, peak, _ in rows if wave == "N"])
        found["rr"] += rr.tolist()
        if rr.size > 2:
            found["sd"].append(float(rr.std()))
        for (wave, first, _, last), (after, first2, _, last2) in pairwise(rows):
            if after == "N":
                found["qrs_ms"].append(2.0 * (last2 - first2))
            if (wave, after) == ("p", "N"):
                found["pr_ms"].append(2.0 * (first2 - first))
                found["p_ms"].append(2.0 * (last - first))
            if (wave, after) == ("N", "t"):
                found["qt_ms"].append(2.0 * (last2 - first))
    value = {name: float(np.median(all_)) if len(all_) > 5 else np.nan for name, all_ in found.items()}
    rr_ms, sd_ms = value.pop("rr"), value.pop("sd")
    return value | {
        "rate_bpm": 60_000 / rr_ms,
        "rr_sd_ms": sd_ms,
        "qtc_ms": value["qt_ms"] / (rr_ms / 1000) ** (1 / 3),
        "qtc_bazett_ms": value["qt_ms"] / (rr_ms / 1000) ** 0.5,
    }


def _heights(marks: dict[str, list[tuple[str, int, int, int]]], signal_mv: Signal) -> dict[str, Signal]:
    """Read the unfiltered signal between the marks, against the 12 ms before QRS; median over beats."""
    out = {name: np.full(len(LEADS), np.nan) for name in ("r_mv", "s_mv", "st_mv", "t_mv")}
    for row, rows in enumerate(marks.values()):
        x = signal_mv[row]
        read: dict[str, list[float]] = {name: [] for name in out}
        for (wave, first, _, last), (after, _, peak, _) in pairwise(rows):
            if wave != "N" or first < 6 or last + 33 > x.size:
                continue
            level = float(x[first - 6 : first].mean())
            qrs = x[first : last + 1] - level
            read["r_mv"].append(max(float(qrs.max()), 0.0))
            read["s_mv"].append(max(float(-qrs.min()), 0.0))
            read["st_mv"].append(float(x[last + 28 : last + 33].mean()) - level)
            if after == "t":
                read["t_mv"].append(float(x[peak]) - level)
        for name, values in read.items():
            if len(values) >= 3:
                out[name][row] = np.median(values)
    return out


def chapman(folder: Path) -> Iterator[Case]:
    """A GE MUSE machine's values (doi:10.1038/s41597-020-0386-x)."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            record = read_record(folder / row["FileName"])
            values = {
                "rate_bpm": float(row["VentricularRate"]),
                "qrs_ms": float(row["QRSDuration"]),
                "qt_ms": float(row["QTInterval"]),
                "qtc_bazett_ms": float(row["QTCorrected"]),
                "axis_deg": float(row["RAxis"]),
            }
            said = {"atrial fibrillation"} if row["Rhythm"] == "AFIB" else set()
            yield Case(
                "chapman", row["FileName"], record.signal_mv, record.fs_hz, values, said=frozenset(said)
            )


def dicom(folder: Path) -> Iterator[Case]:
    """What the electrocardiograph wrote into its own file."""
    import pydicom

    for path in sorted(folder.glob("*.dcm")):
        data = pydicom.dcmread(path)
        group = data.WaveformSequence[0]
        channels = group.ChannelDefinitionSequence
        named = [channel.ChannelSourceSequence[0].CodeMeaning for channel in channels]
        leads = [match[1] for name in named if (match := re.match(r"Lead (\w+)", name))]
        factor = [  # to mV
            float(c.ChannelSensitivity) * float(c.ChannelSensitivityCorrectionFactor) / 1000 for c in channels
        ]
        counts = np.frombuffer(group.WaveformData, "<i2").reshape(-1, len(channels))
        signal_mv = (counts * factor).T[[leads.index(lead) for lead in LEADS]]
        wrote = {
            note.ConceptNameCodeSequence[0].CodeMeaning: float(note.NumericValue)
            for note in data.WaveformAnnotationSequence
            if "NumericValue" in note
        }
        rr_s = wrote["RR Interval"] / 1000
        values = {
            "rate_bpm": 60 / rr_s,
            "pr_ms": wrote["PR Interval"],
            "qrs_ms": wrote["QRS Duration"],
            "qt_ms": wrote["QT Interval"],
            "qtc_ms": wrote["QTc Interval"],
            "axis_deg": wrote["QRS Axis"],
        }
        yield Case("dicom", path.stem, signal_mv, float(group.SamplingFrequency), values)


def ptb_xl(folder: Path) -> Iterator[Case]:
    """Statements of the Marquette 12SL program (PTB-XL+, doi:10.13026/m5qc-8m53)."""
    with (folder / "ptb-xl-plus/12sl_statements.csv").open(newline="", encoding="utf-8") as file:
        spoken = {
            int(row["ecg_id"]): set(ast.literal_eval(row["statements"])) for row in csv.DictReader(file)
        }
    for header in sorted((folder / "records500").rglob("*.hea")):
        record = read_record(header.with_suffix(""))
        codes = spoken.get(int(header.stem[:5]), set())
        said = frozenset(name for name, (_, _, known, _) in STATEMENTS.items() if codes & known)
        yield Case("ptb-xl", header.stem, record.signal_mv, record.fs_hz, said=said)


def challenge(folder: Path) -> Iterator[Case]:
    """Labels of the PhysioNet Challenge 2021 (doi:10.13026/34va-7q14)."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            record = read_record(folder / row["record"])
            codes = set(row["snomed"].split(";"))
            said = frozenset(name for name, (_, _, _, known) in STATEMENTS.items() if codes & known)
            yield Case("challenge", row["record"], record.signal_mv, record.fs_hz, said=said)
