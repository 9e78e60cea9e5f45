"""What a picture looks like, in some sixty numbers that tell ECG pages from everything else.

Ink is what the digitiser takes for ink, at a size at which a pen is a pixel or two wide. Of it are told: how
much there is and in how many pieces, how much lies in long flat pieces (traces), in how many rows, how often
these rise steeply and whether they do so together (a beat shows in all leads at once), which ways edges run
at four scales, and how clear a grid's ruler is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from twelvelead.paper.digitise.calibration import find_lattice
from twelvelead.paper.digitise.ink import Levels, find_ink

LONG_PX = 1000
CUTS = ((0.5, 1), (0.5, 7), (0.3, 3))  # share of full ink, and the gap in px that a trace may have
WIDE, FLAT, HOLLOW = 0.08, 0.5, 0.35  # of the width, the height, and its box: a piece that may be a trace
MOST_PIECES = 4000  # noise has tens of thousands
MOST_TRACES = 40
SHIFT_PX, STEP_PX = 20, 4  # between beats of two rows: pages lie turned
TOGETHER_PX = 3.0
BINS, SCALES = 4, 4
Floats = NDArray[np.float64]


def describe(rgb: NDArray[np.uint8]) -> Floats:
    """The numbers of a picture.

    Args:
        rgb: (height, width, 3).

    Raises:
        RecordError: There is nothing dark on it, or it is smaller than 64 px.
    """
    small = shrunk(rgb)
    ink = find_ink(small)
    found = [float(np.log1p(1000 * (ink.coverage > 0.5).mean()))]
    for cut, gap in CUTS:
        found += _traces(ink.coverage > cut, gap)
    found += _edges(ink.coverage)
    found += _profiles(ink.coverage)
    found += _ruler(ink.grid)
    found += _colours(small, ink.coverage)
    return np.nan_to_num(np.asarray(found, np.float64), posinf=0.0, neginf=0.0)


def shrunk(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture, LONG_PX at most; never enlarged."""
    from PIL import Image

    height, width = rgb.shape[:2]
    scale = LONG_PX / max(height, width)
    if scale >= 1:
        return rgb
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BOX))


def trace_rows(rgb: NDArray[np.uint8]) -> float:
    """How many rows of traces a picture seems to have; for a sentence, not for a decision."""
    return float(np.expm1(_traces(find_ink(shrunk(rgb)).coverage > CUTS[1][0], CUTS[1][1])[4]))


def _traces(on: NDArray[np.bool_], gap: int) -> list[float]:
    height, width = on.shape
    joined = ndimage.binary_dilation(on, np.ones((1, gap + 2)))
    labels, count = ndimage.label(joined, np.ones((3, 3)))
    if not 0 < count <= 10 * MOST_PIECES:
        return [float(np.log1p(count)), *[0.0] * 9]
    boxes = ndimage.find_objects(labels)
    sizes = np.array([(box[0].stop - box[0].start, box[1].stop - box[1].start) for box in boxes], float)
    area = np.bincount(labels.ravel(), weights=on.ravel(), minlength=count + 1)[1:]
    tall, wide = sizes.T
    likely = (wide >= WIDE * width) & (tall <= FLAT * height) & (area < HOLLOW * tall * wide)
    chosen = np.flatnonzero(likely)
    chosen = chosen[np.argsort(wide[chosen])[::-1][:MOST_TRACES]]
    told = [float(np.log1p(count)), float(np.log1p(len(chosen))), float(np.log1p(wide[chosen].sum() / width)),
            float(area[chosen].sum() / max(area.sum(), 1))]  # fmt: skip
    if not len(chosen):
        return [*told, *[0.0] * 6]
    extents = [_extent(labels, boxes[number], number + 1, on) for number in chosen.tolist()]
    rows = np.zeros(width)
    for start, extent in extents:
        rows[start : start + len(extent)] += extent > 0
    every = np.concatenate([extent[extent > 0] for _, extent in extents])
    pen = max(float(np.percentile(every, 25)), 1.0)
    steep = every > 4 * pen + 2
    told += [float(np.log1p(np.percentile(rows, 75))), float(np.log1p(np.median(rows))), pen]
    told += [float(steep.mean()), float(np.log(np.percentile(every, 98) / pen + 1))]
    return [*told, _together(extents, pen, width)]


def _extent(
    labels: NDArray[Any], box: tuple[slice, slice], number: int, on: NDArray[np.bool_]
) -> tuple[int, Floats]:
    """First column of a piece, and how high its ink reaches in every column."""
    own = (labels[box] == number) & on[box]
    any_ink = own.any(axis=0)
    top, below = own.argmax(axis=0), own[::-1].argmax(axis=0)
    return box[1].start, np.where(any_ink, own.shape[0] - below - top, 0).astype(float)


def _together(extents: list[tuple[int, Floats]], pen: float, width: int) -> float:
    """Middle correlation of steepness between traces that share columns, at the best shift."""
    soft = [
        (start, ndimage.gaussian_filter1d(np.clip(extent - pen, 0, 8 * pen), TOGETHER_PX))
        for start, extent in extents[:12]
    ]
    found = []
    for number, (start, one) in enumerate(soft):
        for begin, other in soft[number + 1 :]:
            low, high = max(start, begin), min(start + len(one), begin + len(other))
            if high - low < WIDE * width or high - low <= 2 * SHIFT_PX:
                continue
            a, b = one[low - start : high - start], other[low - begin : high - begin]
            found.append(max(_correlation(a, b, shift) for shift in range(-SHIFT_PX, SHIFT_PX + 1, STEP_PX)))
    return float(np.median(found)) if found else 0.0


def _correlation(a: Floats, b: Floats, shift: int) -> float:
    a, b = (a[shift:], b[: len(b) - shift]) if shift >= 0 else (a[:shift], b[-shift:])
    a, b = a - a.mean(), b - b.mean()
    power = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / power if power > 1e-9 else 0.0


def _edges(coverage: Levels) -> list[float]:
    """Energy of edges by direction, at scales a factor of two apart."""
    told, level = [], coverage
    for _ in range(SCALES):
        if min(level.shape) < 8:
            told += [0.0] * (BINS + 1)
            continue
        down, right = np.gradient(level)
        energy = np.hypot(down, right)
        bins = ((np.arctan2(down, right) + np.pi / (2 * BINS)) % np.pi / np.pi * BINS).astype(int) % BINS
        sums = np.bincount(bins.ravel(), weights=energy.ravel(), minlength=BINS)
        told += [float(np.log1p(100 * energy.mean())), *(sums / max(float(sums.sum()), 1e-9)).tolist()]
        even = level[: level.shape[0] // 2 * 2, : level.shape[1] // 2 * 2]
        level = even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2).max(axis=(1, 3))
    return told


def _profiles(coverage: Levels) -> list[float]:
    """How uneven ink is along rows and columns, and how evenly that repeats."""
    told = []
    for axis in (0, 1):
        line = ndimage.gaussian_filter1d(coverage.sum(axis=axis, dtype=np.float64), 3)
        told.append(float(line.std() / (line.mean() + 1e-9)))
        flat = line - ndimage.gaussian_filter1d(line, 60)
        spectrum = np.abs(np.fft.rfft(flat * np.hanning(len(flat)), 2048)) ** 2
        again = np.fft.irfft(spectrum)[: len(flat) // 2]
        told.append(float(again[25:].max(initial=0) / (again[0] + 1e-9)))
    filled = ndimage.uniform_filter(coverage, max(min(coverage.shape) // 10, 3))[::50, ::50]
    return [*told, float((filled > 0.004).mean()), float(filled.std() / (filled.mean() + 1e-9))]


def _ruler(grid: Levels) -> list[float]:
    lattice = find_lattice(grid)
    return [0.0, 0.0] if lattice is None else [1.0, float(np.log(lattice.px_mm))]


def _colours(rgb: NDArray[np.uint8], coverage: Levels) -> list[float]:
    values = rgb.astype(np.float32) / 255
    spread = values.max(axis=2) - values.min(axis=2)
    red = values[..., 0] - values[..., 1]
    ink = coverage > 0.5
    told = [float(spread.mean()), float(np.percentile(spread, 90)), float(np.percentile(red, 90))]
    told += [float(spread[ink].mean()) if ink.any() else 0.0, float(values.mean()), float(values.std())]
    return [*told, float(np.log(rgb.shape[1] / rgb.shape[0]))]
