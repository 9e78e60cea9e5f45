"""Rows of leads: equally spaced heights that have ink beside them all along the page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twelvelead.errors import RecordError
from twelvelead.paper.digitise.run import Floats, Runs, share_near

ALLOWED = (3, 4, 6, 7, 12)
PRESENT = 0.5  # share of a row's columns that have ink near 0 mV
LEAST_PITCH_MM = 4.5
INNER = (0.2, 0.9)  # part of the page's width that has traces and no pulses
LEVEL_PENS = 2.0  # ink this many pens high belongs to something level


@dataclass(frozen=True, slots=True)
class Rows:
    """Equally spaced rows: 0 mV of the first, their distance, in px; how many."""

    first: float
    pitch: float
    count: int

    def base(self, row: int) -> float:
        """0 mV of a row."""
        return self.first + row * self.pitch

    def nearest(self, y: float) -> int:
        """The row whose 0 mV is next to a height."""
        return round((y - self.first) / self.pitch)


def present(runs: Runs, rows: Rows, shape: tuple[int, ...], wanted: int) -> Rows:
    """All rows in step with some that have a trace.

    Args:
        runs: Ink of the page.
        rows: Some rows.
        shape: (height, width) of the page.
        wanted: How many there must be; 0 to find out.

    Raises:
        RecordError: There are none, or too few.
    """
    first, pitch = rows.first, rows.pitch
    low, high = round(0.25 * shape[1]), round(0.8 * shape[1])
    before = int((first - 0.15 * pitch) // pitch)
    after = int((shape[0] - 0.15 * pitch - first) // pitch)
    numbers = np.arange(-before, after + 1)
    share = np.array([share_near(runs, first + number * pitch, pitch, low, high) for number in numbers])
    if not wanted:
        there = np.flatnonzero(share > PRESENT)
        if not len(there):
            raise RecordError("there is no ECG trace on the picture", expected="rows of leads in dark ink")
        return Rows(float(first + numbers[there[0]] * pitch), pitch, int(there[-1] - there[0] + 1))
    if len(numbers) < wanted:
        raise RecordError(
            f"the picture has room for {len(numbers)} rows", expected=f"{wanted} rows", fix="check the layout"
        )
    sums = np.convolve(share, np.ones(wanted), "valid")
    best = int(np.argmax(sums))
    if sums[best] < PRESENT:
        raise RecordError("there is no ECG trace on the picture", expected="rows of leads in dark ink")
    return Rows(float(first + numbers[best] * pitch), pitch, wanted)


def comb(runs: Runs, shape: tuple[int, ...], px_mm: float, pen: float, wanted: int) -> Rows:
    """Rows by where most ink lies level, for pages without pulses.

    Raises:
        RecordError: Next to nothing is level.
    """
    thick = runs.bottom - runs.top
    low, high = (round(part * shape[1]) for part in INNER)
    columns = runs.columns
    level = (thick < LEVEL_PENS * pen + 1.0) & (thick > 0.4 * pen) & (columns > low) & (columns < high)
    lies = np.bincount(runs.middle[level].astype(int), minlength=shape[0])[: shape[0]].astype(float)
    if lies.sum() < 0.3 * shape[1]:
        raise RecordError("there is no ECG trace on the picture", expected="rows of leads in dark ink")
    counts = np.bincount(np.diff(runs.first)[low:high], minlength=14)
    counts[0] = 0
    most = int(np.argmax(counts))
    rows = wanted or min(ALLOWED, key=lambda one: abs(one - most))
    width = max(round(2.5 * px_mm), 1)
    kernel = np.hanning(2 * width + 1)
    capped = np.minimum(lies, np.percentile(lies[lies > 0], 98))
    best = _best_comb(np.convolve(capped, kernel / kernel.sum(), "same"), rows, px_mm)
    heights, numbers = [], []
    for number in range(rows):
        near = runs.middle[level & (np.abs(runs.middle - best.base(number)) < 0.35 * best.pitch)]
        if len(near) > 0.1 * shape[1]:
            heights.append(float(np.median(near)))
            numbers.append(number)
    if len(numbers) < 2:
        return best
    pitch, first = np.polyfit(numbers, heights, 1)
    return Rows(float(first), float(pitch), rows)


def _best_comb(dense: Floats, rows: int, px_mm: float) -> Rows:
    """The comb whose teeth all lie in dense ink."""
    height = len(dense)
    log = np.log(dense + 1e-3 * dense.max())
    best, most = Rows(0.0, 1.0, rows), -np.inf
    teeth = np.arange(rows)
    least = max(0.55 * height / rows, LEAST_PITCH_MM * px_mm)
    for pitch in np.arange(least, 1.02 * height / rows, max(px_mm / 4, 1.0)):
        firsts = np.arange(0.25 * pitch, height - (rows - 0.8) * pitch, max(px_mm / 2, 1.0))
        if not len(firsts):
            continue
        sums = log[(firsts[:, None] + pitch * teeth[None, :]).astype(int)].sum(axis=1)
        if sums.max() > most:
            most = float(sums.max())
            best = Rows(float(firsts[int(np.argmax(sums))]), float(pitch), rows)
    return best
