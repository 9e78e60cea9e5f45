"""The same recording at PTB-XL's other rate: do both files tell the same story?"""

from __future__ import annotations

import math
import re

import numpy as np
import numpy.typing as npt

TWIN_FACTS = (
    "rates_corr",  # least correlation of a lead at 500 Hz with the same lead at 100 Hz
    "rates_gain",  # size at 100 Hz over size at 500 Hz, median of the leads
)
ALIVE_MV = 0.02  # rms below which a lead has no shape to compare
_HIGH = re.compile(r"records500/(\d+/\d+)_hr")
_LOW = re.compile(r"records100/(\d+/\d+)_lr")

Floats = npt.NDArray[np.floating]


def twin_of(path: str) -> str:
    """The path of the record at the other rate by PTB-XL's naming; "" for other layouts."""
    if match := _HIGH.fullmatch(path):
        return f"records100/{match[1]}_lr"
    if match := _LOW.fullmatch(path):
        return f"records500/{match[1]}_hr"
    return ""


def compare(one: Floats, one_hz: float, other: Floats, other_hz: float) -> dict[str, float]:
    """Compare two (12, n) signals of any rates; of a pair the faster is averaged down.

    Real pairs (342 of PTB-XL) correlate at .80 or more in their worst lead; sizes differ by at most 12 %.
    Signals whose lengths in seconds differ by more than one per cent have correlation 0.

    Returns:
        A number for each of TWIN_FACTS.
    """
    fast, slow = (one, other) if one_hz >= other_hz else (other, one)
    every = max(1, round(max(one_hz, other_hz) / min(one_hz, other_hz)))
    seconds = one.shape[1] / one_hz, other.shape[1] / other_hz
    if abs(seconds[0] - seconds[1]) > 0.01 * max(seconds):
        return {"rates_corr": 0.0, "rates_gain": math.nan}
    count = min(fast.shape[1] // every, slow.shape[1])
    fast = np.nan_to_num(fast[:, : count * every]).reshape(len(fast), count, every).mean(axis=2)
    slow = np.nan_to_num(slow[:, :count])
    fast, slow = fast - fast.mean(axis=1, keepdims=True), slow - slow.mean(axis=1, keepdims=True)
    fast_rms, slow_rms = np.sqrt((fast**2).mean(axis=1)), np.sqrt((slow**2).mean(axis=1))
    alive = np.maximum(fast_rms, slow_rms) > ALIVE_MV
    if not alive.any():
        return {"rates_corr": math.nan, "rates_gain": math.nan}
    fast_rms, slow_rms = np.maximum(fast_rms[alive], 1e-9), np.maximum(slow_rms[alive], 1e-9)
    together = (fast[alive] * slow[alive]).mean(axis=1) / (fast_rms * slow_rms)
    return {"rates_corr": float(together.min()), "rates_gain": float(np.median(slow_rms / fast_rms))}
