"""Examples for pretraining the embedded base: simulated pages with the truth of everything visible on them.

Beside the truth that questions are made of, each page has dense targets: where in each patch column a QRS,
a premature wide QRS or a P wave stands. A tiny vision tower learns timing from these and hardly from
yes/no answers alone (specs/eyesight.md: PR and RR variability were not learnt from whole-page targets).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twelvelead.instruct.perception import DEFLECTIONS, Seen
from twelvelead.models.tiny import PATCH_PX, TILE_PX

COLUMNS = TILE_PX // PATCH_PX  # patch columns of a page, 12 rows of them
BINS = 7  # of 4 px, 0.126 s, within a patch column
KINDS = ("qrs", "wide", "p")
SCALARS = (
    "rate_bpm", "pr_ms", "qrs_ms", "qtc_ms", "axis_deg", "p_present", "irregular",
    "ectopic_beats", "rr_sd_ms",
)  # fmt: skip
CHUNK = 250
P_MIDDLE_S = 0.05  # half a normal P wave


@dataclass(frozen=True, slots=True)
class Examples:
    """Memory-mapped examples.

    Attributes:
        pixels: (N, 336, 336) uint8 palette indices.
        scalars: (N, len(SCALARS)) float32, NaN where there is no such value.
        leads: (N, len(DEFLECTIONS), 12) float32 mV.
        bins: (N, len(KINDS), COLUMNS · BINS) bool.
        palette: (256, 3) uint8.
    """

    pixels: NDArray[np.uint8]
    scalars: NDArray[np.float32]
    leads: NDArray[np.float32]
    bins: NDArray[np.bool_]
    palette: NDArray[np.uint8]

    def seen(self, number: int) -> Seen:
        """The truth of one example, as questions take it."""
        scalars = {name: float(value) for name, value in zip(SCALARS, self.scalars[number], strict=True)}
        return Seen(scalars, dict(zip(DEFLECTIONS, self.leads[number], strict=True)))


def make_examples(records: int, seed: int, folder: Path) -> Examples:
    """Simulate, render and measure; finished chunks in `folder` are kept."""
    from twelvelead.data.pool import in_order
    from twelvelead.progress import track

    folder.mkdir(parents=True, exist_ok=True)
    tasks = [
        (folder / f"chunk-{start:06d}.npz", start, min(CHUNK, records - start), seed)
        for start in range(0, records, CHUNK)
    ]
    for _ in track(
        in_order(_make_chunk, tasks), total=len(tasks), title="pretraining pages", unit=f"chunks of {CHUNK}"
    ):
        pass
    return _open(folder, [task[0] for task in tasks], records)


def _open(folder: Path, chunks: Sequence[Path], records: int) -> Examples:
    """Join the chunks; pictures go to a memory map, for 40,000 of them are 4.5 GB."""
    whole = folder / "pixels.npy"
    pixels = np.lib.format.open_memmap(whole, mode="w+", dtype=np.uint8, shape=(records, TILE_PX, TILE_PX))
    parts: dict[str, list[Any]] = {"scalars": [], "leads": [], "bins": []}
    palette = None
    at = 0
    for chunk in chunks:
        with np.load(chunk) as saved:
            pixels[at : at + len(saved["pixels"])] = saved["pixels"]
            at += len(saved["pixels"])
            palette = saved["palette"]
            for name, rows in parts.items():
                rows.append(saved[name])
    assert palette is not None
    joined = {name: np.concatenate(rows) for name, rows in parts.items()}
    return Examples(pixels=pixels, palette=palette, **joined)


def _make_chunk(task: tuple[Path, int, int, int]) -> None:
    path, start, count, seed = task
    if path.is_file():
        return
    from twelvelead.paper.page import PageStyle
    from twelvelead.simulate.population import draw_varied

    plans = draw_varied(count, seed + start // CHUNK)
    made = [_example(plan, PageStyle()) for plan in plans]
    pixels, scalars, leads, bins, palettes = (np.stack(part) for part in zip(*made, strict=True))
    aside = path.with_name(f".tmp-{path.name}")
    np.savez(aside, pixels=pixels, scalars=scalars, leads=leads, bins=bins, palette=palettes[0])
    aside.replace(path)


def _example(plan: Any, style: Any) -> tuple[NDArray[Any], ...]:
    from twelvelead.paper.page import render
    from twelvelead.simulate.record import appearance, rhythm_of, simulate_record

    page = render(simulate_record(plan).T.astype(np.float32) / 1000.0, 500.0, style)
    seen = appearance(plan)
    rhythm = rhythm_of(plan)
    rr_sd_ms = float(rhythm.rr_s.std() * 1000)
    scalars = np.array(
        [rr_sd_ms if name == "rr_sd_ms" else getattr(seen, name) for name in SCALARS], np.float32
    )
    waves = {"st_mv": "st60_mv"}
    leads = np.array([getattr(seen, waves.get(name, name)) for name in DEFLECTIONS], np.float32)
    return page.pixels, scalars, leads, _bins(rhythm, seen.qrs_ms, page), page.palette


def _bins(rhythm: Any, qrs_ms: float, page: Any) -> NDArray[np.bool_]:
    """Which 4-px slots of the page's width hold the middle of a QRS, of a premature wide QRS, of a P wave."""
    left_px, second_px = page.boxes[0].x0, page.style.speed_mm_s * page.px_mm
    middle_s = rhythm.onset_s + qrs_ms / 2000
    p_s = rhythm.p_onset_s + P_MIDDLE_S
    marks = np.zeros((len(KINDS), COLUMNS * BINS), dtype=bool)
    for row, times in enumerate((middle_s, middle_s[rhythm.ectopic], p_s)):
        slots = np.floor(
            (left_px + times[(times >= 0) & (times < 10.0)] * second_px) / (PATCH_PX / BINS)
        ).astype(int)
        marks[row, slots[(slots >= 0) & (slots < COLUMNS * BINS)]] = True
    return marks
