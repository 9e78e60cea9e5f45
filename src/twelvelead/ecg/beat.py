"""From a filtered recording to its beats: R peaks, the dominant shape, the beats that differ from it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from twelvelead.ecg.filter import DETECT_HZ, WORK_HZ, Signal
from twelvelead.ecg.lead import INDEPENDENT

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
    top = np.quantile(size, 0.98, axis=1)
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
    around = sliding_window_view(np.pad(smooth, reach), 2 * reach + 1).max(axis=1)
    spots = np.flatnonzero((smooth >= around) & (smooth > 0))
    spots = spots[np.diff(spots, prepend=-reach - 1) > reach]
    window = 2 * DETECT_HZ
    highest = np.array(
        [smooth[at : at + window].max() for at in range(0, max(smooth.size - window // 2, 1), window)]
    )
    level = float(np.median(highest))
    centre = _centre(energy, _accept(spots, smooth[spots], level)) / DETECT_HZ
    # A step or half a QRS at the very edge is no beat that could be measured.
    return centre[(centre > EDGE_S) & (centre < detect.shape[1] / DETECT_HZ - EDGE_S)]


def _accept(spots: Indices, height: Signal, level: float) -> Indices:
    """Keep candidates above the threshold, drop T waves, and look again, lower, into gaps."""
    kept = [k for k in range(spots.size) if height[k] > 0.4 * level]
    kept = [k for k in kept if not _is_t(k, kept, spots, height)]
    if len(kept) > 2:
        typical = float(np.median(np.diff(spots[kept])))
        far, found = min(0.36 * DETECT_HZ, 0.55 * typical), []
        for before, after in pairwise(kept):
            if spots[after] - spots[before] > 1.6 * typical:
                between = [k for k in range(before + 1, after) if height[k] > 0.22 * level]
                found += [k for k in between if min(spots[k] - spots[before], spots[after] - spots[k]) > far]
        kept += found
    return spots[sorted(kept)]


def _is_t(k: int, kept: list[int], spots: Indices, height: Signal) -> bool:
    previous = [j for j in kept if j < k]
    if not previous:
        return False
    j = previous[-1]
    return bool(spots[k] - spots[j] < 0.36 * DETECT_HZ and height[k] < 0.6 * height[j])


def _moving_mean(x: Signal, width: int) -> Signal:
    """Return the centred mean of an odd number of samples along the last axis, edges repeated."""
    half = width // 2
    pad = [(0, 0)] * (x.ndim - 1) + [(half + 1, half)]
    total = np.cumsum(np.pad(x, pad, mode="edge"), axis=-1)
    return (total[..., width:] - total[..., :-width]) / width


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
    padded = np.pad(wave_mv, ((0, 0), (WORK_HZ, WORK_HZ)), mode="edge")
    rows = padded[list(INDEPENDENT)]

    def cut(at: Indices, reach: int) -> Signal:
        return rows[:, (at + WORK_HZ)[:, None] + np.arange(-reach, reach + 1)].transpose(1, 0, 2)

    first = _unit(cut(where[:60], half)[:, :, ::2])
    alike = (first[:, None] * first[None]).sum(axis=(2, 3)) > SAME_SHAPE
    seed = int(np.argmax(alike.sum(axis=1) + 0.5 * alike[:, ~premature[:60]].sum(axis=1)))
    members = np.flatnonzero(alike[seed])
    for _ in range(2):
        shape = np.median(cut(where[members], half), axis=0)
        likeness = _likeness(cut(where, half + slack), shape)
        match = likeness.max(axis=1)
        where = where + np.where(match > OTHER_SHAPE, likeness.argmax(axis=1) - slack, 0)
        members = np.flatnonzero(match > SAME_SHAPE)
        if members.size == 0:
            members = np.flatnonzero(match >= match.max())
    return _stack(padded, where, peaks_s, premature, match)


def _stack(
    padded: Signal, where: Indices, peaks_s: Signal, premature: NDArray[np.bool_], match: Signal
) -> Beats | None:
    before, after = round(BEFORE_S * WORK_HZ), round(AFTER_S * WORK_HZ)
    n = padded.shape[1] - 2 * WORK_HZ
    same = match > OTHER_SHAPE
    if same.sum() < 2:
        return None
    complete = (where >= before) & (where + after < n)
    for wanted in (same & complete & ~premature, same & complete, same):
        chosen = np.flatnonzero(wanted)
        if chosen.size >= 3:
            break
    at = (where[chosen] + WORK_HZ)[:, None] + np.arange(-before, after)
    stack = padded[:, np.clip(at, 0, padded.shape[1] - 1)].transpose(1, 0, 2)
    return Beats(where / WORK_HZ, _premature(where / WORK_HZ), ~same, chosen, stack, np.median(stack, axis=0))


def _unit(x: Signal) -> Signal:
    """Scale each beat (n, leads, samples) to zero mean in each lead and unit energy over all."""
    centred = x - x.mean(axis=2, keepdims=True)
    return centred / np.sqrt(np.maximum((centred**2).sum(axis=(1, 2), keepdims=True), 1e-12))


def _likeness(long: Signal, shape: Signal) -> Signal:
    """Correlate (n, leads, samples) with a shorter (leads, width) shape at every lag: (n, lags)."""
    width = shape.shape[1]
    pattern = _unit(shape[None])[0]
    lags = long.shape[2] - width + 1
    dot = np.stack(
        [(long[:, :, lag : lag + width] * pattern).sum(axis=(1, 2)) for lag in range(lags)], axis=1
    )
    sums = np.cumsum(np.pad(np.stack([long, long**2]), [(0, 0)] * 3 + [(1, 0)]), axis=-1)
    sums = sums[..., width:] - sums[..., :-width]
    energy = (sums[1] - sums[0] ** 2 / width).sum(axis=1)
    return dot / np.sqrt(np.maximum(energy, 1e-12))


def _premature(peaks_s: Signal) -> NDArray[np.bool_]:
    """Mark beats that come too soon; in bigeminy the mean RR is typical, not the median."""
    rr = np.diff(peaks_s)
    early = np.zeros(peaks_s.size, dtype=bool)
    early[1:] = rr < PREMATURE * max(float(np.median(rr)), float(rr.mean()))
    return early
