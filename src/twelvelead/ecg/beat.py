"""From a filtered recording to its beats: R peaks, the dominant shape, the beats that differ from it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from twelvelead.ecg.filter import DETECT_HZ, WORK_HZ, Signal
from twelvelead.ecg.lead import INDEPENDENT
from twelvelead.ecg.rank import median, median_beat, quantile

Indices = NDArray[np.intp]

BEFORE_S, AFTER_S = 0.44, 0.72  # of the median beat around R: holds PR up to 360 ms and QT up to 640 ms
EDGE_S = 0.08
REFRACTORY_S = 0.2
PREMATURE = 0.85  # of the typical RR
SAME_SHAPE = 0.9  # correlation of QRS complexes of one focus
OTHER_SHAPE = 0.75


@dataclass(frozen=True, slots=True, eq=False)
class Beats:
    """The beats of one recording.

    Attributes:
        peaks_s: (n,) times of R (centre of QRS energy) from the start of the recording.
        premature: (n,) bool, came before 0.85 of the typical RR.
        discordant: (n,) bool, QRS unlike the dominant one.
        chosen: (k,) which beats `stack` holds: dominant shape, complete, not premature where enough are left.
        stack_mv: (k, 12, m) the chosen beats, R at `BEFORE_S`, at `WORK_HZ`.
        median_mv: (12, m) their median.
    """

    peaks_s: Signal
    premature: NDArray[np.bool_]
    discordant: NDArray[np.bool_]
    chosen: Indices
    stack_mv: Signal
    median_mv: Signal


def find_peaks(detect: Signal) -> Signal:
    """Return the times of the QRS complexes in seconds, from the (8, k) detection signal; may be empty."""
    size = np.abs(detect)
    top = quantile(size, 0.98)
    # A QRS fills a tenth of the time, noise all of it: a lead quiet between its peaks counts more.
    weight = np.clip(top / np.maximum(size.mean(axis=1), 1e-9) - 2.6, 0.05, 4.0) * (top > 0.01)
    if not weight.any():
        return np.empty(0)
    scaled = np.minimum(size / np.maximum(top, 0.02)[:, None], 1.5)
    shares = scaled**2 * (weight / weight.sum())[:, None]
    energy = shares.sum(axis=0)
    if (weight > 0).sum() >= 4:
        energy = energy - shares.max(axis=0)  # a loose electrode jumps in one lead, a heart in all
    smooth = np.sqrt(_moving_mean(energy, 13))
    reach = round(REFRACTORY_S * DETECT_HZ)
    spots = np.flatnonzero((smooth >= _highest_within(smooth, reach)) & (smooth > 0))
    spots = spots[np.diff(spots, prepend=-reach - 1) > reach]
    window = 2 * DETECT_HZ
    starts = range(0, max(smooth.size - window // 2, 1), window)
    level = median(np.array([smooth[at : at + window].max() for at in starts]))
    centre = _centre(energy, _accept(spots, smooth[spots], level)) / DETECT_HZ
    # A step or half a QRS at the very edge is no beat that could be measured.
    return centre[(centre > EDGE_S) & (centre < detect.shape[1] / DETECT_HZ - EDGE_S)]


def _highest_within(x: Signal, reach: int) -> Signal:
    """Return the highest of x from `reach` samples before to `reach` after each sample."""
    width, total = 1, 2 * reach + 1
    out = np.full(x.size + 2 * reach, -np.inf)
    out[reach : reach + x.size] = x
    while width < total:  # doubling
        step = min(width, total - width)
        out = np.maximum(out[:-step], out[step:])
        width += step
    return out


def _accept(spots: Indices, height: Signal, level: float) -> Indices:
    """Keep candidates above the threshold, drop T waves, and look again, lower, into gaps."""
    kept = [k for k in range(spots.size) if height[k] > 0.4 * level]
    kept = [k for place, k in enumerate(kept) if not (place and _is_t(k, kept[place - 1], spots, height))]
    if len(kept) > 2:
        typical = median(np.diff(spots[kept]).astype(np.float64))
        far, found = min(0.36 * DETECT_HZ, 0.55 * typical), []
        for before, after in pairwise(kept):
            if spots[after] - spots[before] > 1.6 * typical:
                between = [k for k in range(before + 1, after) if height[k] > 0.22 * level]
                found += [k for k in between if min(spots[k] - spots[before], spots[after] - spots[k]) > far]
        kept += found
    return spots[sorted(kept)]


def _is_t(k: int, before: int, spots: Indices, height: Signal) -> bool:
    """Whether a candidate is the T wave of the one before it."""
    return bool(spots[k] - spots[before] < 0.36 * DETECT_HZ and height[k] < 0.6 * height[before])


def _moving_mean(x: Signal, width: int) -> Signal:
    """Return the centred mean of an odd number of samples of a row, edges repeated."""
    half = width // 2
    total = np.cumsum(np.concatenate([np.full(half + 1, x[0]), x, np.full(half, x[-1])]))
    return (total[width:] - total[:-width]) / width


def _centre(energy: Signal, spots: Indices) -> Signal:
    """Move each peak to the centre of the energy around it, which is steadier than the highest sample."""
    reach = round(0.072 * DETECT_HZ)
    offsets = np.arange(-reach, reach + 1)
    at = np.clip(spots[:, None] + offsets, 0, energy.size - 1)
    weight = energy[at] ** 2
    return spots + (weight * offsets).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-12)


def group(wave_mv: Signal, peaks_s: Signal) -> Beats | None:
    """Align the beats, find the dominant shape and tell the others from it; None if no shape repeats."""
    if peaks_s.size < 2:
        return None
    slack = 16
    half = round(0.07 * WORK_HZ)
    where = np.rint(peaks_s * WORK_HZ).astype(np.intp)
    premature = _premature(peaks_s)
    rows = wave_mv[list(INDEPENDENT)]
    first = _unit(_cut(rows, where[:60], half, half + 1)[:, :, ::2]).reshape(min(where.size, 60), -1)
    alike = np.einsum("ik,jk->ij", first, first) > SAME_SHAPE
    seed = int(np.argmax(alike.sum(axis=1) + 0.5 * alike[:, ~premature[:60]].sum(axis=1)))
    members = np.flatnonzero(alike[seed])
    for _ in range(2):
        shape = median_beat(_cut(rows, where[members], half, half + 1))
        likeness = _likeness(_cut(rows, where, half + slack, half + slack + 1), shape)
        match = likeness.max(axis=1)
        where = where + np.where(match > OTHER_SHAPE, likeness.argmax(axis=1) - slack, 0)
        members = np.flatnonzero(match > SAME_SHAPE)
        if members.size == 0:
            members = np.flatnonzero(match >= match.max())
    return _stack(wave_mv, where, peaks_s, premature, match)


def _stack(
    wave_mv: Signal, where: Indices, peaks_s: Signal, premature: NDArray[np.bool_], match: Signal
) -> Beats | None:
    before, after = round(BEFORE_S * WORK_HZ), round(AFTER_S * WORK_HZ)
    n = wave_mv.shape[1]
    same = match > OTHER_SHAPE
    if same.sum() < 2:
        return None
    complete = (where >= before) & (where + after < n)
    for wanted in (same & complete & ~premature, same & complete, same):
        chosen = np.flatnonzero(wanted)
        if chosen.size >= 3:
            break
    stack = _cut(wave_mv, where[chosen], before, after)
    return Beats(where / WORK_HZ, _premature(where / WORK_HZ), ~same, chosen, stack, median_beat(stack))


def _cut(rows: Signal, at: Indices, before: int, after: int) -> Signal:
    """Cut `before` samples before to `after` after each place: (n, rows, samples), with edges repeated."""
    size = rows.shape[1]
    out = np.empty((at.size, rows.shape[0], before + after))
    for window, centre in zip(out, at.tolist(), strict=True):
        first, last = centre - before, centre + after
        if first >= 0 and last <= size:
            window[:] = rows[:, first:last]
        else:
            window[:] = rows[:, np.clip(np.arange(first, last), 0, size - 1)]
    return out


def _unit(x: Signal) -> Signal:
    """Scale each beat (n, leads, samples) to zero mean in each lead and unit energy over all."""
    centred = x - x.mean(axis=2, keepdims=True)
    return centred / np.sqrt(np.maximum((centred**2).sum(axis=(1, 2), keepdims=True), 1e-12))


def _likeness(long: Signal, shape: Signal) -> Signal:
    """Correlate (n, leads, samples) with a shorter (leads, width) shape at every lag: (n, lags)."""
    width = shape.shape[1]
    dot = np.einsum("nclw,cw->nl", sliding_window_view(long, width, axis=2), _unit(shape[None])[0])
    n, leads, samples = long.shape
    sums = np.zeros((n, leads, samples + 1))
    np.cumsum(long, axis=2, out=sums[:, :, 1:])
    squares = np.zeros((n, samples + 1))
    np.cumsum(np.einsum("nls,nls->ns", long, long), axis=1, out=squares[:, 1:])
    mean = sums[:, :, width:] - sums[:, :, :-width]
    energy = squares[:, width:] - squares[:, :-width] - np.einsum("nls,nls->ns", mean, mean) / width
    return dot / np.sqrt(np.maximum(energy, 1e-12))


def _premature(peaks_s: Signal) -> NDArray[np.bool_]:
    """Mark beats that come too soon; in bigeminy the mean RR is typical, not the median."""
    rr = np.diff(peaks_s)
    early = np.zeros(peaks_s.size, dtype=bool)
    early[1:] = rr < PREMATURE * max(median(rr), float(rr.mean()))
    return early
