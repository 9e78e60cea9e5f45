"""One instruction sample: what is to be asked, the question about a page, the answer its record supports."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

YES, NO = "Yes", "No"
Format = Literal["closed", "open", "fill", "choice", "report", "verify", "choose", "query", "dialogue"]
FREE_FAMILIES = ("feature", "rhythm", "morphology", "report", "ecgqa", "dialogue")
"""Families with varied wording; "statement", "measurement" and "perception" have fixed questions."""


@dataclass(frozen=True, slots=True)
class Item:
    """What is to be asked of one page: the planner decides it, a family's `make` words it.

    The answer is never part of it: `make` reads it from the case.

    Attributes:
        family: One of FREE_FAMILIES.
        format: A format of that family.
        kind: What is asked about: see `case.KINDS`.
        target: Which one: a code, subclass, superclass, task group, fact column, axis class, stage or noise.
        lead: The lead asked about, for noise.
        low, high: Limits of a numeric question in the unit of the fact: both = within (inclusive), low
            alone = more than it, high alone = less than it. Without limits the normal range is meant.
        foils: Wrong options of a choice, or the second of a choose, as targets of the same kind; drawn
            from what the case lacks where empty.
        parts: The turns of a dialogue.
    """

    family: str
    format: Format
    kind: str = ""
    target: str = ""
    lead: str = ""
    low: float = -math.inf
    high: float = math.inf
    foils: tuple[str, ...] = ()
    parts: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """A question, its answer, and where the answer comes from.

    Attributes:
        family: "statement" (the scorer's fixed slots), "measurement", "perception" or one of FREE_FAMILIES.
        format: "closed" (starts with Yes or No), "open", "fill", "choice" (letters), "report", ECG-QA's
            "verify", "choose" and "query", or "dialogue".
        code: The SCP code asked about, else "".
        question: Text behind the picture.
        answer: Text to learn.
        answer_source: The statement key, fact column or lead value the answer was read from.
        template: Productions the wording was drawn from, "question/answer"; "" for fixed wording.
        turns: Questions and answers after the first, for a dialogue.
    """

    family: str
    format: Format
    code: str
    question: str
    answer: str
    answer_source: str
    template: str = ""
    turns: tuple[tuple[str, str], ...] = ()

    def messages(self) -> list[dict[str, Any]]:
        """The sample as chat messages, the picture first and once (the form TRL and the processor take)."""
        return messages(self.question, self.answer, self.turns)


def messages(question: str, answer: str, turns: tuple[tuple[str, str], ...] = ()) -> list[dict[str, Any]]:
    """A conversation about one picture; an empty answer leaves it open."""
    said = [{"role": "user", "content": [{"type": "image", "text": ""}, {"type": "text", "text": question}]}]
    if answer:
        said.append({"role": "assistant", "content": [{"type": "text", "text": answer}]})
    for asked, answered in turns:
        said.append({"role": "user", "content": [{"type": "text", "text": asked}]})
        said.append({"role": "assistant", "content": [{"type": "text", "text": answered}]})
    return said


def closed(family: str, code: str, question: str, yes: bool, source: str) -> Sample:
    """A Yes/No sample."""
    return Sample(family, "closed", code, question, YES if yes else NO, source)
