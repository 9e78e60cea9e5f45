"""Is the simulator as it should be: criteria, levels, cost, difficulty, and what a CNN learns for patients.

    python bench/signals.py criteria likeness cost learn transfer --json bench/results/signals.json

Parts that need real records (likeness, transfer) take them from TWELVELEAD_SHARED and are left out, saying
so, where it is absent. Nothing is trained on a real record.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hardware import describe
from numpy.typing import NDArray

from twelvelead.data import index, ptbxl
from twelvelead.data.wfdb import read_record, write_record
from twelvelead.ecg.lead import LEADS
from twelvelead.ecg.statement import STATEMENTS
from twelvelead.evaluation.metrics import aucs, macro
from twelvelead.params import Ingest, TrainBaseline
from twelvelead.simulate.plan import Finding, RecordPlan, filenames
from twelvelead.simulate.population import complete, draw_population
from twelvelead.simulate.record import appearance, lower_rate, settle, simulate_record, truth
from twelvelead.simulate.rhythm import PRECEDENCE
from twelvelead.simulate.statements import RECIPES
from twelvelead.stages.ingest import ingest

PACKAGES = ("numpy", "scipy", "torch", "scikit-learn")
BANDS_HZ = (
    (0.05, 0.5),
    (0.5, 1),
    (1, 5),
    (5, 15),
    (15, 30),
    (30, 45),
    (49, 51),
    (60, 80),
    (100, 125),
    (150, 200),
)
CODES = list(STATEMENTS)
LIKE = 0.25  # how far a level may be from the real one
Floats = NDArray[np.float64]


def criteria(options: argparse.Namespace) -> dict[str, Any]:
    """Share of textbook-clear draws that meet their criterion, before and after the closed loop."""
    rows = {}
    for code in RECIPES:
        plans = [_textbook(code, number) for number in range(options.draws)]
        check = RECIPES[code].check
        first = float(np.mean([check(appearance(plan)) for plan in plans]))
        settled = float(np.mean([check(settle(plan)[1]) for plan in plans]))
        rows[code] = {"first_draw": round(first, 3), "settled": round(settled, 3)}
    worst = min(rows, key=lambda code: rows[code]["settled"])
    print(
        f"criteria: {len(rows)} statements, {options.draws} draws each; settled: worst {worst} {rows[worst]}"
    )
    return {"draws": options.draws, "statements": rows}


def likeness(options: argparse.Namespace) -> dict[str, Any]:
    """Band and lead levels of natural simulated records over those of the real ones."""
    real = [read_record(path).signal_mv for path in _real_paths(options.shared, 500)]
    plans = draw_population(max(2 * len(real), 400), options.seed, "natural")
    # The subset hardly has the CS100, whose filter takes the baseline away; a fair comparison leaves it out.
    plans = [plan for plan in plans if not plan.device.startswith("CS100")]
    made = [simulate_record(complete(plan)).T / 1000.0 for plan in plans]
    found: dict[str, Any] = {"real_records": len(real), "simulated_records": len(made)}
    for name, level in (("band_rms_uv", _bands), ("lead_sd_uv", _lead_sd), ("lead_max_mv", _lead_max)):
        a, b = (
            np.median([level(np.asarray(x, np.float64)) for x in signals], axis=0) for signals in (made, real)
        )
        names = [f"{low}-{high} Hz" for low, high in BANDS_HZ] if name == "band_rms_uv" else list(LEADS)
        found[name] = {
            key: {
                "simulated": round(float(x), 3),
                "real": round(float(y), 3),
                "ratio": round(float(x / y), 2),
            }
            for key, x, y in zip(names, a, b, strict=True)
        }
        outside = [
            f"{key} {row['ratio']}" for key, row in found[name].items() if abs(row["ratio"] - 1) > LIKE
        ]
        print(
            f"likeness: {name}: {len(names) - len(outside)} of {len(names)} within 25 %"
            f" ({', '.join(outside) or 'all'})"
        )
    return found


def cost(options: argparse.Namespace) -> dict[str, Any]:
    """CPU milliseconds a record on one core."""
    n = options.cost_records
    figures = {}
    begun = time.process_time()
    plans = draw_population(n, options.seed)
    figures["plan_ms"] = (time.process_time() - begun) / n * 1000
    settled = [complete(plan) for plan in plans[:20]]  # first calls import and compile
    del settled
    for name, work in (
        ("complete_ms", lambda: [complete(plan) for plan in plans]),
        ("simulate_ms", lambda: [simulate_record(plan) for plan in plans]),
    ):
        begun = time.process_time()
        signals = work()
        figures[name] = (time.process_time() - begun) / n * 1000
    with tempfile.TemporaryDirectory() as folder:
        begun = time.process_time()
        for plan, signal in zip(plans, signals, strict=True):
            write_record(Path(folder) / f"{plan.ecg_id}_lr", lower_rate(signal), ptbxl.LOW_HZ)
            write_record(Path(folder) / f"{plan.ecg_id}_hr", signal, ptbxl.HIGH_HZ)
        figures["write_both_rates_ms"] = (time.process_time() - begun) / n * 1000
    figures = {name: round(value, 3) for name, value in figures.items()}
    figures["record_ms"] = round(sum(figures[name] for name in ("plan_ms", "complete_ms", "simulate_ms")), 3)
    print(f"cost: {figures} CPU ms a record, {n} records")
    return {"records": n, **figures}


def learn(options: argparse.Namespace) -> dict[str, Any]:
    """Difficulty by number of records: a CNN, the same on mixed labels, four numbers instead of a signal."""
    found = {}
    for n in options.learn_records:
        with tempfile.TemporaryDirectory() as folder:
            frame, records = _ingest(n, options.seed, Path(folder))
            plans = [complete(plan) for plan in draw_population(n, options.seed)]
            four = pd.DataFrame([truth(plan) for plan in plans])[["rate_bpm", "qrs_ms", "axis_deg", "pr_ms"]]
            y = index.labels(frame, CODES)
            test = (frame["fold"] >= index.SELECT_FOLD).to_numpy()
            scores = _cnn(records, frame, frame[test], Path(folder) / "cnn", options.epochs, 1)
            mixed = frame.copy()
            order = np.random.default_rng(0).permutation(int((~test).sum()))
            mixed.loc[~test, "statements"] = frame.loc[~test, "statements"].to_numpy()[order]
            blind = _cnn(records, mixed, frame[test], Path(folder) / "mixed", options.epochs, 1)
        simple = _logistic(four, y, test)
        judged = y[test].sum(axis=0) >= 10
        table = aucs(y[test], scores)
        figures = {
            "tested_records": int(test.sum()),
            "statements": int(judged.sum()),
            "cnn_macro_auc": _macro(y[test], scores, judged),
            "shuffled_labels_macro_auc": _macro(y[test], blind, judged),
            "four_numbers_macro_auc": _macro(y[test], simple, judged),
        }
        print(f"learn: {n} records: {figures}", flush=True)
        found[str(n)] = figures | {
            "by_statement": {
                code: {"positives": int(y[test, k].sum()), "auc": round(float(table[k]), 3)}
                for k, code in enumerate(CODES)
                if judged[k]
            }
        }
    return {"epochs": options.epochs, "records": found}


def transfer(options: argparse.Namespace) -> dict[str, Any]:
    """Trained on simulated records only, tested on real ones: statements with at least 5 positives there."""
    root = options.shared / "ptb-xl"
    _, rows = ptbxl.read_database(root / ptbxl.DATABASE)
    rows = [row for row in rows if any((root / (path + ".hea")).is_file() for path in (row.low, row.high))]
    real = pd.DataFrame(
        {
            "record_id": [f"{row.ecg_id:05d}" for row in rows],
            "patient_id": [row.patient_id for row in rows],
            "fold": [row.fold for row in rows],
            "path": [row.low if (root / (row.low + ".hea")).is_file() else row.high for row in rows],
            "statements": [row.statements() for row in rows],
        }
    )
    y = index.labels(real, CODES)
    judged = y.sum(axis=0) >= 5
    runs, tables = [], []
    with tempfile.TemporaryDirectory() as folder:
        frame, records = _ingest(options.transfer_records, options.seed, Path(folder))
        for seed in range(1, options.seeds + 1):
            output = Path(folder) / f"cnn-{seed}"
            _train(records, frame, output, options.epochs, seed)
            scores = _score(output, root, real)
            runs.append(_macro(y, scores, judged))
            tables.append(aucs(y, scores))
            print(
                f"transfer: seed {seed}: macro AUC {runs[-1]:.4f} over {judged.sum()} statements", flush=True
            )
    by_code = np.mean(tables, axis=0)
    return {
        "simulated_records": options.transfer_records,
        "real_records": len(real),
        "statements": int(judged.sum()),
        "macro_auc": runs,
        "mean": round(float(np.mean(runs)), 4),
        "by_statement": {
            code: {"positives": int(y[:, k].sum()), "auc": round(float(by_code[k]), 3)}
            for k, code in enumerate(CODES)
            if judged[k]
        },
    }


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    part.__name__: part for part in (criteria, likeness, cost, learn, transfer)
}
REAL = {"likeness", "transfer"}


def _textbook(code: str, number: int) -> RecordPlan:
    """A plan that shows one statement, clearly, and sinus rhythm unless it is a rhythm."""
    codes = (code,) if code in PRECEDENCE else (code, "SR")
    low, high = filenames(number + 1)
    return RecordPlan(
        ecg_id=number + 1, patient_id=float(number), age=60.0, sex=number % 2, height=None, weight=None,
        nurse=None, site=0.0, device="CS-12", recording_date="1990-01-01 12:00:00", report="",
        scp_codes=dict.fromkeys(codes, 100.0), heart_axis=None, infarction_stadium1=None,
        infarction_stadium2=None, validated_by=None, second_opinion=False, initial_autogenerated_report=False,
        validated_by_human=True, baseline_drift=None, static_noise=None, burst_noise=None,
        electrodes_problems=None, extra_beats=None, pacemaker=None, strat_fold=1, filename_lr=low,
        filename_hr=high, findings=tuple(Finding(each, 1.0, True, "III") for each in codes),
        sampling_weight=1.0, seed=7,
    )  # fmt: skip


def _real_paths(shared: Path, fs_hz: int) -> list[Path]:
    """Real records at this rate, without suffix."""
    return sorted(path.with_suffix("") for path in (shared / "ptb-xl" / f"records{fs_hz}").rglob("*.hea"))


def _bands(signal_mv: Floats) -> Floats:
    """Mean over leads of the rms in each band, µV."""
    n = signal_mv.shape[1]
    f = np.fft.rfftfreq(n, 1 / 500)
    power = (
        np.abs(np.fft.rfft(signal_mv - np.median(signal_mv, axis=1, keepdims=True), axis=1)) ** 2 * 2 / n**2
    )
    levels = [np.sqrt(power[:, (f >= low) & (f <= high)].sum(axis=1)).mean() for low, high in BANDS_HZ]
    return np.array(levels) * 1000


def _lead_sd(signal_mv: Floats) -> Floats:
    return signal_mv.std(axis=1) * 1000


def _lead_max(signal_mv: Floats) -> Floats:
    return (signal_mv - np.median(signal_mv, axis=1, keepdims=True)).max(axis=1)


def _ingest(records: int, seed: int, folder: Path) -> tuple[pd.DataFrame, Path]:
    output, work = folder / "records", folder / "work"
    output.mkdir()
    work.mkdir()
    ingest({}, output, Ingest(source="simulate", records=records, seed=seed, rate_hz=100), work)
    return index.read_index(output), output


def _train(records: Path, frame: pd.DataFrame, output: Path, epochs: int, seed: int) -> None:
    from twelvelead.training.baseline import train

    output.mkdir()
    params = TrainBaseline(epochs=epochs, seed=seed, seeds=1)
    train(records, frame, CODES, params, output, output)


def _score(model: Path, records: Path, frame: pd.DataFrame) -> Floats:
    from twelvelead.training.baseline import score_records

    found = score_records(model, records, frame)
    return found["probability"].to_numpy(np.float64).reshape(len(frame), len(CODES))


def _cnn(
    records: Path, frame: pd.DataFrame, tested: pd.DataFrame, output: Path, epochs: int, seed: int
) -> Floats:
    _train(records, frame, output, epochs, seed)
    return _score(output, records, tested)


def _logistic(four: pd.DataFrame, y: NDArray[np.uint8], test: NDArray[np.bool_]) -> Floats:
    """One logistic regression a statement on rate, QRS, axis and PR (with a mark where there is no PR)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    angle = np.deg2rad(four["axis_deg"])
    x = np.column_stack(
        [
            four["rate_bpm"], four["qrs_ms"], np.cos(angle), np.sin(angle),
            four["pr_ms"].fillna(four["pr_ms"].median()), four["pr_ms"].isna(),
        ]
    )  # fmt: skip
    x = StandardScaler().fit(x[~test]).transform(x)
    scores = np.full((int(test.sum()), y.shape[1]), 0.5)
    for k in range(y.shape[1]):
        if 0 < y[~test, k].sum() < (~test).sum():
            fitted = LogisticRegression(max_iter=500).fit(x[~test], y[~test, k])
            scores[:, k] = fitted.predict_proba(x[test])[:, 1]
    return scores


def _macro(y: NDArray[np.uint8], scores: Floats, judged: NDArray[np.bool_]) -> float:
    return round(float(macro(aucs(y[:, judged], scores[:, judged]))), 4)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the parts asked for; with --json also write every figure."""
    parser = argparse.ArgumentParser(
        description="The simulator against its criteria and against real records"
    )
    parser.add_argument("parts", nargs="*", default=list(PARTS), help=f"of {', '.join(PARTS)} (default all)")
    parser.add_argument("--draws", type=int, default=60, help="draws a statement (default 60)")
    parser.add_argument("--cost-records", type=int, default=300)
    parser.add_argument("--learn-records", type=int, nargs="+", default=[3000, 10000])
    parser.add_argument("--transfer-records", type=int, default=15000, help="four fifths of them train")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=2, help="training seeds of the transfer (default 2)")
    parser.add_argument("--seed", type=int, default=1, help="of the population")
    parser.add_argument("--json", type=Path, help="write every figure here; parts left out keep theirs")
    options = parser.parse_args(arguments)
    options.shared = Path(os.environ.get("TWELVELEAD_SHARED", "../shared")) / "data"
    figures = (
        json.loads(options.json.read_text(encoding="utf-8"))
        if options.json and options.json.is_file()
        else {}
    )
    figures |= {
        "what": "simulated records against the statements' criteria and against real PTB-XL records",
        **describe(*PACKAGES),
        "data": "simulated; real = the PTB-XL subset of TWELVELEAD_SHARED (CC BY 4.0), never trained on",
    }
    for part in options.parts:
        if part not in PARTS:
            parser.error(f"no part {part!r}; there are {', '.join(PARTS)}")
        if part in REAL and not (options.shared / "ptb-xl").is_dir():
            print(f"{part}: left out, no real records at {options.shared}")
            continue
        figures[part] = PARTS[part](options)
        if options.json:
            options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
