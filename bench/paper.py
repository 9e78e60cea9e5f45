"""How many pages a second one core makes, clean and photographed, beside others on the same signals.

CPU time of one process, everything of a page included: layout, drawing, text that differs on every page,
encoding, and where said the sidecar. All rows and peers take turns record by record, so that a busy machine
slows all of them. Signals are real PTB-XL records where TWELVELEAD_SHARED names a folder with them, else
simulated ones. Peers are pmecg and ecg-plot from PyPI, if they can be imported; ecg-image-kit needs an
environment of 2.3 GB and is quoted from specs/paper.md §3, which measured it on another machine.

    pip install --no-deps --target peers pmecg==0.3.0 ecg-plot==0.3.0
    PYTHONPATH=peers python bench/paper.py --json bench/results/paper.json
"""

from __future__ import annotations

import os

os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})

import argparse
import importlib
import io
import json
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hardware import describe

from twelvelead.data.wfdb import read_record
from twelvelead.ecg.lead import LEADS
from twelvelead.paper.compose import compose
from twelvelead.paper.degrade import Degradation
from twelvelead.paper.encode import png_bytes
from twelvelead.paper.jpeg import jpeg_bytes
from twelvelead.paper.page import PageStyle, Words, render
from twelvelead.paper.photo import photograph
from twelvelead.paper.presets import draw_degradation
from twelvelead.paper.sidecar import write_sidecar
from twelvelead.simulate.population import draw_population
from twelvelead.simulate.record import simulate_record

PACKAGES = ("numpy", "numba", "isal", "simplejpeg", "matplotlib")
MILLION = 1_000_000
LETTER = PageStyle.paper("letter", 200, layout="3x4+1r")  # 2200 x 1700 px, what ecg-image-kit makes
FINE = PageStyle.paper("letter", 203.2, layout="3x4+1r")  # 8 px/mm: the grid is exactly periodic
TILES = PageStyle("3x4+1r", 1120, 560)  # two 560 px tiles of Mllama
DEFAULT = PageStyle()
# CPU seconds a page at 2200 x 1700 px on 2 Xeon cores, specs/paper.md §3: quoted, not measured here.
KIT = {"ecg-image-kit, defaults": 1.70, "ecg-image-kit, wrinkles, augment, header, boxes": 5.33}


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One record of the run."""

    number: int
    signal_mv: np.ndarray
    fs_hz: float

    @property
    def words(self) -> Words:
        """Text as machines print it, another on every page."""
        own = 37 * self.number
        return Words(
            identity=(f"Adler, {chr(65 + own % 26)}.", f"ID {40_000 + own}", f"{1 + own % 28:02d}.03.2019"),
            measurements=(
                f"Vent. rate {55 + own % 40} BPM",
                f"PR interval {130 + own % 60} ms",
                f"QRS duration {82 + own % 30} ms",
                f"QT/QTc {370 + own % 40}/{400 + own % 40} ms",
                f"R axis {own % 90}°",
            ),
            interpretation=("Sinus rhythm", f"Compared with ECG of 2018, no. {own}", "Unconfirmed"),
            footer="40Hz",
        )


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """Something measured: `prepare` is not on the clock, `step` is; it gives the bytes it wrote."""

    name: str
    size: str
    step: Callable[[Any], bytes]
    prepare: Callable[[Case], Any] = lambda case: case
    target_s: float = 0.0


def cases(records: int) -> tuple[str, list[Case]]:
    """Where the signals come from, and the signals."""
    folder = Path(os.environ.get("TWELVELEAD_SHARED", "")) / "data/ptb-xl/records500"
    headers = sorted(folder.rglob("*.hea")) if "TWELVELEAD_SHARED" in os.environ else []
    if headers:
        chosen = headers[:: max(len(headers) // records, 1)][:records]
        read = [read_record(header.with_suffix("")) for header in chosen]
        found = [Case(number, record.signal_mv, record.fs_hz) for number, record in enumerate(read)]
        return f"{len(found)} real PTB-XL records, 500 Hz, 10 s", found
    plans = draw_population(max(records, 40), seed=1)[:records]
    made = [(simulate_record(plan).T / 1000).astype(np.float32) for plan in plans]
    return (
        f"{records} simulated records, seed 1, 500 Hz, 10 s (TWELVELEAD_SHARED names no real ones)",
        [Case(number, signal, 500.0) for number, signal in enumerate(made)],
    )


def clean(style: PageStyle, *, words: bool = False, sidecar: bool = False) -> Callable[[Case], bytes]:
    """A clean page as PNG, with what is asked for."""

    def step(case: Case) -> bytes:
        said = case.words if words else Words()
        data = png_bytes(render(case.signal_mv, case.fs_hz, style, words=said))
        return data + (write_sidecar(case.signal_mv, case.fs_hz, style, words=said) if sidecar else b"")

    return step


def photographed(style: PageStyle, preset: str, *, sidecar: bool = False) -> Callable[[Case], bytes]:
    """A page that was photographed as the preset draws it for this record, as JPEG; PNG if it stays clean."""
    as_printed = clean(style, sidecar=sidecar)

    def step(case: Case) -> bytes:
        degradation: Degradation = draw_degradation(preset, np.random.default_rng([case.number, 7]))
        if not degradation.strengths():
            return as_printed(case)
        scene = compose(case.signal_mv, case.fs_hz, style)
        photo = photograph(scene, degradation, (1, case.number), words=True)
        data = jpeg_bytes(photo)
        if sidecar:
            data += write_sidecar(case.signal_mv, case.fs_hz, style, warp=photo.warp)
        return data

    return step


def _photo(case: Case) -> Any:
    degradation = draw_degradation("photo", np.random.default_rng([case.number, 7]))
    return photograph(compose(case.signal_mv, case.fs_hz, TILES), degradation, (1, case.number), words=True)


def rows() -> list[Row]:
    """What is measured of ours."""
    letter, tiles = "2200x1700", "1120x560"
    return [
        Row("clean, text, sidecar", letter, clean(LETTER, words=True, sidecar=True), target_s=120),
        Row("clean, text", letter, clean(LETTER, words=True)),
        Row("clean, text, sidecar, 8 px/mm", "2235x1727", clean(FINE, words=True, sidecar=True)),
        Row("PNG alone", letter, png_bytes, lambda case: render(case.signal_mv, case.fs_hz, LETTER)),
        Row("clean", tiles, clean(TILES), target_s=250),
        Row("clean, text, sidecar", tiles, clean(TILES, words=True, sidecar=True)),
        Row("PNG alone", tiles, png_bytes, lambda case: render(case.signal_mv, case.fs_hz, TILES)),
        Row("photo", tiles, photographed(TILES, "photo"), target_s=60),
        Row("photo, sidecar", tiles, photographed(TILES, "photo", sidecar=True)),
        Row("scan, sidecar", tiles, photographed(TILES, "scan", sidecar=True)),
        Row("harsh, sidecar", tiles, photographed(TILES, "harsh", sidecar=True)),
        Row("ecginstruct, sidecar", tiles, photographed(TILES, "ecginstruct", sidecar=True)),
        Row("JPEG alone", tiles, jpeg_bytes, _photo),
        Row("photo, sidecar", letter, photographed(LETTER, "photo", sidecar=True)),
        Row("default 12x1", "336x336", clean(DEFAULT)),
    ]


def peers() -> Iterator[Row | str]:
    """Rows of the peers, or why there is none."""
    for package, make in (("pmecg", _pmecg), ("ecg_plot", _ecg_plot)):
        try:
            module = importlib.import_module(package)
            yield from make(module, version(package))
        except (ImportError, PackageNotFoundError) as fault:
            yield f"{package} is not measured: {fault}"


def _pmecg(module: Any, number: str) -> Iterator[Row | str]:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import pandas as pd

    def step(case: Case) -> bytes:
        table = pd.DataFrame(case.signal_mv.T, columns=list(LEADS))
        leads = module.template_factory("4x3+1", table, leads_map=None)
        figure = module.ECGPlotter().plot(
            table, configuration=leads, sampling_frequency=case.fs_hz, show=False
        )
        stream = io.BytesIO()
        figure.savefig(stream, dpi=200, format="png")
        plt.close(figure)
        return stream.getvalue()

    yield Row(f"pmecg {number}, 4x3+1", "2165x1023", step)


def _ecg_plot(module: Any, number: str) -> Iterator[Row | str]:
    def chart(case: Case) -> Any:
        return module.plot(
            case.signal_mv, sample_rate=case.fs_hz, lead_names=list(LEADS), layout="12lead", rhythm_lead="II",
            time_mode="sequential",
        )  # fmt: skip

    yield Row(f"ecg-plot {number}, 12lead + II, SVG alone", "-", lambda case: chart(case).to_svg().encode())
    try:
        cairosvg = importlib.import_module("cairosvg")
    except (ImportError, OSError) as fault:
        yield f"ecg-plot as PNG is not measured: {fault}"
        return

    def png(case: Case) -> bytes:
        return bytes(cairosvg.svg2png(bytestring=chart(case).to_svg().encode(), dpi=200))

    yield Row(f"ecg-plot {number}, 12lead + II, PNG", "-", png)


def measure(all_rows: list[Row], found: list[Case], repeats: int) -> list[dict[str, Any]]:
    """CPU milliseconds a page, in turns; the first record warms everything up."""
    spent: list[list[float]] = [[] for _ in all_rows]
    weights: list[list[int]] = [[] for _ in all_rows]
    for row in all_rows:
        row.step(row.prepare(found[0]))
    for _ in range(repeats):
        for case in found:
            for place, row in enumerate(all_rows):
                given = row.prepare(case)
                begun = time.process_time()
                data = row.step(given)
                spent[place].append(1000 * (time.process_time() - begun))
                weights[place].append(len(data))
    return [
        {
            "name": row.name,
            "size": row.size,
            "pages": len(times),
            "median_ms": statistics.median(times),
            "mean_ms": statistics.mean(times),
            "min_ms": min(times),
            "pages_s": 1000 / statistics.median(times),
            "kb": statistics.mean(held) / 1000,
            **({"target_pages_s": row.target_s} if row.target_s else {}),
        }
        for row, times, held in zip(all_rows, spent, weights, strict=True)
    ]


_FIRST = """
import time, numpy as np
begun = time.process_time()
from twelvelead.paper.compose import compose
from twelvelead.paper.degrade import Degradation
from twelvelead.paper.encode import png_bytes
from twelvelead.paper.jpeg import jpeg_bytes
from twelvelead.paper.page import PageStyle, render
from twelvelead.paper.photo import photograph
imported = time.process_time()
style, signal = PageStyle("3x4+1r", 1120, 560), np.zeros((12, 5000), dtype=np.float32)
png_bytes(render(signal, 500.0, style))
clean = time.process_time()
everything = Degradation(*[0.3] * 18)
jpeg_bytes(photograph(compose(signal, 500.0, style), everything, (1, 2)))
print(imported - begun, clean - imported, time.process_time() - clean)
"""


def warm_up() -> dict[str, dict[str, float]]:
    """CPU seconds of the first pages of a new process, with no machine code kept, and with it."""
    found = {}
    with TemporaryDirectory() as folder:
        for name in ("cold", "cached"):
            told = subprocess.run(
                [sys.executable, "-c", _FIRST],
                env={**os.environ, "NUMBA_CACHE_DIR": folder},
                capture_output=True, text=True, check=True,
            ).stdout.split()  # fmt: skip
            keys = ("import_s", "first_clean_page_s", "first_photo_s")
            found[name] = dict(zip(keys, map(float, told), strict=True))
    return found


def million(row: dict[str, Any]) -> dict[str, Any]:
    """A million such pages: hours of one core by the mean, and GB."""
    return {
        "name": f"{row['name']}, {row['size']}",
        "core_hours": row["mean_ms"] * MILLION / 3_600_000,
        "gb": row["kb"] * MILLION / 1e6,
    }


def main() -> None:
    """Print the table; with --json also write every figure."""
    parser = argparse.ArgumentParser(description="pages a second of one core, beside others")
    parser.add_argument("--records", type=int, default=40, help="records (default 40)")
    parser.add_argument("--repeats", type=int, default=3, help="pages of each record and row (default 3)")
    parser.add_argument("--json", type=Path, help="write every figure here")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    data, found = cases(options.records)
    theirs = list(peers())
    absent = [reason for reason in theirs if isinstance(reason, str)]
    ours = rows()
    others = [row for row in theirs if isinstance(row, Row)]
    measured = measure(ours + others, found, options.repeats)
    started = warm_up()
    print(f"{data}; CPU of one process\n{'':44} {'pixels':>10} pages/s  median     mean      kB  target")
    for row in measured:
        target = f"{row['target_pages_s']:7.0f}" if "target_pages_s" in row else ""
        print(
            f"{row['name']:44} {row['size']:>10} {row['pages_s']:7.1f} {row['median_ms']:7.2f}"
            f" {row['mean_ms']:8.2f} {row['kb']:7.0f} {target}"
        )
    for name, seconds in KIT.items():
        print(f"{name:44} {'2200x1700':>10} {1 / seconds:7.2f}  quoted from specs/paper.md, another machine")
    for reason in absent:
        print(reason)
    for name, times in started.items():
        print(f"start, {name:8}", "  ".join(f"{key} {value:.2f}" for key, value in times.items()))
    if options.json:
        figures = {
            "what": "CPU milliseconds a page of one process; pages_s is 1000 / median_ms",
            **describe(*PACKAGES),
            "data": data,
            "rows": measured[: len(ours)],
            "peers": measured[len(ours) :],
            "not_measured": absent,
            "quoted": [{"name": name, "cpu_s": seconds} for name, seconds in KIT.items()],
            "start_cpu_s": started,
            "million": [million(row) for row in measured[: len(ours)] if "alone" not in row["name"]],
        }
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
