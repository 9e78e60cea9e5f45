"""A hand-made ECG for the tests of validation."""

import numpy as np

from twelvelead.ecg.lead import derive_limb


def ecg_mv(fs_hz=500, seconds=10, seed=1):
    """(12, n) float32 mV: a beat with P, QRS and T every 0.8 s, growing from V1 to V6, a little noise."""
    t = np.arange(round(seconds * fs_hz)) / fs_hz
    phase = t % 0.8
    beat = np.exp(-0.5 * ((phase - 0.4) / 0.015) ** 2) + 0.2 * np.exp(-0.5 * ((phase - 0.65) / 0.04) ** 2)
    beat += 0.1 * np.exp(-0.5 * ((phase - 0.24) / 0.03) ** 2)
    rng = np.random.default_rng(seed)
    leads = np.outer([0.7, 1.0, *np.linspace(-0.8, 1.4, 6)], beat) + rng.normal(0, 0.004, (8, t.size))
    limb = derive_limb(leads[0], leads[1])
    return np.stack([leads[0], leads[1], *limb, *leads[2:]]).astype(np.float32)
