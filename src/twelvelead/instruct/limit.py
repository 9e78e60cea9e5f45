"""Limits to ask of measured values, and the questions about values, limits and normal ranges."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from twelvelead.instruct.askable import Askable, closed_item, known
from twelvelead.instruct.case import MEASURES
from twelvelead.instruct.cohort import BANDS, Cohort
from twelvelead.instruct.foil import SPACING, WAVE_SPACING_MV

Limits = Mapping[str, tuple[tuple[float, float], ...]]
"""Fact → (low, high) pairs as an `Item` takes them."""
LIMIT_STEP = {"rate_bpm": 5.0, "pr_ms": 10.0, "axis_deg": 15.0, "premature_beats": 1.0, "ectopic_beats": 1.0}
LIMIT_STEP |= dict.fromkeys(("p_ms", "qrs_ms", "qt_ms", "qtc_ms"), 10.0)
WAVE_STEP_MV = 0.1
LIMIT_SHARES = (0.08, 0.2, 0.32, 0.44, 0.56, 0.68, 0.8, 0.92)  # quantiles of the training pages
WITHIN_SHARES = ((0.05, 0.5), (0.2, 0.6), (0.3, 0.8), (0.5, 0.95))
WAVE_LIMIT_SHARES = (0.3, 0.5, 0.7)


def limits_of(cohort: Cohort) -> Limits:
    """Limits to ask of each fact, round numbers spread over the values that the cohort has."""
    found: dict[str, tuple[tuple[float, float], ...]] = {}
    for name, column in cohort.values.items():
        known = column[~np.isnan(column)]
        wave = name not in MEASURES
        step = LIMIT_STEP.get(name, WAVE_STEP_MV)
        if name in ("premature_beats", "ectopic_beats"):
            singles, pairs = [0.0, 1.0, 2.0, 3.0], [(1.0, 2.0), (1.0, 3.0)]
        else:
            shares = WAVE_LIMIT_SHARES if wave else LIMIT_SHARES
            singles = sorted({_round(value, step) for value in np.quantile(known, shares)})
            pairs = [] if wave else [_pair(known, share, step) for share in WITHIN_SHARES]
        lone = [(low, math.inf) for low in singles] + [(-math.inf, high) for high in singles]
        found[name] = (*lone, *dict.fromkeys(pair for pair in pairs if pair[0] < pair[1]))
    return found


def of_limits(cohort: Cohort, limits: Limits, names: Callable[[str], bool]) -> Iterator[Askable]:
    for name, column in cohort.values.items():
        if names(name):
            known = ~np.isnan(column)
            near = 2 * SPACING.get(name, WAVE_SPACING_MV)
            for low, high in limits[name]:
                if high == math.inf:
                    yes = column > low
                else:
                    yes = column < high if low == -math.inf else (column >= low) & (column <= high)
                off = np.minimum(np.abs(column - low), np.abs(column - high))
                yield Askable(closed_item("numeric", name, "", low, high), yes, known & ~yes, off <= near)
            if name in cohort.bands:
                band = cohort.bands[name]
                yield Askable(closed_item("numeric", name), band == 1, (band >= 0) & (band != 1))


def of_values(cohort: Cohort, names: Callable[[str], bool]) -> Iterator[Askable]:
    for name, column in cohort.values.items():
        if names(name):
            yield known("numeric", ~np.isnan(column), name)


def of_bands(cohort: Cohort) -> Iterator[Askable]:
    for name, band in cohort.bands.items():
        yield known("numeric", band >= 0, name)


def of_band_members(cohort: Cohort) -> Iterator[Askable]:
    for number, band in enumerate(BANDS):
        there = [column == number for column in cohort.bands.values()]
        some = np.logical_or.reduce([np.zeros(len(cohort), bool), *there])
        known = np.logical_or.reduce([np.zeros(len(cohort), bool), *(c >= 0 for c in cohort.bands.values())])
        yield Askable(closed_item("numeric", band), some, known & ~some)


def _round(value: float, step: float) -> float:
    return round(round(float(value) / step) * step, 3)


def _pair(known: NDArray[np.float64], shares: tuple[float, float], step: float) -> tuple[float, float]:
    low, high = np.quantile(known, shares)
    return _round(low, step), _round(high, step)
