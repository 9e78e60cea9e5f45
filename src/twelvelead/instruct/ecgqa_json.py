"""ECG-QA's question format (Oh et al., NeurIPS 2023, arXiv 2306.15681; github.com/Jwoo5/ecg-qa, CC BY 4.0).

Answers are lists. Here they become one text, joined by "; ", for an answer of ECG-QA may hold commas
("bigeminal pattern (unknown origin, supraventricular, or ventricular)"). The other way, a sentence of ours
that verifies gives its first word, and a label loses its likelihood, which ECG-QA's lists have not; the whole
text stands beside, as `answer_text`. A choice among lettered options has no place in the format.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from twelvelead.ecg.statement import STATEMENTS
from twelvelead.errors import DataError
from twelvelead.instruct.conversation import Conversation, Named, own_columns
from twelvelead.instruct.wording import HEDGE_LEVEL

JOINT = "; "
SPLITS = {"train": "train", "validation": "valid", "test": "test"}
ITEMS_PER_FILE = 10_000  # as ECG-QA cuts its files
MIMIC_FROM = 10**7  # MIMIC-IV-ECG's study ids have eight digits, PTB-XL's ecg_ids at most five
TWO_ECGS = "compares two ECGs"
TYPES = {"verify": "single-verify", "choose": "single-choose", "query": "single-query"}
_FORMATS = {kind: name for name, kind in TYPES.items()} | {"closed": "verify"}
# Words that our questions are answered with, and what ECG-QA writes for them.
_WORDS = {"yes": "Yes", "no": "No", "not sure": "Not sure", "none": "None"}
_ECGQA_WORDS = {ours: theirs for theirs, ours in _WORDS.items()}
_THEIRS = re.compile(r"ecgqa\.(\d+)\.(\d+)")
_LIKELIHOOD = re.compile(rf" \((?:{'|'.join(sorted(HEDGE_LEVEL))})\)$")
_CODES = {statement.description.lower(): code for code, statement in STATEMENTS.items()}
_ATTRIBUTES = (
    ("scp_codes", "scp_code"),
    ("noise", "noise"),
    ("infarction", "stage_of_infarction"),
    ("stage", "stage_of_infarction"),
    ("ectopic", "extra_systole"),
    ("premature", "extra_systole"),
    ("heart_axis", "heart_axis"),
    ("axis", "heart_axis"),
)


class CannotExpress(DataError):
    """A sample that ECG-QA's format has no place for; exports count it by its sentence."""


def to_item(conversation: Conversation, number: int) -> dict[str, Any]:
    """The item of a conversation.

    Args:
        conversation: A single-turn sample that verifies, chooses or queries.
        number: Its sample_id within the split.

    Raises:
        CannotExpress: It is a dialogue, or of a format that ECG-QA has not.
    """
    about = conversation.about
    form = str(about.get("format", ""))
    form = _FORMATS.get(form, form)
    if len(conversation.turns) > 1:
        raise CannotExpress("has several turns", where=conversation.id)
    if form not in TYPES:
        raise CannotExpress(f"is of format {form!r}", where=conversation.id, expected=", ".join(TYPES))
    ((question, answer),) = conversation.turns
    answers = _answers(answer, form, about)
    if not all(map(_fits, answers)):
        raise CannotExpress("has an answer that is no list", where=conversation.id)
    template, question_id = _numbers(str(about.get("template", "")), question)
    attribute_type, attribute = _attribute(about)
    record = str(about["record_id"])
    item = {
        "template_id": template,
        "question_id": question_id,
        "sample_id": number,
        "question_type": TYPES[form],
        "attribute_type": attribute_type,
        "question": question,
        "answer": answers,
        "ecg_id": [int(record) if record.isdecimal() else record],
        "attribute": attribute,
    }
    return item | {"id": conversation.id, "answer_text": answer} | dict(about)


def parse(item: Mapping[str, Any], where: str) -> Conversation:
    """The conversation of an item.

    Raises:
        DataError: A field is missing or malformed; it compares two ECGs (`what` is TWO_ECGS), and a
            conversation here is about one page.
    """
    question, answer = item.get("question"), item.get("answer")
    ecgs, kind = item.get("ecg_id"), str(item.get("question_type", ""))
    if not isinstance(question, str) or not question.strip():
        raise DataError("has no question", where=where)
    if not isinstance(answer, list) or not all(isinstance(text, str) for text in answer):
        raise DataError(f"answer is {answer!r}", where=where, expected="a list of texts")
    if not isinstance(ecgs, list) or not ecgs:
        raise DataError(f"ecg_id is {ecgs!r}", where=where, expected="a list of one id")
    if len(ecgs) > 1:
        raise DataError(TWO_ECGS, where=where, expected="one page a question")
    form = next((name for name, known in TYPES.items() if known == kind), None)
    if form is None:
        raise DataError(f"question_type is {kind!r}", where=where, expected=", ".join(TYPES.values()))
    own = own_columns(item, where)
    text, said = answer_text(answer, where), item.get("answer_text")
    if own and isinstance(said, str) and _answers(said, form, own) == answer:
        text = said
    turns = ((question, text),)
    if own:
        return Conversation(str(item.get("id", "")), "", turns, own, (Named("", str(own["record_id"])),))
    name = str(item.get("sample_id", ""))
    return Conversation(name, "", turns, _columns(item, form), _records(ecgs[0], where))


def answer_text(answers: Sequence[str], where: str = "") -> str:
    """A list of answers as one text; an empty list says "None", as `none` does.

    Raises:
        DataError: An answer is empty or holds the joint, so that the text would not be read back.
    """
    if broken := [text for text in answers if not _fits(text)]:
        raise DataError(f"the answer {broken[0]!r} is empty or holds {JOINT!r}", where=where)
    return _WORDS.get(answers[0], answers[0]) if len(answers) == 1 else JOINT.join(answers) or "None"


def answer_list(text: str) -> list[str]:
    """The inverse of `answer_text`."""
    return [_ECGQA_WORDS.get(part, part) for part in text.split(JOINT)]


def _answers(text: str, form: str, about: Mapping[str, str | int]) -> list[str]:
    """The list that an answer means: of a sentence of ours that verifies, its first word; labels else."""
    if _THEIRS.fullmatch(str(about.get("template", ""))):
        return answer_list(text)
    if form != "verify":
        return [_LIKELIHOOD.sub("", part) for part in answer_list(text)]
    word = re.match("(Not sure|Yes|No)(?![A-Za-z])", text)
    return [_ECGQA_WORDS[word[1]]] if word else answer_list(text)


def _fits(text: str) -> bool:
    return JOINT.strip() not in text and bool(text.strip())


def _columns(item: Mapping[str, Any], form: str) -> dict[str, str | int]:
    attribute = [str(text) for text in item.get("attribute") or []]
    named = [code for text in attribute if (code := _CODES.get(text.lower()))]
    return {
        "family": "ecgqa",
        "format": form,
        "code": named[0] if form == "verify" and len(attribute) == len(named) == 1 else "",
        "answer_source": f"ecgqa.{item.get('attribute_type', '')}"
        + ":" * bool(attribute)
        + JOINT.join(attribute),
        "template": f"ecgqa.{item.get('template_id', '')}.{item.get('question_id', '')}",
        "seed": 0,
    }


def _records(ecg: Any, where: str) -> tuple[Named, ...]:
    if isinstance(ecg, bool) or not isinstance(ecg, int | str) or not str(ecg).isdecimal():
        raise DataError(f"ecg_id is {ecg!r}", where=where, expected="a number")
    number = int(ecg)
    return (Named("mimic-iv-ecg", str(ecg)) if number >= MIMIC_FROM else Named("ptb-xl", f"{number:05d}"),)


def _numbers(template: str, question: str) -> tuple[int | str, int]:
    """Template and question numbers: ECG-QA's own if the sample came from there, else ours."""
    if theirs := _THEIRS.fullmatch(template):
        return int(theirs[1]), int(theirs[2])
    return template, zlib.crc32(question.encode())


def _attribute(about: Mapping[str, str | int]) -> tuple[str, list[str]]:
    source, code = str(about.get("answer_source", "")), str(about.get("code", ""))
    if source.startswith("ecgqa."):
        kind, _, attribute = source.removeprefix("ecgqa.").partition(":")
        return kind, attribute.split(JOINT) if attribute else []
    kind = next((kind for word, kind in _ATTRIBUTES if word in source), "numeric_feature")
    return kind, [STATEMENTS[code].description.lower()] if code in STATEMENTS else []
