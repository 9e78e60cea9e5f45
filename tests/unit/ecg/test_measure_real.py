"""Measured against cardiologists (LUDB), a GE MUSE machine (Chapman–Shaoxing) and labels (PTB-XL)."""

from __future__ import annotations

import ast
import csv
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from twelvelead.ecg.lead import WFDB_LEADS
from twelvelead.ecg.measure import Measurements, measure

pytestmark = [
    pytest.mark.shared,
    # wfdb 4.3 reads annotations through an argument that pandas is about to drop
    pytest.mark.filterwarnings("ignore:The inplace keyword"),
]


def read(path: Path) -> tuple[NDArray[np.float64], float, list[str]]:
    wfdb = pytest.importorskip("wfdb")
    found = wfdb.rdrecord(str(path))
    names = [name.upper() for name in found.sig_name]
    return found.p_signal.T[[names.index(name) for name in WFDB_LEADS]], float(found.fs), found.comments


def marks(path: Path) -> Iterator[tuple[str, str, float, float, float]]:
    """Yield lead, wave (p, N or t), onset, peak and end in ms."""
    wfdb = pytest.importorskip("wfdb")
    for lead in WFDB_LEADS:
        found = wfdb.rdann(str(path), lead.lower())
        onset, peak, wave = np.nan, np.nan, ""
        for sample, symbol in zip(found.sample, found.symbol, strict=True):
            if symbol == "(":
                onset, wave = 2.0 * sample, ""
            elif symbol in "pNt":
                peak, wave = 2.0 * sample, symbol
            elif symbol == ")" and wave:
                yield lead, wave, onset, peak, 2.0 * sample
                onset = np.nan


def by_hand(path: Path) -> dict[str, float]:
    """Rate, and PR, QRS and QT as the median over beats and leads of the marks of each lead."""
    rows = list(marks(path))
    values: dict[str, list[float]] = {"pr_ms": [], "qrs_ms": [], "qt_ms": [], "rr": []}
    for lead in WFDB_LEADS:
        mine = [row[1:] for row in rows if row[0] == lead]
        values["rr"] += np.diff([peak for wave, _, peak, _ in mine if wave == "N"]).tolist()
        for (w1, on1, _, _), (w2, on2, _, end2) in pairwise(mine):
            if w2 == "N":
                values["qrs_ms"].append(end2 - on2)
            if (w1, w2) == ("p", "N"):
                values["pr_ms"].append(on2 - on1)
            if (w1, w2) == ("N", "t"):
                values["qt_ms"].append(end2 - on1)
    middle = {
        name: float(np.nanmedian(found)) if len(found) > 5 else np.nan for name, found in values.items()
    }
    return middle | {"rate_bpm": 60_000 / middle["rr"]}


def median_error(pairs: list[tuple[float, float]]) -> float:
    error = np.abs(np.diff(np.array(pairs, dtype=float), axis=1))
    return float(np.median(error[np.isfinite(error)]))


def test_intervals_agree_with_the_hand_marks_of_ludb(shared: Path) -> None:
    pairs: dict[str, list[tuple[float, float]]] = {"rate_bpm": [], "pr_ms": [], "qrs_ms": [], "qt_ms": []}
    p_right = n = 0
    for header in sorted((shared / "data/ludb/data").glob("*.hea"))[::3]:
        signal, fs_hz, comments = read(header.with_suffix(""))
        if "pacing" in str(comments):
            continue
        m, hand = measure(signal, fs_hz), by_hand(header.with_suffix(""))
        n += 1
        p_right += m.p_present == bool(np.isfinite(hand["pr_ms"]))
        for name, found in pairs.items():
            found.append((getattr(m, name), hand[name]))
    assert median_error(pairs["rate_bpm"]) <= 1.0
    assert median_error(pairs["pr_ms"]) <= 8
    assert median_error(pairs["qrs_ms"]) <= 8
    assert median_error(pairs["qt_ms"]) <= 12
    assert p_right >= 0.95 * n


def test_rate_qrs_qt_and_axis_agree_with_the_machine_of_chapman(shared: Path) -> None:
    folder = shared / "data/chapman-denoised"
    pairs: dict[str, list[tuple[float, float]]] = {"rate_bpm": [], "qrs_ms": [], "qt_ms": [], "axis_deg": []}
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            signal, fs_hz, _ = read(folder / row["FileName"])
            m = measure(signal, fs_hz)
            turn = (m.axis_deg - float(row["RAxis"]) + 180) % 360 - 180
            pairs["rate_bpm"].append((m.rate_bpm, float(row["VentricularRate"])))
            pairs["qrs_ms"].append((m.qrs_ms, float(row["QRSDuration"])))
            pairs["qt_ms"].append((m.qt_ms, float(row["QTInterval"])))
            pairs["axis_deg"].append((turn, 0.0))
    assert median_error(pairs["rate_bpm"]) <= 1.0
    assert median_error(pairs["qrs_ms"]) <= 10
    assert median_error(pairs["qt_ms"]) <= 14
    assert median_error(pairs["axis_deg"]) <= 8


def ptb_xl(shared: Path, wanted: set[str], rate: str, limit: int) -> list[tuple[set[str], Measurements]]:
    folder = shared / "data/ptb-xl"
    found = []
    with (folder / "ptbxl_database.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            codes = set(ast.literal_eval(row["scp_codes"]))
            path = folder / row[f"filename_{rate}"]
            if codes & wanted and path.with_suffix(".hea").is_file():
                signal, fs_hz, _ = read(path)
                found.append((codes, measure(signal, fs_hz)))
                if len(found) == limit:
                    break
    return found


@pytest.mark.parametrize("rate", ["hr", "lr"])
def test_fibrillation_is_told_from_sinus_rhythm_in_ptb_xl(shared: Path, rate: str) -> None:
    fibrillation = [m for codes, m in ptb_xl(shared, {"AFIB"}, rate, 40) if "AFLT" not in codes]
    sinus = [m for _, m in ptb_xl(shared, {"SR"}, rate, 60)]
    assert np.mean([m.p_present is False for m in fibrillation]) >= 0.85
    assert np.mean([m.irregular is True for m in fibrillation]) >= 0.85
    assert np.mean([m.p_present is True for m in sinus]) >= 0.95
    assert np.mean([m.irregular is False for m in sinus]) >= 0.95


def test_ventricular_premature_beats_are_found_in_ptb_xl(shared: Path) -> None:
    with_pvc = [m for _, m in ptb_xl(shared, {"PVC"}, "hr", 20)]
    normal = [m for codes, m in ptb_xl(shared, {"NORM"}, "hr", 60) if not codes & {"PVC", "PRC(S)", "BIGU"}]
    assert np.mean([(m.ectopic_beats or 0) > 0 for m in with_pvc]) >= 0.8
    assert np.mean([m.ectopic_beats == 0 for m in normal]) >= 0.95


def test_one_recording_measures_the_same_at_100_and_500_hz(shared: Path) -> None:
    high, low = (ptb_xl(shared, {"NORM"}, rate, 30) for rate in ("hr", "lr"))
    for name, slack in (("rate_bpm", 0.5), ("pr_ms", 6), ("qrs_ms", 8), ("qt_ms", 6), ("axis_deg", 3)):
        gaps = [(getattr(a, name), getattr(b, name)) for (_, a), (_, b) in zip(high, low, strict=True)]
        assert median_error(gaps) <= slack, name
