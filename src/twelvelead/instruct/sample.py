"""One instruction sample: a question about a page and the answer its record supports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

YES, NO = "Yes", "No"
Format = Literal["closed", "open", "report"]


@dataclass(frozen=True, slots=True)
class Sample:
    """A question, its answer, and where the answer comes from.

    Attributes:
        family: "statement", "measurement" or "report".
        format: "closed" (Yes/No), "open" or "report".
        code: The SCP code asked about, else "".
        question: Text behind the picture.
        answer: Text to learn.
        answer_source: The statement key, fact column or lead value the answer was read from.
    """

    family: str
    format: Format
    code: str
    question: str
    answer: str
    answer_source: str

    def messages(self) -> list[dict[str, Any]]:
        """The sample as chat messages, the picture first (the form TRL and the processor take)."""
        return messages(self.question, self.answer)


def messages(question: str, answer: str) -> list[dict[str, Any]]:
    """A single-turn conversation about one picture; an empty answer leaves it open."""
    turns = [{"role": "user", "content": [{"type": "image", "text": ""}, {"type": "text", "text": question}]}]
    if answer:
        turns.append({"role": "assistant", "content": [{"type": "text", "text": answer}]})
    return turns


def closed(family: str, code: str, question: str, yes: bool, source: str) -> Sample:
    """A Yes/No sample."""
    return Sample(family, "closed", code, question, YES if yes else NO, source)
