"""From a filtered recording to its beats: R peaks, the dominant shape, the beats that differ from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from twelvelead.ecg.filter import DETECT_HZ, WORK_HZ, Signal
from twelvelead.ecg.kernel import centres, compiled, cut, likeness, qrs_energy, smooth_root, summits
from twelvelead.ecg.lead import INDEPENDENT
from twelvelead.ecg.rank import median, median_down, quantile

Indices = NDArray[np.intp]
ROWS = np.array(INDEPENDENT)

BEFORE_S, AFTER_S = 0.44, 0.72  # of the median beat around R: holds PR up to 360 ms and QT up to 640 ms
EDGE_S = 0.08
REFRACTORY_S = 0.2
SMOOTH = 13  # samples at `DETECT_HZ`: the width of a QRS
SLACK = 16  # samples at `WORK_HZ` by which a beat may be moved to fit the dominant one
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
    energy = qrs_energy(size, quantile(size, 0.98))
    if not energy.size:
        return np.empty(0)
    smooth = smooth_root(energy, SMOOTH)
    spots = summits(smooth, round(REFRACTORY_S * DETECT_HZ))
    window = 2 * DETECT_HZ
    starts = range(0, max(smooth.size - window // 2, 1), window)
    level = median(np.array([smooth[at : at + window].max() for at in starts]))
    peaks = _accept(spots.tolist(), smooth[spots].tolist(), level)
    centre: Signal = centres(energy, peaks, round(0.072 * DETECT_HZ)) / DETECT_HZ  # steadier than the summit
    # A step or half a QRS at the very edge is no beat that could be measured.
    return centre[(centre > EDGE_S) & (centre < detect.shape[1] / DETECT_HZ - EDGE_S)]


def _accept(spots: list[int], height: list[float], level: float) -> Indices:
    """Keep candidates above the threshold, drop T waves, and look again, lower, into gaps."""
    kept = [k for k in range(len(spots)) if height[k] > 0.4 * level]
    kept = [k for place, k in enumerate(kept) if not (place and _is_t(k, kept[place - 1], spots, height))]
    if len(kept) > 2:
        typical = median(np.diff([float(spots[k]) for k in kept]))
        far, found = min(0.36 * DETECT_HZ, 0.55 * typical), []
        for before, after in pairwise(kept):
            if spots[after] - spots[before] > 1.6 * typical:
                between = [k for k in range(before + 1, after) if height[k] > 0.22 * level]
                found += [k for k in between if min(spots[k] - spots[before], spots[after] - spots[k]) > far]
        kept += found
    return np.array([spots[k] for k in sorted(kept)], dtype=np.intp)


def _is_t(k: int, before: int, spots: list[int], height: list[float]) -> bool:
    """Whether a candidate is the T wave of the one before it."""
    return spots[k] - spots[before] < 0.36 * DETECT_HZ and height[k] < 0.6 * height[before]


def group(wave_mv: Signal, peaks_s: Signal) -> Beats | None:
    """Align the beats, find the dominant shape and tell the others from it; None if no shape repeats."""
    if peaks_s.size < 2:
        return None
    half = round(0.07 * WORK_HZ)
    where = np.rint(peaks_s * WORK_HZ).astype(np.intp)
    premature = _premature(peaks_s)
    first = _unit(cut(wave_mv, ROWS, where[:60], half, half + 1)[:, :, ::2]).reshape(min(where.size, 60), -1)
    alike = np.einsum("ik,jk->ij", first, first) > SAME_SHAPE
    seed = int(np.argmax(alike.sum(axis=1) + 0.5 * alike[:, ~premature[:60]].sum(axis=1)))
    members = np.flatnonzero(alike[seed])
    for _ in range(2):
        shape = _unit(median_down(cut(wave_mv, ROWS, where[members], half, half + 1))[None])[0]
        by_lag = likeness(wave_mv, ROWS, where, shape, half, SLACK)
        match = by_lag.max(axis=1)
        where = where + np.where(match > OTHER_SHAPE, by_lag.argmax(axis=1) - SLACK, 0)
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
    stack = cut(wave_mv, np.arange(len(wave_mv)), where[chosen], before, after)
    return Beats(where / WORK_HZ, _premature(where / WORK_HZ), ~same, chosen, stack, median_down(stack))


@compiled
def _unit(x: Signal) -> Signal:
    """Scale each beat (n, leads, samples) to zero mean in each lead and unit energy over all."""
    out = np.empty(x.shape)
    beats, leads, size = x.shape
    for beat in range(beats):
        energy = 0.0
        for lead in range(leads):
            mean = 0.0
            for at in range(size):
                mean += x[beat, lead, at]
            mean /= size
            for at in range(size):
                out[beat, lead, at] = x[beat, lead, at] - mean
                energy += out[beat, lead, at] ** 2
        scale = math.sqrt(max(energy, 1e-12))
        for lead in range(leads):
            for at in range(size):
                out[beat, lead, at] /= scale
    return out


def _premature(peaks_s: Signal) -> NDArray[np.bool_]:
    """Mark beats that come too soon; in bigeminy the mean RR is typical, not the median."""
    rr = np.diff(peaks_s)
    early = np.zeros(peaks_s.size, dtype=bool)
    early[1:] = rr < PREMATURE * max(median(rr), float(rr.mean()))
    return early
