"""How fast records are read and written, beside the `wfdb` package on the same records.

CPU time of one process on one core, median over the records; ours and the library's take turns record by
record, so that a busy machine slows both. Reading: `read_record` against `wfdb.rdrecord`, values compared
first. Writing: one record at both rates, with and without making the lower rate, against `wfdb.wrsamp`.
Records are real PTB-XL (TWELVELEAD_SHARED) where it is there, else simulated.

    python bench/wfdb_files.py --json bench/results/wfdb.json
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hardware import describe

from twelvelead.data.wfdb import library, read_record, write_record
from twelvelead.ecg.lead import WFDB_LEADS
from twelvelead.simulate.population import complete, draw_population
from twelvelead.simulate.record import lower_rate, simulate_record

HIGH_HZ, LOW_HZ = 500, 100
PACKAGES = ("numpy", "scipy", "wfdb")


def main() -> None:
    """Measure, print and, if asked, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=60)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        pairs, data = real_pairs(options.records)
        if not pairs:
            pairs, data = simulated_pairs(options.records, Path(made))
        reading = [
            compare_reading(rate_hz, [pair[rate_hz] for pair in pairs]) for rate_hz in (HIGH_HZ, LOW_HZ)
        ]
        writing = compare_writing([pair[HIGH_HZ] for pair in pairs], Path(made))
    for row in reading:
        print(
            f"read {row['rate_hz']} Hz: {row['ours_ms']:.3f} ms, wfdb.rdrecord {row['wfdb_ms']:.3f} ms, "
            f"ratio {row['ratio']:.1f}, largest difference {row['largest_difference_mv']:g} mV"
        )
    print(
        f"write both rates: {writing['ours_ms']:.2f} ms ({writing['with_lower_rate_ms']:.2f} ms with "
        f"making the lower one), wfdb.wrsamp {writing['wfdb_ms']:.1f} ms, ratio {writing['ratio']:.1f}, "
        f"bytes {'equal' if writing['equal_bytes'] else 'DIFFERENT'}"
    )
    if options.json:
        figures = {
            "what": "CPU milliseconds a record on one core, median; ratio is wfdb_ms / ours_ms",
            **describe(*PACKAGES),
            "data": data,
            "reading": reading,
            "writing": writing,
        }
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def compare_reading(rate_hz: int, paths: list[Path]) -> dict[str, Any]:
    """Both readers on the same files, in turns."""
    wfdb = library()
    ours, theirs, difference = [], [], 0.0
    for path in paths:
        signal_mv, reference = read_record(path).signal_mv, wfdb.rdrecord(str(path)).p_signal.T
        difference = max(difference, float(np.nanmax(np.abs(signal_mv - reference.astype(np.float32)))))
        ours.append(milliseconds(lambda path=path: read_record(path)))
        theirs.append(milliseconds(lambda path=path: wfdb.rdrecord(str(path))))
    return {
        "rate_hz": rate_hz,
        **ratio(ours, theirs),
        "largest_difference_mv": difference,
    }


def compare_writing(paths: list[Path], folder: Path) -> dict[str, Any]:
    """Both writers on the same samples, both rates of a record."""
    wfdb = library()
    ours, theirs, whole, equal = [], [], [], True
    for place in ("ours", "theirs"):
        (folder / place).mkdir()
    for path in paths:
        high = np.rint(read_record(path).signal_mv.T * 1000).astype(np.int16)
        low = lower_rate(high)
        both = [("r_hr", high, HIGH_HZ), ("r_lr", low, LOW_HZ)]

        def write(both: Any = both) -> None:
            for name, samples, rate_hz in both:
                write_record(folder / "ours" / name, samples, rate_hz)

        def make_and_write(high: Any = high) -> None:
            write_record(folder / "ours/r_hr", high, HIGH_HZ)
            write_record(folder / "ours/r_lr", lower_rate(high), LOW_HZ)

        def write_by_library(both: Any = both) -> None:
            for name, samples, rate_hz in both:
                wfdb.wrsamp(
                    name, rate_hz, ["mV"] * 12, list(WFDB_LEADS), d_signal=samples.astype(np.int64),
                    fmt=["16"] * 12, adc_gain=[1000.0] * 12, baseline=[0] * 12,
                    write_dir=str(folder / "theirs"),
                )  # fmt: skip

        ours.append(milliseconds(write))
        whole.append(milliseconds(make_and_write))
        theirs.append(milliseconds(write_by_library))
        for name in ("r_hr.hea", "r_hr.dat", "r_lr.hea", "r_lr.dat"):
            equal &= (folder / "ours" / name).read_bytes() == (folder / "theirs" / name).read_bytes()
    return {
        **ratio(ours, theirs),
        "with_lower_rate_ms": round(statistics.median(whole), 3),
        "equal_bytes": equal,
    }


def ratio(ours: list[float], theirs: list[float]) -> dict[str, float]:
    """Medians and their ratio."""
    mine, others = statistics.median(ours), statistics.median(theirs)
    return {"ours_ms": round(mine, 4), "wfdb_ms": round(others, 3), "ratio": round(others / mine, 1)}


def milliseconds(call: Callable[[], object]) -> float:
    """CPU time of the faster of two calls."""
    times = []
    for _ in range(2):
        begun = time.process_time()
        call()
        times.append((time.process_time() - begun) * 1000)
    return min(times)


def real_pairs(records: int) -> tuple[list[dict[int, Path]], str]:
    """Real PTB-XL records that are there at both rates."""
    shared = Path(os.environ.get("TWELVELEAD_SHARED", Path(__file__).parents[2] / "shared"))
    folder = shared / "data/ptb-xl"
    highs = sorted(folder.glob("records500/*/*_hr.hea"))
    pairs = []
    for high in highs:
        low = folder / "records100" / high.parent.name / high.name.replace("_hr", "_lr")
        if low.is_file():
            pairs.append({HIGH_HZ: high.with_suffix(""), LOW_HZ: low.with_suffix("")})
    return pairs[:records], f"{len(pairs[:records])} real PTB-XL records"


def simulated_pairs(records: int, folder: Path) -> tuple[list[dict[int, Path]], str]:
    """The same, simulated."""
    pairs = []
    for plan in draw_population(max(records, 40), 1)[:records]:
        signal_uv = simulate_record(complete(plan))
        pair = {HIGH_HZ: folder / f"{plan.ecg_id}_hr", LOW_HZ: folder / f"{plan.ecg_id}_lr"}
        write_record(pair[HIGH_HZ], signal_uv, HIGH_HZ)
        write_record(pair[LOW_HZ], lower_rate(signal_uv), LOW_HZ)
        pairs.append(pair)
    return pairs, f"{records} simulated records, seed 1"


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of pandas 3, inside wfdb.wrsamp
    main()
