"""Is it a picture of a 12-lead ECG page? A small network on what `describe` tells says so.

Its weights lie beside this file; `bench/refusal.py --fit` makes them from one half of its pictures and
reports on the other (bench/results/refusal.json).
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twelvelead.errors import RecordError
from twelvelead.serving.describe import describe, trace_rows
from twelvelead.serving.refusal import Refusal

WEIGHTS = Path(__file__).with_name("refuse.json")
LEAST_SHORT_PX, LEAST_LONG_PX = 200, 300  # the tiny model's pages have 336 px; less shows no beat
LEAST_CONTRAST = 12  # of 255, between the darkest and brightest percent
PAGE = "a page of a 12-lead ECG: twelve named traces, as a scan, a photograph or a print"
Floats = NDArray[np.float64]


def refuse(rgb: NDArray[np.uint8]) -> tuple[str, ...]:
    """Warnings about a picture that is read nevertheless.

    Args:
        rgb: (height, width, 3).

    Raises:
        Refusal: It is too small, empty, or shows no 12-lead ECG.
    """
    height, width = rgb.shape[:2]
    if min(height, width) < LEAST_SHORT_PX or max(height, width) < LEAST_LONG_PX:
        raise Refusal(
            "not_an_ecg", f"the picture is too small: {width} x {height} px",
            expected=f"{LEAST_LONG_PX} x {LEAST_SHORT_PX} px at least",
        )  # fmt: skip
    sample = rgb[:: max(height // 500, 1), :: max(width // 500, 1)]
    low, high = np.percentile(sample, (1, 99))
    if high - low < LEAST_CONTRAST:
        raise Refusal("not_an_ecg", "the picture is blank: nothing stands out on it", expected=PAGE)
    try:
        told = describe(rgb)
    except RecordError:
        raise Refusal("not_an_ecg", "the picture is blank: there is no ink on it", expected=PAGE) from None
    likely = probability(told)
    if likely < _network().refuse_below:
        raise Refusal(
            "not_an_ecg", f"the picture does not look like a 12-lead ECG: {_reason(rgb)}", expected=PAGE,
            fix="send the whole page, upright, lit evenly, and not much else",
        )  # fmt: skip
    if likely < _network().doubt_below:
        return ("it is not certain that this is a 12-lead ECG page",)
    return ()


def probability(told: Floats) -> float:
    """That `describe` told of a page."""
    network = _network()
    hidden = np.tanh((told - network.mean) / network.deviation @ network.inner + network.inner_bias)
    return float(1 / (1 + np.exp(-(hidden @ network.outer + network.outer_bias))))


class _Network:
    def __init__(self, tree: dict[str, list[float]]) -> None:
        self.mean, self.deviation = np.array(tree["mean"]), np.array(tree["deviation"])
        self.inner, self.inner_bias = np.array(tree["inner"]), np.array(tree["inner_bias"])
        self.outer, self.outer_bias = np.array(tree["outer"]), float(tree["outer_bias"][0])
        self.refuse_below, self.doubt_below = (float(cut) for cut in tree["cuts"])


@lru_cache(maxsize=1)
def _network() -> _Network:
    return _Network(json.loads(WEIGHTS.read_text(encoding="utf-8")))


def _reason(rgb: NDArray[np.uint8]) -> str:
    rows = round(trace_rows(rgb))
    if rows == 0:
        return "no trace runs across it"
    if rows <= 2:
        return f"{rows} row{'s' if rows > 1 else ''} of what may be traces, not twelve leads"
    return "its lines do not rise and fall together as leads do"
