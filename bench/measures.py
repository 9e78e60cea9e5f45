"""How far our measurements are from what people and machines measured in the same real recordings.

Bland–Altman: median error, median absolute error and 95 % limits of agreement, at the recording's own rate
and resampled to 100 Hz, with the count of recordings where the reference has a value and we have none. Peers
on the same recordings: the xqrs of wfdb for the rate; neurokit2 for PR, QRS and QT, where it is installed or
in the folder of --peers (`python -m pip install --target ../peers neurokit2`). No reference is a truth:
readers differ too. Thresholds were set on LUDB and Chapman (marked *), so errors there are those of a fit.

    python bench/measures.py --data ../shared/data --json bench/results/measures.json
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hardware import describe
from peers import INTERVALS, METHODS, XQRS_HZ, neurokit, neurokit_intervals, xqrs_rate
from references import STATEMENTS, Case, challenge, chapman, dicom, ludb, ptb_xl, to_rate

from twelvelead.ecg.lead import LEADS
from twelvelead.ecg.measure import Measurements, measure

LOW_HZ = 100.0
IN_SAMPLE = {"ludb", "chapman"}  # thresholds in ecg/wave.py and ecg/beat.py were set on these two
HEIGHTS = ("r_mv", "s_mv", "st_mv", "t_mv")
PACKAGES = ("numpy", "scipy", "wfdb", "pydicom")
II = LEADS.index("II")


def ours(m: Measurements, name: str) -> float:
    """One measurement; QT also by Bazett's root, which most machines print."""
    if name == "qtc_bazett_ms":
        return m.qt_ms * math.sqrt(m.rate_bpm / 60)
    return float(getattr(m, name))


def agreement(pairs: Iterable[tuple[float, float]], circular: bool = False) -> dict[str, Any]:
    """Compare (reference, ours) pairs.

    Returns:
        n compared, failures (a reference but nothing measured), extra (measured, but the reference has none),
        median error, median absolute error, bias, 95 % limits (bias ± 1.96 SD) and the middle 95 % as found.
    """
    all_ = np.array(list(pairs), dtype=float).reshape(-1, 2)
    has, have = np.isfinite(all_).T
    error = np.diff(all_[has & have], axis=1)[:, 0]
    if circular:
        error = (error + 180) % 360 - 180
    row: dict[str, Any] = {
        "n": int(error.size),
        "failures": int((has & ~have).sum()),
        "extra": int((have & ~has).sum()),
    }
    if error.size:
        row |= {"median": float(np.median(error)), "median_abs": float(np.median(np.abs(error)))}
    if error.size >= 10:
        bias, sd = float(error.mean()), float(error.std(ddof=1))
        row |= {"bias": bias, "limits": [bias - 1.96 * sd, bias + 1.96 * sd]}
        row["middle_95"] = np.quantile(error, [0.025, 0.975]).tolist()
    return _rounded(row)


def discrimination(values: Sequence[float], said: Sequence[bool], sign: int) -> dict[str, Any]:
    """How well a measurement alone tells the recordings that a statement was made of: AUC and counts.

    The AUC is of those that could be measured; failures: the others, with the statement and without.
    """
    x, y = np.asarray(values, dtype=float) * sign, np.asarray(said)
    have = np.isfinite(x)
    yes, no = x[have & y], x[have & ~y]
    row: dict[str, Any] = {"yes": int(yes.size), "no": int(no.size)}
    row["failures"] = [int((~have & y).sum()), int((~have & ~y).sum())]
    if yes.size >= 3 and no.size >= 3:
        above = (yes[:, None] > no[None]).mean() + 0.5 * (yes[:, None] == no[None]).mean()
        row["auc"] = round(float(above), 3)
    return row


def compare(cases: Sequence[Case], low: bool) -> dict[str, Any]:
    """All measurements of one source at its own rate or at 100 Hz."""
    found = []
    for case in cases:
        fs_hz = LOW_HZ if low else case.fs_hz
        found.append(measure(to_rate(case.signal_mv, case.fs_hz, fs_hz), fs_hz))
    names = dict.fromkeys(name for case in cases for name in case.values)
    figures: dict[str, Any] = {
        name: agreement(
            [(c.values[name], ours(m, name)) for c, m in zip(cases, found, strict=True) if name in c.values],
            circular=name == "axis_deg",
        )
        for name in names
    }
    for name in HEIGHTS:
        pairs = [
            (c.heights_mv[name], getattr(m, name)) for c, m in zip(cases, found, strict=True) if c.heights_mv
        ]
        if pairs:
            table = np.array(pairs).transpose(2, 0, 1)  # (lead, record, 2)
            by_lead = {lead: agreement(rows)["median_abs"] for lead, rows in zip(LEADS, table, strict=True)}
            figures[name] = agreement(table.reshape(-1, 2)) | {"median_abs_by_lead": by_lead}
    asked = [(case, m) for case, m in zip(cases, found, strict=True) if case.said is not None]
    questions = {name for case, _ in asked for name in case.said or ()}
    told = {
        name: {"by": by}
        | discrimination([ours(m, by) for _, m in asked], [name in (c.said or ()) for c, _ in asked], sign)
        for name, (by, sign, _, _) in STATEMENTS.items()
        if name in questions
    }
    if "atrial fibrillation" in questions:
        fibrillates = [(m, "atrial fibrillation" in (c.said or ())) for c, m in asked]
        told["atrial fibrillation"]["irregular"] = _yes_no(
            [(m.irregular is True, yes) for m, yes in fibrillates]
        )
        told["atrial fibrillation"]["no_p"] = _yes_no([(m.p_present is False, yes) for m, yes in fibrillates])
    return figures | ({"statements": told} if told else {})


def _yes_no(pairs: Sequence[tuple[bool, bool]]) -> dict[str, Any]:
    """Sensitivity and specificity of (ours, reference) answers."""
    yes, no = [a for a, b in pairs if b], [a for a, b in pairs if not b]
    return {"sensitivity": round(sum(yes) / len(yes), 3), "specificity": round(1 - sum(no) / len(no), 3)}


def beside_xqrs(cases: Sequence[Case], low: bool) -> dict[str, Any]:
    """The rate by us and by xqrs (lead II at `XQRS_HZ`, where it does best) on the same recordings."""
    theirs, spent, mine = [], [], []
    for case in cases:
        fs_hz = LOW_HZ if low else case.fs_hz
        rate, spent_ms = xqrs_rate(case, fs_hz)
        theirs.append((case.values["rate_bpm"], rate))
        spent.append(spent_ms)
        found = measure(to_rate(case.signal_mv, case.fs_hz, fs_hz), fs_hz)
        mine.append((case.values["rate_bpm"], found.rate_bpm))
    return {
        "ours": agreement(mine),
        "xqrs": agreement(theirs),
        "xqrs_hz": XQRS_HZ,
        "xqrs_ms": round(statistics.median(spent), 1),
    }


def beside_neurokit(folder: Path, marked: Sequence[Case], told: Sequence[Case]) -> dict[str, Any]:
    """PR, QRS and QT by us (twelve leads) and by neurokit2 (lead II; prominence also over all leads).

    Args:
        folder: Where neurokit2 is, if not installed.
        marked: Recordings with intervals: what ours were fitted to, and theirs were not.
        told: Recordings with statements, which nobody was fitted to.
    """
    kit, reason = neurokit(folder)
    if kit is None:
        return {"left_out": reason}
    figures: dict[str, Any] = {"version": kit.__version__, "ours in-sample": True}
    found = [measure(case.signal_mv, case.fs_hz) for case in marked]
    figures["ours"] = {
        name: agreement([(c.values[name], ours(m, name)) for c, m in zip(marked, found, strict=True)])
        for name in INTERVALS
    }
    asked = {by: (name, sign) for name, (by, sign, _, _) in STATEMENTS.items() if by in INTERVALS}
    measured = [measure(case.signal_mv, case.fs_hz) for case in told]
    figures["ours"]["auc of 12SL statements"] = {
        name: discrimination([ours(m, by) for m in measured], [name in (c.said or ()) for c in told], sign)
        for by, (name, sign) in asked.items()
    }
    for method, leads in [*((method, [II]) for method in METHODS), ("prominence", list(range(12)))]:
        begun = time.process_time()
        theirs = [_of_leads(kit, case, method, leads) for case in marked]
        spent_ms = (time.process_time() - begun) * 1000 / len(marked)
        row: dict[str, Any] = {
            name: agreement([(c.values[name], t[name]) for c, t in zip(marked, theirs, strict=True)])
            for name in INTERVALS
        }
        row["ms a record"] = round(spent_ms, 1)
        theirs = [_of_leads(kit, case, method, leads) for case in told]
        row["auc of 12SL statements"] = {
            name: discrimination([t[by] for t in theirs], [name in (c.said or ()) for c in told], sign)
            for by, (name, sign) in asked.items()
        }
        figures[f"{method}, {'lead II' if len(leads) == 1 else '12 leads'}"] = row
    return figures


def _of_leads(kit: Any, case: Case, method: str, leads: Sequence[int]) -> dict[str, float]:
    """The median over beats and leads."""
    found = [neurokit_intervals(kit, case.signal_mv[lead], case.fs_hz, method) for lead in leads]
    every = {name: np.array([ms for one in found for ms in one[name]]) for name in INTERVALS}
    return {
        name: float(np.nanmedian(ms)) if np.isfinite(ms).any() else math.nan for name, ms in every.items()
    }


def speed(cases: Sequence[Case], fs_hz: float, repeats: int = 5) -> dict[str, Any]:
    """CPU milliseconds of `measure` on one core, a 12-lead record of 10 s, the best round of some."""
    signals = [to_rate(case.signal_mv, case.fs_hz, fs_hz) for case in cases]
    for signal in signals[:10]:
        measure(signal, fs_hz)
    rounds = []
    for _ in range(repeats):
        begun = time.process_time()
        for signal in signals:
            measure(signal, fs_hz)
        rounds.append((time.process_time() - begun) * 1000 / len(signals))
    return _rounded(
        {
            "fs_hz": fs_hz,
            "records": len(signals),
            "ms_median": statistics.median(rounds),
            "ms_best": min(rounds),
        }
    )


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    def cut(value: Any) -> Any:
        if isinstance(value, list):
            return [cut(item) for item in value]
        return round(value, 3) if isinstance(value, float) else value

    return {name: cut(value) for name, value in row.items()}


def report(results: dict[str, dict[str, Any]]) -> None:
    """Print one line a source, rate and measurement."""
    print(
        "source      rate     measurement         n fail extra   median   |median|   95 % limits of agreement"
    )
    for source, rates in results.items():
        for rate, figures in rates.items():
            if rate == "in_sample":
                continue
            source_ = source + "*" * rates["in_sample"]
            for name, row in figures.items():
                if name == "statements":
                    continue
                limits = "{:9.3f} to {:.3f}".format(*row["limits"]) if "limits" in row else ""
                middle = row.get("median", math.nan), row.get("median_abs", math.nan)
                print(
                    f"{source_:11} {rate:8} {name:16} {row['n']:4} {row['failures']:4} {row['extra']:5}"
                    f" {middle[0]:8.3f} {middle[1]:10.3f}   {limits}"
                )
            for name, row in figures.get("statements", {}).items():
                print(f"{source_:11} {rate:8} {name:20} {row}")


SOURCES: dict[str, tuple[str, Callable[[Path], Iterable[Case]]]] = {
    "ludb": ("ludb", ludb),
    "chapman": ("chapman-denoised", chapman),
    "dicom": ("dicom", dicom),
    "ptb-xl": ("ptb-xl", ptb_xl),
    "challenge": ("cinc2021", challenge),
}


def main() -> None:
    """Print the table; with --json also write every figure."""
    parser = argparse.ArgumentParser(description="our measurements beside hand marks and machine values")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the real ECGs")
    parser.add_argument("--peers", type=Path, default=Path("../peers"), help="folder that holds neurokit2")
    parser.add_argument("--json", type=Path, help="write every figure here")
    options = parser.parse_args()
    cases = {source: list(read(options.data / folder)) for source, (folder, read) in SOURCES.items()}
    results = {
        source: {
            "in_sample": source in IN_SAMPLE,
            "own_rate": compare(found, False),
            "100_hz": compare(found, True),
        }
        for source, found in cases.items()
    }
    with_rate = cases["ludb"] + cases["chapman"]
    rates = {"own_rate": beside_xqrs(with_rate, False), "100_hz": beside_xqrs(with_rate, True)}
    kit = beside_neurokit(options.peers, cases["ludb"], cases["ptb-xl"])
    speeds = [speed(cases["ptb-xl"][:100], fs_hz) for fs_hz in (100.0, 500.0)]
    report(results)
    print("* in-sample: thresholds were set on these")
    print("rate beside xqrs (ludb* + chapman*):", json.dumps(rates))
    print("intervals beside neurokit2 (ours: ludb is in-sample; statements of ptb-xl: nobody's is):")
    for name, row in kit.items():
        print(f"  {name}:", json.dumps(row))
    print("speed:", json.dumps(speeds))
    if options.json:
        figures = {
            "what": "error = ours − reference; ms, 1/min, degrees, mV; limits = bias ± 1.96 SD",
            **describe(*PACKAGES),
            "data": "hand marks (LUDB), MUSE values (Chapman), a DICOM's own, 12SL statements, SNOMED labels",
            "in_sample": "thresholds were set on ludb and chapman: only the rest is out-of-sample",
            "ludb": "median over beats and leads of each lead's own marks, shorter than a global interval",
            "agreement": results,
            "rate_beside_xqrs": rates,
            "intervals_beside_neurokit2": kit,
            "speed": speeds,
        }
        options.json.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
