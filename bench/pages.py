"""How long one page takes, beside matplotlib's Agg drawing the same page from the same layout.

CPU time of one process on one core; ours and matplotlib's take turns record by record, so that a busy
machine slows both. Each page is drawn and encoded as PNG. What depends on the style alone is warm for both:
our cached grid and lettering, and a matplotlib figure that is kept and only gets new traces (it still redraws
its grid).

    python bench/pages.py --json bench/results/pages.json
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hardware import describe

from twelvelead.ecg.lead import LEADS
from twelvelead.paper.encode import png_bytes
from twelvelead.paper.grid import COLOURS, MIN_PX_MM
from twelvelead.paper.layout import PULSE_S, lay_out
from twelvelead.paper.page import PageStyle, render
from twelvelead.simulate.population import draw_population
from twelvelead.simulate.record import simulate_record

FS_HZ = 500.0
STYLES = (PageStyle("12x1", 336, 336), PageStyle("3x4+1r", 1120, 560))
PACKAGES = ("numpy", "numba", "isal", "matplotlib")


def matplotlib_page(style: PageStyle) -> Callable[[np.ndarray], bytes]:
    """A function from a signal to a PNG: axes in millimetres, collections for the grid and for the traces."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    layout, dpi = lay_out(style), style.px_mm * 25.4
    width_mm, height_mm = style.width_px / style.px_mm, style.height_px / style.px_mm
    figure = Figure((style.width_px / dpi, style.height_px / dpi), dpi=dpi, facecolor=(1.0, 0.99, 0.98))
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(0, width_mm), ylim=(height_mm, 0))
    colour = tuple(channel / 255 for channel in COLOURS[style.grid])
    for step_mm, width_pt in ((1.0, 0.4), (5.0, 0.8)):
        if step_mm == 5.0 or style.px_mm >= MIN_PX_MM:
            lines = [[(x, 0), (x, height_mm)] for x in np.arange(0, width_mm, step_mm)]
            lines += [[(0, y), (width_mm, y)] for y in np.arange(0, height_mm, step_mm)]
            axes.add_collection(LineCollection(lines, colors=[colour], linewidths=width_pt))
    pulse_mm = PULSE_S * style.speed_mm_s
    for x, y in layout.pulses_mm:
        axes.plot(
            [x, x, x + pulse_mm, x + pulse_mm], [y, y - style.gain_mm_mv, y - style.gain_mm_mv, y], "k", lw=1
        )
    for strip in layout.strips:
        axes.text(*strip.name_mm, LEADS[strip.lead], fontsize=layout.name_height_mm * 72 / 25.4 / 0.73)
    pen = max(0.35, 1.4 / style.px_mm) * 72 / 25.4
    traces = axes.add_collection(LineCollection([], colors="k", linewidths=pen))

    def draw(signal_mv: np.ndarray) -> bytes:
        lines = []
        for strip in layout.strips:
            first, last = round(strip.start_s * FS_HZ), round(strip.end_s * FS_HZ)
            samples = signal_mv[strip.lead, first : last + 1]
            x_mm = strip.left_mm + np.arange(len(samples)) / FS_HZ * style.speed_mm_s
            lines.append(np.column_stack([x_mm, strip.baseline_mm - samples * style.gain_mm_mv]))
        traces.set_segments(lines)
        stream = io.BytesIO()
        canvas.print_png(stream)
        return stream.getvalue()

    return draw


def measure(style: PageStyle, signals: list[np.ndarray], repeats: int) -> dict[str, Any]:
    """Median CPU milliseconds a page, and what the pages weigh."""
    peer = matplotlib_page(style)
    peer(signals[0])
    png_bytes(render(signals[0], FS_HZ, style))
    times: dict[str, list[float]] = {"render": [], "png": [], "page": [], "matplotlib": []}
    ours_bytes, peer_bytes = [], []
    for _ in range(repeats):
        for signal in signals:
            begun = time.process_time()
            page = render(signal, FS_HZ, style)
            drawn = time.process_time()
            ours_bytes.append(len(png_bytes(page)))
            encoded = time.process_time()
            peer_bytes.append(len(peer(signal)))
            done = time.process_time()
            for name, seconds in zip(
                times, (drawn - begun, encoded - drawn, encoded - begun, done - encoded), strict=True
            ):
                times[name].append(seconds * 1000)
    median = {f"{name}_ms": statistics.median(values) for name, values in times.items()}
    return {
        "layout": style.layout,
        "width_px": style.width_px,
        "height_px": style.height_px,
        "pages": repeats * len(signals),
        **median,
        "page_min_ms": min(times["page"]),
        "pages_s": 1000 / median["page_ms"],
        "ratio": median["matplotlib_ms"] / median["page_ms"],
        "png_kb": statistics.mean(ours_bytes) / 1000,
        "matplotlib_png_kb": statistics.mean(peer_bytes) / 1000,
    }


def main() -> None:
    """Print the table; with --json also write every figure."""
    parser = argparse.ArgumentParser(description="CPU time of a page, beside matplotlib")
    parser.add_argument("--records", type=int, default=8, help="simulated records (default 8)")
    parser.add_argument("--repeats", type=int, default=10, help="pages of each record (default 10)")
    parser.add_argument("--json", type=Path, help="write every figure here")
    options = parser.parse_args()
    plans = draw_population(max(options.records, 40), seed=1)[: options.records]
    signals = [(simulate_record(plan).T / 1000).astype(np.float32) for plan in plans]
    rows = [measure(style, signals, options.repeats) for style in STYLES]
    print("layout   pixels      render    png   page   (min)  pages/s  matplotlib   ratio   kB (matplotlib)")
    for row in rows:
        print(
            f"{row['layout']:8} {row['width_px']:>4}x{row['height_px']:<4} {row['render_ms']:9.2f}"
            f" {row['png_ms']:6.2f} {row['page_ms']:6.2f}  ({row['page_min_ms']:.2f}) {row['pages_s']:8.0f}"
            f" {row['matplotlib_ms']:8.1f} ms {row['ratio']:6.1f}x {row['png_kb']:5.0f}"
            f" ({row['matplotlib_png_kb']:.0f})"
        )
    if options.json:
        figures = {
            "what": "CPU milliseconds a page on one core, median; ratio is matplotlib_ms / page_ms",
            **describe(*PACKAGES),
            "data": f"{options.records} simulated records, seed 1, 500 Hz",
            "pages": rows,
        }
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
