"""What atria write when they do not beat one by one: fibrillation and flutter waves; and pacing spikes.

Fibrillation: the sawtooth of Stridh and Sörnmo 2001. Flutter: a slow fall and a quick rise, negative in II,
III and aVF, positive in V1 (AHA/ACC/HRS part II).
"""

from __future__ import annotations

import numpy as np

from twelvelead.simulate.heart import Floats
from twelvelead.simulate.rhythm import Rhythm
from twelvelead.simulate.vcg import FS_HZ

FIBRILLATION_LEADS = np.array([0.25, 0.50, 1.0, 0.70, 0.35, 0.20, 0.15, 0.12])  # I, II, V1–V6; most in V1
FLUTTER_LEADS = np.array([0.05, 0.90, -0.50, -0.35, -0.10, 0.10, 0.15, 0.20])
SPIKE_LEADS = np.array([0.3, 0.9, -0.4, -0.5, -0.3, 0.3, 0.5, 0.5])
FALL = 0.75  # share of a flutter wave


def atrial_waves(rhythm: Rhythm, n: int, rng: np.random.Generator) -> Floats:
    """(8, n) mV of fibrillation or flutter waves; zeros when the atria beat one by one."""
    if rhythm.atria == "fibrillation":
        return _fibrillation(rhythm, n, rng)
    if rhythm.atria == "flutter":
        return _flutter(rhythm, n, rng)
    return np.zeros((8, n))


def _fibrillation(rhythm: Rhythm, n: int, rng: np.random.Generator) -> Floats:
    """Three harmonics whose rate and size drift slowly."""
    t = np.arange(n) / FS_HZ
    drift_hz, drift = rng.uniform(0.1, 0.4), rng.uniform(0, 2 * np.pi, 2)
    # Frequency modulation of ±.25 Hz, integrated to a phase.
    phase = 2 * np.pi * rhythm.atria_hz * t + 0.25 / drift_hz * np.sin(2 * np.pi * drift_hz * t + drift[0])
    saw = np.sin(phase) + np.sin(2 * phase) / 2 + np.sin(3 * phase) / 3
    size = 1 + 0.4 * np.sin(2 * np.pi * drift_hz * t + drift[1])
    weights = FIBRILLATION_LEADS * np.exp(rng.normal(0, 0.3, 8)) * rhythm.atria_mv
    return weights[:, None] * (saw * size)


def _flutter(rhythm: Rhythm, n: int, rng: np.random.Generator) -> Floats:
    t = np.arange(n) / FS_HZ
    phase = np.mod((t - rhythm.atria_s) * rhythm.atria_hz, 1.0)
    saw = np.where(phase < FALL, 1 - 2 * phase / FALL, 2 * (phase - FALL) / (1 - FALL) - 1)
    total = np.cumsum(np.pad(saw, (5, 4), mode="edge"))  # not np.convolve: its sums are in BLAS's order
    smooth = (total[9:] - total[:-9]) / 9
    weights = FLUTTER_LEADS * np.exp(rng.normal(0, 0.3, 8)) + rng.normal(0, 0.08, 8)
    if rng.random() < 0.2:  # the clockwise or atypical kind turns the picture over
        weights = -weights
    return weights[:, None] * (rhythm.atria_mv * smooth)


def spikes(rhythm: Rhythm, n: int) -> Floats:
    """(8, n) mV of pacing spikes, two samples each, before the device's filter."""
    out = np.zeros((8, n))
    if rhythm.spike_mv:
        at = np.rint(rhythm.spike_s * FS_HZ).astype(np.int64)
        at = at[(at >= 0) & (at < n - 1)]
        for sample in (at, at + 1):
            out[:, sample] += SPIKE_LEADS[:, None] * rhythm.spike_mv
    return out
