"""What an answer says: by the published rules, faults included, and by rules that a reader would agree with.

Legacy takes every label that is a substring ("MI" in "MILD", "AF" in "LAFB"), and hunts for letters.
Strict takes labels that stand as words and are not denied, and one letter; what says neither is a failure.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from twelvelead.evaluation.ecgbench.task import EIGHT, WHOLE, Task

ANSWER = "Answer:"
SAID_OPTION = "The correct option is "
ONLY_OPTIONS = "Only answer based on the given Options without any explanation."
NOTHING = re.compile(r"\b(?:none|no abnormalit(?:y|ies)|nothing)\b", re.IGNORECASE)
DENIED = re.compile(
    r"\b(?:no|not|without|excludes?|absent|absence of|denies|rather than)\W+(?:\w+\W+){0,2}$", re.I
)
CLAUSE = re.compile(r"[.,;:\n]|\bbut\b")
LETTER = re.compile(
    r"^\W*([A-H])\W*$|^\W*([A-H])[.):]|(?:answer|option)(?: is)?[: ]+\(?([A-H])\b(?![a-z'])", re.IGNORECASE
)  # fmt: skip


def legacy_labels(task: Task, text: str) -> list[str]:
    """Every label that is a substring, case and all; NORM and ABNORMAL are special in CODE-15 % alone."""
    if task.name != "code15-test":
        return [label for label in task.words if label in text]
    said = text.split(ANSWER)[-1]
    found = [label for label in task.words if label in said]
    if "ABNORMAL" in said:
        return ["ABNORMAL", *found]
    return ["NORM", *found] if "NORM" in said else found


def gold_labels(task: Task, text: str) -> list[str]:
    """Labels of a right answer; the published rule, which label lists survive."""
    if task.name == "code15-test" and text in WHOLE:
        return [text]
    return [label for label in task.words if label in text]


def legacy_letter(text: str) -> str | None:
    """The published hunt: the first letter with a dot anywhere, in the order of the alphabet."""
    if text in EIGHT:
        return text
    for letter in EIGHT:
        if f"{letter}." in text:
            return letter
    if SAID_OPTION in text:
        following = text.split(SAID_OPTION)[-1][:1]
        return following if following in EIGHT else None
    if ANSWER in text:
        answer = text.split(ANSWER)[-1].strip()
        return next((letter for letter in EIGHT if letter in answer), None)
    return None


class LegacyGuess:
    """A letter for answers that have none: at random, as published; the seed is that of the script.

    The published stream runs through all files in one process, so draws of a later file depend on earlier
    ones; here each file starts anew, as if it were scored alone.
    """

    def __init__(self, letters: Sequence[str]) -> None:
        self._letters, self._random = list(letters), random.Random(42)

    def __call__(self) -> str:
        """One letter."""
        return self._random.choice(self._letters)


def strict_labels(task: Task, text: str) -> frozenset[str] | None:
    """Labels that stand as words of their own and are not denied; None if it says nothing of any."""
    said = text.split(ANSWER)[-1]
    words = (*task.words, *WHOLE) if task.name == "code15-test" else task.words
    found, named = set(), False
    for label in words:
        for match in re.finditer(rf"(?<![\w-]){re.escape(label)}(?![\w-])", said):
            named = True
            if not DENIED.search(CLAUSE.split(said[: match.start()])[-1]):
                found.add(label)
    if found or named or NOTHING.search(said):
        return frozenset(found)
    return None


def strict_letter(task: Task, text: str) -> str | None:
    """The one letter that is said to be the answer; None if there is none, or more than one."""
    letters = {next(filter(None, found)).upper() for found in LETTER.findall(text.strip())}
    return letters.pop() if len(letters) == 1 and letters <= set(task.words) else None


def options(prompt: str) -> list[str]:
    """What an ECG-QA prompt lets one choose from."""
    return [one.strip() for one in prompt.split("Options:")[-1].replace(ONLY_OPTIONS, "").split(",")]


def legacy_options(prompt: str, text: str) -> list[str]:
    """Every option that is a substring of the answer, in lower case."""
    return [option for option in options(prompt) if option.lower() in text.lower()]


def strict_options(prompt: str, text: str) -> frozenset[str] | None:
    """Options that stand as words of their own, the longest first; None if it names none."""
    rest, found = text.lower(), set()
    for option in sorted(options(prompt), key=len, reverse=True):
        if option and (match := re.search(rf"(?<!\w){re.escape(option.lower())}(?!\w)", rest)):
            found.add(option.lower())
            rest = rest[: match.start()] + " " * len(option) + rest[match.end() :]
    return frozenset(found - {"none"}) if found else None


def gold_options(text: str) -> frozenset[str]:
    """The set that a right answer names; "none" is the empty set."""
    return frozenset(part.strip().lower() for part in text.split(",") if part.strip()) - {"none"}
