"""How much of a signal comes back from a page: signal-to-noise ratio by layout, resolution and preset.

`round trip` reads the trace mask of a clean page where its geometry says the traces are: what the pixels
hold. `clean` is the PNG and `scan` the JPEG, both read by `digitise` without a hint. Of a page that shows
median complexes only the rhythm strips count. Signals are simulated ones, and real PTB-XL records where
TWELVELEAD_SHARED names a folder with them. A page that was refused, or taken for another layout, is counted
and has no leads in the quantiles; what is missing on a page that was read counts as 0 dB.

    python bench/digitise.py --json bench/results/digitise.json
"""

from __future__ import annotations

import os

os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from hardware import describe
from numpy.typing import NDArray

from twelvelead.data.wfdb import read_record
from twelvelead.errors import RecordError
from twelvelead.paper.compose import compose
from twelvelead.paper.digitise.fidelity import round_trip, shown_on, snr_db
from twelvelead.paper.digitise.picture import digitise
from twelvelead.paper.encode import png_bytes
from twelvelead.paper.jpeg import jpeg_bytes
from twelvelead.paper.page import render
from twelvelead.paper.photo import photograph
from twelvelead.paper.presets import draw_degradation
from twelvelead.paper.style import FORMS, PageStyle
from twelvelead.simulate.population import draw_population
from twelvelead.simulate.record import simulate_record

PACKAGES = ("numpy", "scipy", "numba", "pillow", "simplejpeg")
FS_HZ = 500.0
Signal = NDArray[np.floating[Any]]
Picture = Callable[[Signal, PageStyle, int], bytes]


def styles() -> Iterator[tuple[str, PageStyle]]:
    """Every layout at 8 and 4 px/mm, and the tiny model's own page."""
    for layout in FORMS:
        yield "A4, 8 px/mm", PageStyle.paper("a4", layout=layout)
        high = 1120 if layout == "12x1" else 560
        style = PageStyle(layout, 1120, high)
        yield f"1120x{high}, {style.px_mm:.1f} px/mm", style
    yield f"336x336, {PageStyle().px_mm:.1f} px/mm", PageStyle()


def sources(records: int) -> Iterator[tuple[str, list[Signal]]]:
    """Simulated signals, and real ones where there are any."""
    plans = draw_population(max(records, 40), seed=1)[:records]
    yield "simulated, seed 1", [simulate_record(plan).T / 1000.0 for plan in plans]
    folder = Path(os.environ.get("TWELVELEAD_SHARED", "")) / "data/ptb-xl/records500"
    headers = sorted(folder.rglob("*.hea")) if "TWELVELEAD_SHARED" in os.environ else []
    if headers:
        chosen = headers[:: max(len(headers) // records, 1)][:records]
        yield "PTB-XL", [read_record(header.with_suffix("")).signal_mv for header in chosen]


def clean(signal: Signal, style: PageStyle, number: int) -> bytes:
    """The page as PNG."""
    return png_bytes(render(signal, FS_HZ, style))


def scan(signal: Signal, style: PageStyle, number: int) -> bytes:
    """A scan of it as JPEG, another one for each record."""
    degradation = draw_degradation("scan", np.random.default_rng([number, 11]))
    return jpeg_bytes(photograph(compose(signal, FS_HZ, style), degradation, (11, number)))


def quantiles(leads: list[float]) -> dict[str, Any]:
    """Median and 5th percentile of the leads, and how many are above 20 dB."""
    levels = np.array([level for level in leads if np.isfinite(level)])
    if not len(levels):
        return {"leads": 0}
    return {
        "leads": len(levels),
        "median_db": round(float(np.median(levels)), 2),
        "p5_db": round(float(np.percentile(levels, 5)), 2),
        "above_20_db": round(float((levels > 20).mean()), 3),
    }


def trips(signals: list[Signal], style: PageStyle) -> dict[str, Any]:
    """Out and back by the mask."""
    return quantiles([level for signal in signals for level in round_trip(signal, FS_HZ, style)])


def readings(signals: list[Signal], style: PageStyle, picture: Picture) -> dict[str, Any]:
    """Out as a picture, and back by what can be seen on it."""
    levels: list[float] = []
    refused: list[str] = []
    mistaken: dict[str, int] = {}
    spent = []
    for number, signal in enumerate(signals):
        data = picture(signal, style, number)
        begun = time.process_time()
        try:
            found = digitise(data, FS_HZ)
        except RecordError as fault:
            refused.append(fault.what)
            continue
        finally:
            spent.append(time.process_time() - begun)
        if found.layout != style.layout:
            mistaken[found.layout] = mistaken.get(found.layout, 0) + 1
            continue
        truth = shown_on(signal, FS_HZ, style)
        count = min(truth.shape[1], found.signal_mv.shape[1])
        levels += list(snr_db(truth[:, :count], found.signal_mv[:, :count]))
    return {
        "pages": len(signals),
        "refused": len(refused),
        "why": sorted(set(refused)),
        "taken_for": mistaken,
        **quantiles(levels),
        "cpu_s": round(statistics.median(spent), 3),
    }


def main() -> None:
    """Print the table; with --json also write every figure."""
    parser = argparse.ArgumentParser(description="signal-to-noise ratio of digitised pages")
    parser.add_argument("--records", type=int, default=10, help="of each source (default 10)")
    parser.add_argument("--json", type=Path, help="write every figure here")
    options = parser.parse_args()
    rows = []
    for source, signals in sources(options.records):
        print(f"{source}, {len(signals)} records\n{'':58} median     p5  >20 dB  refused  other layout")
        for size, style in styles():
            ways: list[tuple[str, dict[str, Any]]] = [("round trip", trips(signals, style))]
            ways += [(picture.__name__, readings(signals, style, picture)) for picture in (clean, scan)]
            for way, figures in ways:
                rows.append({"source": source, "layout": style.layout, "size": size, "way": way, **figures})
                levels = (
                    f"{figures['median_db']:6.1f} {figures['p5_db']:6.1f} {figures['above_20_db']:7.0%}"
                    if figures["leads"]
                    else f"{'-':>6} {'-':>6} {'-':>7}"
                )
                print(
                    f"{style.layout:8} {size:24} {way:24} {levels} {figures.get('refused', 0):8}"
                    f" {sum(figures.get('taken_for', {}).values()):8}",
                    flush=True,
                )
    if options.json:
        figures = {
            "what": "signal-to-noise ratio of leads read back from pages; cpu_s is that of one digitise",
            **describe(*PACKAGES),
            "records_of_each_source": options.records,
            "rows": rows,
        }
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
