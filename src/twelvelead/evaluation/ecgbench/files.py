"""Output files and question files, in every spelling that is about."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twelvelead.errors import DataError


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said to one question.

    Attributes:
        question_id: Of the question.
        text: What it said.
        prompt: What it was asked, where the file holds it.
        probabilities: Label to probability, where the file holds them.
    """

    question_id: str
    text: str
    prompt: str = ""
    probabilities: dict[str, float] | None = None


def read_answers(path: Path) -> list[Answer]:
    """The lines of an output file (JSON Lines): `question_id` or `id`, and `text` or `response`.

    Raises:
        DataError: A line is no JSON object or lacks something; it is named.
    """
    if not path.is_file():
        raise DataError("there is no such output file", where=str(path))
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip():
            found.append(_answer(_parsed(line, f"{path.name}, line {number}"), f"{path.name}, line {number}"))
    if not found:
        raise DataError("the output file is empty", where=str(path))
    return found


def read_gold(path: Path) -> dict[str, str]:
    """Right answers by question: the second turn of `conversations` or `conversation`.

    Raises:
        DataError: The file is missing or not of that form, or two questions share an id with unlike answers.
    """
    if not path.is_file():
        raise DataError(
            "there is no question file",
            where=str(path),
            expected="the task's JSON file of PULSE-ECG/ECGBench",
            fix="give --gold FOLDER",
        )
    rows = _parsed(path.read_text(encoding="utf-8"), path.name)
    if not isinstance(rows, list):
        raise DataError("is no JSON list", where=path.name)
    gold: dict[str, str] = {}
    for number, row in enumerate(rows):
        where = f"{path.name}, question {number}"
        try:
            turns = row["conversations"] if "conversations" in row else row["conversation"]
            said = turns[1]["value"] if "value" in turns[1] else turns[1]["content"]
            name = str(row["id"] if "id" in row else row["No"])
        except (KeyError, IndexError, TypeError):
            raise DataError(
                "a question has no id or no answer",
                where=where,
                expected='{"id": …, "conversations": [question, {"value": answer}]}',
            ) from None
        if gold.setdefault(name, str(said)) != str(said):
            raise DataError(f"two questions have the id {name} and other answers", where=where)
    return gold


def _answer(item: Any, where: str) -> Answer:
    if not isinstance(item, dict):
        raise DataError("is no JSON object", where=where)
    name = item.get("question_id", item.get("id"))
    text = item.get("text", item.get("response"))
    if name is None or not isinstance(text, str):
        raise DataError("lacks an id or a text", where=where, expected="question_id or id, text or response")
    prompt = item.get("prompt", "")
    if isinstance(prompt, dict):
        prompt = prompt.get("prompt", "")
    probabilities = item.get("probabilities")
    if probabilities is not None and not (
        isinstance(probabilities, dict)
        and all(isinstance(p, int | float) and 0 <= p <= 1 for p in probabilities.values())
    ):
        raise DataError("has probabilities that are none", where=where, expected='{"label": 0 … 1}')
    return Answer(str(name), text, str(prompt), probabilities)


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as fault:
        raise DataError(f"not readable as JSON: {fault}", where=where) from None
