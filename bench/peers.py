"""Other programs that find beats and waves, each given what suits it best."""

from __future__ import annotations

import importlib
import math
import sys
import time
import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
from references import Case, Signal, to_rate

from twelvelead.ecg.lead import LEADS

XQRS_HZ = 250.0  # at 100 Hz it counts T waves, at 500 Hz it misses beats that it finds at 250
METHODS = ("dwt", "cwt", "prominence")  # of neurokit2's ecg_delineate, those that mark where waves begin
INTERVALS = ("pr_ms", "qrs_ms", "qt_ms")
# A mark belongs to the nearest R within so many ms before and after; the lists differ in length.
REACH_MS = {"P_Onsets": (450, 0), "R_Onsets": (200, 0), "R_Offsets": (0, 200), "T_Offsets": (0, 650)}
II = LEADS.index("II")


def xqrs_rate(case: Case, fs_hz: float) -> tuple[float, float]:
    """wfdb's xqrs on lead II of the recording at `fs_hz`: 60 / median RR, and its CPU ms."""
    from wfdb.processing import XQRS

    lead = to_rate(to_rate(case.signal_mv, case.fs_hz, fs_hz), fs_hz, XQRS_HZ)[II].astype(np.float64)
    begun = time.process_time()
    detector = XQRS(sig=lead, fs=XQRS_HZ)
    detector.detect(verbose=False)
    spent_ms = (time.process_time() - begun) * 1000
    rr = np.diff(detector.qrs_inds)
    return 60 * XQRS_HZ / float(np.median(rr)) if rr.size else math.nan, spent_ms


def neurokit(folder: Path) -> tuple[ModuleType | None, str]:
    """neurokit2 from the environment or from a folder made by `pip install --target`; else the reason."""
    if folder.is_dir():
        sys.path.append(str(folder))  # behind everything that is installed
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module("neurokit2"), ""
    except ImportError as fault:
        return None, f"{fault}: python -m pip install --target {folder} neurokit2"


def neurokit_intervals(kit: ModuleType, lead: Signal, fs_hz: float, method: str) -> dict[str, list[float]]:
    """PR, QRS and QT in ms of each beat of one lead, NaN where a mark is missing; empty where it gives up."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            clean = kit.ecg_clean(lead.astype(np.float64), sampling_rate=round(fs_hz))
            peaks = kit.ecg_peaks(clean, sampling_rate=round(fs_hz))[1]["ECG_R_Peaks"]
            found = kit.ecg_delineate(clean, peaks, sampling_rate=round(fs_hz), method=method)[1]
        except (ValueError, IndexError, ZeroDivisionError, KeyError):
            return {name: [] for name in INTERVALS}
    at = {
        mark: _nearest(found[f"ECG_{mark}"], peaks, *(ms * fs_hz / 1000 for ms in reach))
        for mark, reach in REACH_MS.items()
    }
    spans = {
        "pr_ms": at["R_Onsets"] - at["P_Onsets"],
        "qrs_ms": at["R_Offsets"] - at["R_Onsets"],
        "qt_ms": at["T_Offsets"] - at["R_Onsets"],
    }
    return {name: (span * 1000 / fs_hz).tolist() for name, span in spans.items()}


def _nearest(marks: list[float], peaks: Signal, before: float, after: float) -> Signal:
    """The mark nearest to each peak, relative to it, NaN if none is that near."""
    known = np.asarray(marks, dtype=float)
    known = known[np.isfinite(known)]
    out = np.full(len(peaks), np.nan)
    for k, peak in enumerate(peaks):
        away = known - peak
        away = away[(away >= -before) & (away <= after)]
        if away.size:
            out[k] = away[np.abs(away).argmin()]
    return out
