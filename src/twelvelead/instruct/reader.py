"""Reads an answer back into claims, exactly, or says that it cannot: nothing is guessed or skipped.

The grammar that wrote the sentences reads them, and every letter must belong to one. What a model writes in
other words is Unreadable; a scorer counts it as such.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from twelvelead.ecg.lead import LEADS
from twelvelead.errors import DataError
from twelvelead.instruct import phrase
from twelvelead.instruct.answer import ANSWERS, BLANK
from twelvelead.instruct.asking import CHOSEN, NONE_OF_THESE
from twelvelead.instruct.claim import Claim
from twelvelead.instruct.ecgqa import JOINT, NONE
from twelvelead.instruct.measure_words import BAND_LABELS
from twelvelead.instruct.phrase import Claims
from twelvelead.instruct.report_words import HEADS
from twelvelead.instruct.sample import NO, YES, Format
from twelvelead.instruct.wording import THINGS


class Unreadable(DataError):
    """An answer, or a part of one, that no sentence of the grammar accounts for, or that two do."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer says.

    Attributes:
        yes: Of a closed question; None of another.
        claims: What is said of the record, in the order of the text; a report may say a thing twice, and a
            letter alone says nothing.
        letter: Option that was chosen, else "".
        option: Text of that option without a likelihood, as the question has it; "none" for none of them.
    """

    yes: bool | None = None
    claims: Claims = ()
    letter: str = ""
    option: str = ""


_SENTENCE_END = re.compile(r"[.;](?=\s|$)|\n")
_YES_NO = re.compile(rf"({YES}|{NO})(?:$|\.$|[.,:] (.+))", re.DOTALL)
_OPTION = re.compile(r"^([A-E])\. (.+)$", re.MULTILINE)
_GAP = re.compile(rf'"([^"]*{BLANK}[^"]*)"')
_BEHIND = re.compile(r" \([^()]*\)$")
_HEAD_WORDS = sorted((head for heads in HEADS.values() for head in heads), key=len, reverse=True)


def read(form: Format, question: str, answer: str) -> Reading:
    """The meaning of an answer in the form of its question; of a dialogue, turn by turn, see `form_of`.

    Raises:
        Unreadable: It cannot be read, with the part that cannot.
    """
    text = answer.strip()
    if form in ("closed", "verify"):
        return _read_closed(text)
    if form == "fill":
        return Reading(claims=_filled(question, text))
    if form == "choice":
        return _read_choice(question, text)
    if form in ("choose", "query"):
        return Reading(claims=_labels(question, text))
    return Reading(claims=hear(text))


def form_of(question: str, answer: str) -> Format:
    """The form of one turn of a dialogue, told by its question: options, a blank, or neither."""
    if len(_OPTION.findall(question)) > 1:
        return "choice"
    if _GAP.search(question):
        return "fill"
    return "closed" if _YES_NO.fullmatch(answer.strip()) else "open"


def hear(text: str) -> Claims:
    """The claims of a text, sentence by sentence.

    Raises:
        Unreadable: A sentence is not of the grammar, or has two meanings; or there is none.
    """
    parts = [part.strip() for part in _SENTENCE_END.split(text)]
    claims = [claim for part in parts if part for claim in _sentence(part)]
    if not claims:
        raise Unreadable("there is no sentence", where=repr(text))
    return tuple(claims)


def _sentence(text: str) -> Claims:
    meanings = _meanings(text)
    head = next((one for one in _HEAD_WORDS if text.startswith(one + ": ")), None)
    if head:
        body = text.removeprefix(head + ": ")
        if phrase.is_nothing(body) and head in HEADS["impression"]:
            meanings.append((Claim("report", "impression", value=False),))
        meanings += _meanings(body)
    several = list(dict.fromkeys(meanings))
    if len(several) != 1:
        what = "cannot be read" if not several else f"has {len(several)} meanings"
        raise Unreadable(f"{text!r} {what}", expected="a sentence of `instruct.answer.ANSWERS`")
    return several[0]


def _meanings(text: str) -> list[Claims]:
    found = []
    for rule, claims_of in _RULES.items():
        for slots in ANSWERS.read(rule, text):
            claims = claims_of(dict(slots))
            if claims:
                found.append(claims)
    return found


def _scoped(slots: dict[str, str]) -> Claims | None:
    key = phrase.topic(slots["topic"])
    if key is None:
        return None
    return (
        (Claim(*key, value=False),)
        if phrase.is_nothing(slots["listed"])
        else phrase.findings(slots["listed"])
    )


def _rated(slots: dict[str, str]) -> Claims | None:
    found, rate = phrase.findings(slots["findings"]), phrase.amount("rate_bpm", slots["rate"])
    rate = phrase.amount("rate_bpm", " ".join(slots["rate"].split())) if rate is None else rate
    return None if found is None or rate is None else (*found, Claim("value", "rate_bpm", rate))


def _noise(slots: dict[str, str]) -> Claims | None:
    kind, leads = phrase.noise(slots["noise"]), phrase.leads(slots["leads"])
    return (Claim("noise", kind, " ".join(leads)),) if kind and leads else None


def _no_noise(slots: dict[str, str]) -> Claims | None:
    kind = phrase.noise(slots["noise"])
    return (Claim("noise", kind, ""),) if kind else None


def _no_noise_in(slots: dict[str, str]) -> Claims | None:
    kind, leads = phrase.noise(slots["noise"]), phrase.leads(slots["leads"])
    return (
        (Claim("noise", f"{kind}/{leads[0]}", value=False),) if kind and leads and len(leads) == 1 else None
    )


def _denied(claims: Claims | None) -> Claims | None:
    return tuple(Claim(one.kind, one.target, value=False) for one in claims) if claims else None


_RULES: dict[str, Callable[[dict[str, str]], Claims | None]] = {
    "present": lambda slots: phrase.findings(slots["findings"]),
    "absent": lambda slots: phrase.lacking(slots.get("lacking") or slots["bare"]),
    "scoped": _scoped,
    "rated": _rated,
    "measured": lambda slots: phrase.values(slots["values"]),
    "is_sign": lambda slots: phrase.sign(slots["sign"]),
    "is_axis": lambda slots: phrase.axis(slots["axis"]),
    "axis_named": lambda slots: phrase.axis(slots["axis"]),
    "not_axis": lambda slots: _denied(phrase.axis(slots["bare_axis"])),
    "is_stage": lambda slots: phrase.stage(slots["stage"]),
    "not_stage": lambda slots: _denied(phrase.stage(slots["bare_stage"])),
    "has_noise": _noise,
    "lacks_noise": _no_noise,
    "lacks_noise_in": _no_noise_in,
}


def _read_closed(text: str) -> Reading:
    found = _YES_NO.fullmatch(text)
    if not found:
        raise Unreadable(f"{text!r} is no yes or no", expected=f"{YES} or {NO}, and a sentence or none")
    return Reading(yes=found[1] == YES, claims=hear(found[2]) if found[2] else ())


def _filled(question: str, text: str) -> Claims:
    gap = _GAP.search(question)
    if not gap:
        raise Unreadable("the question has no blank", where=repr(question), expected=BLANK)
    return hear(gap[1].replace(BLANK, text.removesuffix(".")))


def _read_choice(question: str, text: str) -> Reading:
    options = {letter: option.strip() for letter, option in _OPTION.findall(question)}
    said = [dict(slots) for rule in ("short", "long") for slots in CHOSEN.read(rule, text)]
    for slots in said:
        letter, option = slots["letter"].upper(), slots.get("option")
        if letter not in options:
            continue
        held = options[letter]
        if option is not None and option != held and _BEHIND.sub("", option) != held:
            continue
        name = "none" if held in NONE_OF_THESE else held
        return Reading(letter=letter, option=name, claims=_option_claims(question, option or "", name))
    raise Unreadable(f"{text!r} is none of the options", expected=", ".join(options))


def _option_claims(question: str, option: str, name: str) -> Claims:
    """What choosing an option says: a statement, class, axis, stage or value."""
    if name == "none" or not option:
        return ()
    if claims := phrase.findings(option) or phrase.axis(option) or phrase.stage(option):
        return claims
    if key := THINGS.get(option.casefold()):
        return (Claim(*key),)
    fact = phrase.measure_in(question.split("\n")[0])
    value = phrase.amount(fact, option) if fact else None
    if fact is None or value is None:
        raise Unreadable(f"the option {option!r} cannot be read")
    return (Claim("value", fact, value),)


def _labels(question: str, text: str) -> Claims:
    claims: list[Claim] = []
    for label in text.split(JOINT) if text != NONE else ():
        claims += _label(question, label)
    return tuple(claims)


def _label(question: str, label: str) -> Claims:
    places = {words: place for place, words in BAND_LABELS.items()}
    if found := phrase.findings(label) or phrase.axis(label) or phrase.stage(label):
        return found
    if key := THINGS.get(label.casefold()):
        return (Claim(*key),)
    if label in places and (fact := phrase.measure_in(question)):
        return (Claim("band", fact, places[label]),)
    if kind := phrase.noise(label):
        return (Claim("noise", kind),)
    if fact := phrase.measure_in(label):
        return (Claim("measure", fact),)
    if label in LEADS:
        return (Claim("lead", label),)
    raise Unreadable(f"the label {label!r} cannot be read", expected="a label of `instruct.ecgqa`")
