"""Questions answered by measured values: rate, intervals, axis, regularity, premature beats.

Normal limits: PR 120–200 ms, QRS < 120 ms, QTc < 450 ms (men) / 460 ms (women), axis −30…+90°, rate
60–100/min (Kligfield 2007, Surawicz 2009 and Rautaharju 2009, AHA/ACCF/HRS parts I, III and IV).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from twelvelead.instruct.sample import Sample, closed

Facts = Mapping[str, Any]
FAMILY = "measurement"
ABOVE: dict[str, tuple[str, tuple[int, ...]]] = {
    "rate_bpm": ("Is the heart rate above {} bpm?", (50, 60, 70, 80, 90, 100, 110, 120)),
    "pr_ms": ("Is the PR interval longer than {} ms?", (140, 160, 180, 200, 220, 260)),
    "qrs_ms": ("Is the QRS complex wider than {} ms?", (90, 100, 110, 120, 140)),
    "qtc_ms": ("Is the QTc longer than {} ms?", (390, 420, 450, 480)),
    "axis_deg": ("Is the QRS axis above {} degrees?", (-60, -30, 0, 30, 60, 90)),
}
VALUE: dict[str, tuple[str, str, int]] = {
    "rate_bpm": ("What is the heart rate?", "{} bpm", 1),
    "pr_ms": ("What is the PR interval?", "{} ms", 10),
    "qrs_ms": ("How wide is the QRS complex?", "{} ms", 5),
    "qtc_ms": ("What is the QTc?", "{} ms", 10),
    "axis_deg": ("What is the QRS axis?", "{} degrees", 5),
}


def samples(facts: Facts, rng: np.random.Generator, count: int) -> Iterator[Sample]:
    """`count` different questions about the values that were measured; fewer if fewer could be measured."""
    makers: list[Callable[[], Sample]] = []
    for name in ABOVE:
        if _known(facts, name):
            makers.append(lambda name=name: _above(facts, name, rng))  # type: ignore[misc]
            makers.append(lambda name=name: _value(facts, name))  # type: ignore[misc]
    if _known(facts, "irregular"):
        makers.append(
            lambda: closed(FAMILY, "", "Is the rhythm regular?", not facts["irregular"], "irregular")
        )
    if _known(facts, "p_present"):
        makers.append(
            lambda: closed(
                FAMILY, "", "Is there a P wave before each QRS?", bool(facts["p_present"]), "p_present"
            )
        )
    if _known(facts, "ectopic_beats"):
        makers.append(lambda: _ectopics(facts))
    for chosen in rng.permutation(len(makers))[:count]:
        yield makers[chosen]()


def _above(facts: Facts, name: str, rng: np.random.Generator) -> Sample:
    text, limits = ABOVE[name]
    limit = limits[rng.integers(len(limits))]
    return closed(FAMILY, "", text.format(limit), float(facts[name]) > limit, f"{name}>{limit}")


def _value(facts: Facts, name: str) -> Sample:
    text, unit, step = VALUE[name]
    rounded = round(float(facts[name]) / step) * step
    return Sample(FAMILY, "open", "", text, unit.format(rounded), name)


def _ectopics(facts: Facts) -> Sample:
    count = min(int(facts["ectopic_beats"]), 9)
    return Sample(FAMILY, "open", "", "How many premature wide beats are there?", str(count), "ectopic_beats")


def _known(facts: Facts, name: str) -> bool:
    value = facts.get(name)
    return value is not None and not math.isnan(float(value))  # float32 of a table is no Python float
