"""How fast a record's facts are found, and how well misplaced electrodes are, on real records.

Speed is CPU time of one process on one core, reading included: the facts alone, with the other rate compared,
and with rate, intervals and axis measured too (`ecg.measure`). For the electrodes, leads of real records are
swapped as a technician would swap them; "found" is the share that is then suspected of just that, "suspected"
the share of untouched records that are suspected of anything. Set TWELVELEAD_SHARED to the folder that holds
data/; without it the speed is measured on simulated records and the rest is left out.

    python bench/validation.py --json bench/results/validation.json
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is imported

import numpy as np
from hardware import describe

from twelvelead.data.wfdb import read_record, write_record
from twelvelead.ecg.lead import derive_limb
from twelvelead.ecg.measure import measure
from twelvelead.validation.electrodes import limb_reversal
from twelvelead.validation.facts import Listed, facts_of
from twelvelead.validation.signal import signal_facts

PACKAGES = ("numpy", "scipy", "great-expectations")
Signal = np.ndarray
LIMB: dict[str, Callable[[Signal, Signal, Signal], tuple[Signal, Signal]]] = {
    "RA/LA": lambda i, ii, iii: (-i, iii),
    "RA/LL": lambda i, ii, iii: (-iii, -ii),
    "LA/LL": lambda i, ii, iii: (ii, i),
}
SAID = {"RA/LA": "right and left arm", "RA/LL": "right arm and left leg", "LA/LL": "left arm and left leg"}


def speed(folder: Path, rate_hz: int, most: int, repeats: int) -> dict[str, Any]:
    """Median CPU milliseconds a record over some rounds, for three amounts of work."""
    name = "hr" if rate_hz == 500 else "lr"
    paths = sorted(folder.glob(f"records{rate_hz}/*/*_{name}.hea"))[:most]
    alone = tempfile.TemporaryDirectory()
    single = Path(alone.name)  # the same files under names that have no twin
    for path in paths:
        for suffix in (".hea", ".dat"):
            (single / (path.stem + suffix)).symlink_to(path.resolve().with_suffix(suffix))
    twins = [
        Listed(p.stem[:5], p.relative_to(folder).with_suffix("").as_posix(), rate_hz, 0, "") for p in paths
    ]
    singles = [Listed(path.stem, path.stem, rate_hz, 0, "") for path in paths]
    work: dict[str, Callable[[], object]] = {
        "facts": lambda: [facts_of(single, one, measured=False) for one in singles],
        "facts_both_rates": lambda: [facts_of(folder, one, measured=False) for one in twins],
        "facts_measured": lambda: [facts_of(single, one) for one in singles],
    }
    times: dict[str, list[float]] = {key: [] for key in work}
    for _ in range(repeats):
        for key, do in work.items():  # in turns, so that a busy machine slows all alike
            begun = time.process_time()
            do()
            times[key].append((time.process_time() - begun) / len(paths) * 1000)
    alone.cleanup()
    median = {f"{key}_ms": statistics.median(values) for key, values in times.items()}
    return {
        "fs_hz": rate_hz,
        "records": len(paths),
        **median,
        **{f"{key}_records_s_core": 1000 / median[f"{key}_ms"] for key in work},
    }


def real_records(shared: Path) -> Iterator[tuple[Signal, float]]:
    """Records in millivolts: PTB-XL at 500 Hz, Challenge 2021, Chapman-Shaoxing."""
    for pattern in ("ptb-xl/records500/*/*.hea", "cinc2021/**/*.hea", "chapman-denoised/*.hea"):
        for path in sorted((shared / "data").glob(pattern)):
            record = read_record(path.with_suffix(""))
            if np.isfinite(record.signal_mv).all() and (np.ptp(record.signal_mv, axis=1) > 0.02).all():
                yield record.signal_mv, record.fs_hz


def electrodes(records: list[tuple[Signal, float]], every: int) -> dict[str, Any]:
    """Shares of untouched records that are suspected, and of swapped ones that are found."""

    def limb(signal: Signal, fs_hz: float) -> str:
        return limb_reversal(measure(signal, fs_hz), signal)

    def chest(signal: Signal, fs_hz: float) -> str:
        return signal_facts(np.ascontiguousarray(signal, dtype=np.float32), 0.0, fs_hz)[1]

    some = records[::every]
    found: dict[str, float] = {}
    for name, swap in LIMB.items():
        hits = 0
        for signal, fs_hz in some:
            i, ii = swap(*signal[:3])
            hits += limb(np.stack([i, ii, *derive_limb(i, ii), *signal[6:]]), fs_hz).startswith(SAID[name])
        found[name] = hits / len(some)
    for one, other in combinations(range(6), 2):
        hits = 0
        for signal, fs_hz in some:
            moved = signal.copy()
            moved[[6 + one, 6 + other]] = signal[[6 + other, 6 + one]]
            hits += chest(moved, fs_hz) == f"V{one + 1} and V{other + 1} seem swapped"
        found[f"V{one + 1}/V{other + 1}"] = hits / len(some)
    for one in range(6):
        hits = 0
        for signal, fs_hz in some:
            moved = signal.copy()
            moved[6 + one] *= -1
            hits += chest(moved, fs_hz) == f"V{one + 1} seems upside down"
        found[f"-V{one + 1}"] = hits / len(some)
    return {
        "records": len(records),
        "suspected_limb": sum(bool(limb(*record)) for record in records) / len(records),
        "suspected_chest": sum(bool(chest(*record)) for record in records) / len(records),
        "swapped_records": len(some),
        "found": found,
    }


def simulated(folder: Path, records: int) -> None:
    """A PTB-XL layout of simulated records."""
    from twelvelead.simulate.population import complete, draw_population
    from twelvelead.simulate.record import lower_rate, simulate_record

    for plan in draw_population(max(records, 40), seed=1)[:records]:
        signal_uv = simulate_record(complete(plan))
        for name, samples, fs_hz in (
            (plan.filename_hr, signal_uv, 500),
            (plan.filename_lr, lower_rate(signal_uv), 100),
        ):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            write_record(folder / name, samples, fs_hz)


def main() -> None:
    """Print the table; with --json also write every figure."""
    parser = argparse.ArgumentParser(description="speed of validation, and detection of swapped electrodes")
    parser.add_argument("--records", type=int, default=200, help="records timed a rate (default 200)")
    parser.add_argument("--repeats", type=int, default=5, help="rounds (default 5)")
    parser.add_argument(
        "--every", type=int, default=2, help="swap the leads of every n-th record (default 2)"
    )
    parser.add_argument("--json", type=Path, help="write every figure here")
    options = parser.parse_args()
    shared = Path(os.environ.get("TWELVELEAD_SHARED", Path(__file__).parents[2] / "shared"))
    real = (shared / "data/ptb-xl").is_dir()
    with tempfile.TemporaryDirectory() as aside:
        folder = shared / "data/ptb-xl" if real else Path(aside)
        if not real:
            simulated(folder, options.records)
        rows = [speed(folder, rate_hz, options.records, options.repeats) for rate_hz in (100, 500)]
    print("rate       facts          + other rate    + measured      (ms a record, records/s/core)")
    for row in rows:
        cells = (f"{row[f'{key}_ms']:6.2f} {row[f'{key}_records_s_core']:6.0f}/s" for key in
                 ("facts", "facts_both_rates", "facts_measured"))  # fmt: skip
        print(f"{row['fs_hz']:>4} Hz {'  '.join(cells)}")
    figures = {
        "what": "CPU time a record on one core, median of rounds; detection of swapped electrodes",
        **describe(*PACKAGES),
        "data": "PTB-XL (CC BY 4.0)" if real else "simulated records, seed 1",
        "speed": rows,
    }
    if real:
        found = electrodes(list(real_records(shared)), options.every)
        print(
            f"of {found['records']} untouched records {found['suspected_limb']:.1%} are suspected of swapped "
            f"limb and {found['suspected_chest']:.1%} of swapped chest electrodes; found when swapped:"
        )
        print("  " + "  ".join(f"{name} {share:.0%}" for name, share in found["found"].items()))
        figures["electrodes"] = found
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
