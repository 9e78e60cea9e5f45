"""Signals of many records in memory at the CNN's rate."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.signal import resample_poly

from twelvelead.data.wfdb import read_record
from twelvelead.progress import track

FS_HZ = 100
Signal = NDArray[np.float32]


def load_signals(records: Path, frame: pd.DataFrame) -> list[Signal]:
    """Every record's signal in mV at FS_HZ, each (12, n); a missing sample counts as the isoelectric line."""
    paths = track(frame["path"], total=len(frame), title="signals", unit="records")
    return [
        at_fs(np.nan_to_num(record.signal_mv), record.fs_hz)
        for record in (read_record(records / path) for path in paths)
    ]


def moments(signals_mv: list[Signal]) -> tuple[float, float]:
    """Global mean and standard deviation in mV over all leads and samples; a flat set has deviation 1."""
    n = sum(signal.size for signal in signals_mv)
    mean = sum(float(signal.sum(dtype=np.float64)) for signal in signals_mv) / n
    variance = sum(float(np.square(signal - mean, dtype=np.float64).sum()) for signal in signals_mv) / n
    return mean, math.sqrt(variance) or 1.0


def standardise(signals_mv: list[Signal], mean_mv: float, std_mv: float) -> None:
    """Give signals mean 0 and deviation 1 by these moments, in place: all of PTB-XL is a gigabyte."""
    for signal in signals_mv:
        signal -= np.float32(mean_mv)
        signal /= np.float32(std_mv)


def at_fs(signal_mv: NDArray[Any], fs_hz: float) -> Signal:
    """A signal (leads, n) in mV at FS_HZ."""
    ratio = Fraction(FS_HZ / fs_hz).limit_denominator(1000)
    if ratio == 1:
        return signal_mv.astype(np.float32)
    resampled: Signal = resample_poly(signal_mv, ratio.numerator, ratio.denominator, axis=1).astype(
        np.float32
    )
    return resampled
