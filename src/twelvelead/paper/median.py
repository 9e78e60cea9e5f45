"""The median complex of each lead, as machines print it beside rhythm strips."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twelvelead.ecg.beat import find_peaks, group
from twelvelead.ecg.filter import prepare
from twelvelead.ecg.measure import SHORTEST_S
from twelvelead.paper.layout import MEDIAN_BEFORE_S, MEDIAN_S

FEWEST_BEATS = 2
PR_SEGMENT_S = (0.11, 0.09)  # before R: the machine's zero, as at fast rates no other stretch is quiet


def median_complex(signal_mv: NDArray[np.floating[Any]], fs_hz: float) -> NDArray[np.float64]:
    """Median over the beats of the dominant shape, R at `MEDIAN_BEFORE_S`.

    Args:
        signal_mv: (12, n) mV, any rate; NaN marks gaps.
        fs_hz: Samples a second.

    Returns:
        (12, m) mV over `MEDIAN_S` at the same rate; all NaN where fewer than two beats were found, so that
        the paper stays bare instead of showing something that never was.
    """
    signal = np.asarray(signal_mv, dtype=np.float64)
    before, length = round(MEDIAN_BEFORE_S * fs_hz), round(MEDIAN_S * fs_hz) + 1
    nothing = np.full((signal.shape[0], length), np.nan)
    if signal.shape[1] < SHORTEST_S * fs_hz:
        return nothing
    wave, detect = prepare(signal, fs_hz)
    beats = group(wave, find_peaks(detect))
    if beats is None:
        return nothing
    usual = beats.peaks_s[~beats.discordant & ~beats.premature]
    starts = np.rint((usual if len(usual) >= FEWEST_BEATS else beats.peaks_s) * fs_hz).astype(int) - before
    whole = [start for start in starts if start >= 0 and start + length <= signal.shape[1]]
    if len(whole) < FEWEST_BEATS:
        return nothing
    stack = np.stack([signal[:, start : start + length] for start in whole])
    complex_mv = np.stack([_typical(stack[:, lead]) for lead in range(len(signal))])
    first, last = (round((MEDIAN_BEFORE_S - early_s) * fs_hz) for early_s in PR_SEGMENT_S)
    return complex_mv - np.median(complex_mv[:, first : last + 1], axis=1, keepdims=True)


def _typical(beats: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median of one lead's beats, of those without a gap where there are any."""
    unbroken = beats[np.isfinite(beats).all(axis=1)]
    return np.median(unbroken if len(unbroken) else beats, axis=0)
