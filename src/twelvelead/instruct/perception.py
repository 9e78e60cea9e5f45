"""What can be seen on a page without knowing any diagnosis: the questions the embedded base is pretrained on.

Rate, regularity, intervals, axis, deflections of each lead, which lead is where. SCP statements are never
asked here; they are what an adapter has left to learn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twelvelead.ecg.lead import LEADS
from twelvelead.instruct import measured
from twelvelead.instruct.sample import Sample, closed

FAMILY = "perception"
# Limits lie around the true value, so that an answer cannot be guessed from the question: step and spread.
NEAR: dict[str, tuple[int, float]] = {
    "rate_bpm": (5, 15.0),
    "pr_ms": (10, 35.0),
    "qrs_ms": (5, 18.0),
    "qtc_ms": (10, 30.0),
    "axis_deg": (10, 35.0),
}
DEFLECTIONS = ("q_mv", "r_mv", "s_mv", "st_mv", "t_mv", "p_mv")


@dataclass(frozen=True, slots=True)
class Seen:
    """The truth of one page: measured scalars by name, and sizes of the waves of each lead in mV.

    q and s are depths (positive downwards); st, t and p are signed.
    """

    scalars: Mapping[str, float]
    leads: Mapping[str, NDArray[np.float32]]


def samples(seen: Seen, rng: np.random.Generator, count: int) -> Iterator[Sample]:
    """`count` questions: a third on the whole page, the rest on single leads and places."""
    whole = [name for name in NEAR if not math.isnan(seen.scalars.get(name, math.nan))]
    for number in range(count):
        kind = number % 3
        if kind == 0 and whole:
            yield _near(seen, whole[rng.integers(len(whole))], rng)
        elif kind == 0 or rng.random() < 0.25:
            yield _page(seen, rng)
        elif rng.random() < 0.05:
            yield _place(rng)
        else:
            yield _lead(seen, rng)


def _near(seen: Seen, name: str, rng: np.random.Generator) -> Sample:
    step, spread = NEAR[name]
    value = seen.scalars[name]
    if rng.random() < 0.15:
        text, unit, rounding = measured.VALUE[name]
        return Sample(FAMILY, "open", "", text, unit.format(round(value / rounding) * rounding), name)
    limit = round((value + rng.normal(0, spread)) / step) * step
    return closed(FAMILY, "", measured.ABOVE[name][0].format(limit), value > limit, f"{name}>{limit}")


def _page(seen: Seen, rng: np.random.Generator) -> Sample:
    makers: list[Callable[[], Sample]] = [
        lambda: closed(FAMILY, "", "Is the rhythm regular?", not seen.scalars["irregular"], "irregular"),
        lambda: closed(
            FAMILY, "", "Is there a P wave before each QRS?", bool(seen.scalars["p_present"]), "p_present"
        ),
        lambda: Sample(
            FAMILY,
            "open",
            "",
            "How many premature wide beats are there?",
            str(min(int(seen.scalars["ectopic_beats"]), 9)),
            "ectopic_beats",
        ),
    ]
    return makers[rng.integers(len(makers))]()


def _place(rng: np.random.Generator) -> Sample:
    row = int(rng.integers(len(LEADS)))
    if rng.random() < 0.5:
        return Sample(FAMILY, "open", "", f"Which lead is in row {row + 1}?", LEADS[row], "layout")
    return Sample(FAMILY, "open", "", f"In which row is {LEADS[row]}?", str(row + 1), "layout")


def _lead(seen: Seen, rng: np.random.Generator) -> Sample:
    row = int(rng.integers(len(LEADS)))
    name = LEADS[row]
    q, r, s, st, t, p = (float(seen.leads[wave][row]) for wave in DEFLECTIONS)
    tall, deep = (max(0.1, round((size + rng.normal(0, 0.3)) * 10) / 10) for size in (r, s))
    questions = [
        (f"Is the T wave in {name} inverted?", t < -0.1, "t_mv"),
        (f"Is the T wave in {name} flat?", abs(t) < 0.1, "t_mv"),
        (f"Is there a Q wave in {name}?", q > 0.1, "q_mv"),
        (f"Is the R wave in {name} taller than {tall:.1f} mV?", r > tall, "r_mv"),
        (f"Is the S wave in {name} deeper than {deep:.1f} mV?", s > deep, "s_mv"),
        (f"Is the QRS in {name} mainly upright?", r > s, "r_mv,s_mv"),
        (f"Is the ST segment in {name} depressed?", st < -0.05, "st_mv"),
        (f"Is the ST segment in {name} elevated?", st > 0.1, "st_mv"),
        (f"Is there a P wave in {name}?", abs(p) > 0.04, "p_mv"),
    ]
    text, yes, source = questions[rng.integers(len(questions))]
    return closed(FAMILY, "", text, yes, f"{name}.{source}")


def vocabulary() -> Iterator[str]:
    """Sentences the embedded tokenizer is learnt from: question forms, the words of statements, numbers."""
    from twelvelead.ecg.statement import STATEMENTS
    from twelvelead.instruct import report
    from twelvelead.instruct.statements import question

    rng = np.random.default_rng(0)
    flat = {wave: np.zeros(len(LEADS), np.float32) for wave in DEFLECTIONS}
    for number in range(3000):
        scalars = {"rate_bpm": 35 + number % 120, "pr_ms": 110 + number % 220, "qrs_ms": 70 + number % 100}
        scalars |= {"qtc_ms": 340 + number % 200, "axis_deg": -90 + number % 200}
        scalars |= {"irregular": number % 2, "p_present": number % 2, "ectopic_beats": number % 4}
        for sample in samples(Seen(scalars, flat), rng, 3):
            yield f"user\n\n{sample.question}"
            yield f"assistant\n\n{sample.answer}"
    for code, statement in STATEMENTS.items():
        yield from [f"user\n\n{question(code)}"] * 40
        yield from [
            f"probable {statement.phrase}, possible {statement.phrase}, cannot exclude {statement.phrase}"
        ] * 5
        yield report.sample(
            {code: 50.0},
            {"rate_bpm": 72.0, "pr_ms": 160.0, "qrs_ms": 92.0, "qtc_ms": 412.0, "axis_deg": 40.0},
        ).answer
    yield from ["assistant\n\nYes", "assistant\n\nNo", f"user\n\n{report.QUESTION}"] * 500
