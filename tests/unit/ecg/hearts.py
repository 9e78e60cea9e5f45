"""Recordings with known intervals, built of raised cosines, whose onsets and ends are exact."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from twelvelead.ecg.lead import derive_limb

Signal = NDArray[np.float64]

P = (0.10, 0.15, 0.04, 0.05, 0.06, 0.06, 0.06, 0.05)  # of I, II, V1 … V6, mV
QRS = (0.7, 0.9, -0.8, -0.9, 0.4, 1.4, 1.3, 1.0)
T = (0.25, 0.35, -0.05, 0.4, 0.5, 0.5, 0.4, 0.3)


def regular(rate_bpm: float, seconds: float = 10.0) -> Signal:
    """QRS onsets of a regular rhythm."""
    return np.arange(0.3, seconds - 0.1, 60 / rate_bpm)


def ecg(
    onsets_s: Sequence[float] | Signal,
    *,
    fs_hz: float = 500.0,
    seconds: float = 10.0,
    pr_ms: float | None = 160.0,
    qrs_ms: float = 96.0,
    qt_ms: float = 400.0,
    qrs: Sequence[float] = QRS,
    t: Sequence[float] = T,
    wide_at: Sequence[float] = (),
) -> Signal:
    """Render a (12, n) recording in mV; beats of `wide_at` are broad, inverted and without P."""
    at_s = np.arange(round(seconds * fs_hz)) / fs_hz
    eight = np.zeros((8, at_s.size))
    for onset in onsets_s:
        if pr_ms is not None:
            eight += _bump(at_s, onset - pr_ms / 1000, 0.1, P)
        eight += _bump(at_s, onset, qrs_ms / 1000, qrs)
        eight += _bump(at_s, onset + qt_ms / 1000 - 0.18, 0.18, t)
    for onset in wide_at:
        eight += _bump(at_s, onset, 0.16, [-1.3 * x + 0.4 for x in QRS])
        eight += _bump(at_s, onset + 0.22, 0.2, QRS)
    return np.vstack([eight[:2], *(row[None] for row in derive_limb(eight[0], eight[1])), eight[2:]])


def _bump(at_s: Signal, start_s: float, length_s: float, heights_mv: Sequence[float]) -> Signal:
    phase = np.clip((at_s - start_s) / length_s, 0.0, 1.0)
    return np.asarray(heights_mv)[:, None] * (0.5 - 0.5 * np.cos(2 * np.pi * phase))
