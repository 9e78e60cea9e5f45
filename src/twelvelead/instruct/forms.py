"""The four forms of a question: closed, open, fill-in and multiple choice, whatever it is about."""

from __future__ import annotations

import math

from twelvelead.ecg.statement import STATEMENTS
from twelvelead.errors import DataError
from twelvelead.instruct import answer
from twelvelead.instruct.answer import BLANK
from twelvelead.instruct.asking import ASKING, CHOSEN, LETTERS, NONE_OF_THESE
from twelvelead.instruct.case import Case, unit
from twelvelead.instruct.foil import foils, numbers, shuffled
from twelvelead.instruct.grammar import Draws, Grammar, pick, sentence
from twelvelead.instruct.measure_words import (
    AXIS_WORDS,
    MEASURE_NAMES,
    NOISE_WORDS,
    STAGE_WORDS,
    UNITS,
    number,
)
from twelvelead.instruct.sample import NO, YES, Item, Sample
from twelvelead.instruct.wording import TOPICS, names, thing

LONG_SHARE, LETTER_SHARE, NONE_SHARE = 0.4, 0.3, 0.25


def make(questions: Grammar, case: Case, item: Item, rng: Draws) -> Sample:
    """A sample in the form that the item names, worded by a family's questions.

    Raises:
        DataError: The record does not tell what is asked, or the family does not ask it in this form.
    """
    form = {"closed": closed, "open": open_, "fill": fill, "choice": choice}.get(item.format)
    if form is None:
        raise DataError(
            f"there is no form {item.format!r}",
            where=f"item of {item.family}",
            expected="closed, open, fill, choice",
        )
    return form(questions, case, item, rng)


def closed(questions: Grammar, case: Case, item: Item, rng: Draws) -> Sample:
    """Yes or No; in a share of the samples that the question announces, with a sentence."""
    holds = case.holds(item)
    if holds is None:
        raise unknown(case, item)
    question, template = ask(questions, "closed", item, rng)
    if rng.random() < LONG_SHARE:
        reason, reason_id = _reason(case, item, holds=holds, rng=rng)
        text = (YES if holds else NO) + pick((". ", ", ", ": "), rng)
        text += reason if text.endswith(". ") else uncapital(reason)
        question += ASKING.expand("at_length", {}, rng)[0]
        template += f"/{reason_id}"
    else:
        text = YES if holds else NO
        question += ASKING.expand("briefly", {}, rng)[0]
    return _sample(case, item, question, text, template)


def open_(questions: Grammar, case: Case, item: Item, rng: Draws) -> Sample:
    """An answer in one or two sentences."""
    question, template = ask(questions, "open", item, rng)
    text, text_id = _told(case, item, rng)
    return _sample(case, item, question, text, f"{template}/{text_id}")


def fill(questions: Grammar, case: Case, item: Item, rng: Draws) -> Sample:
    """A sentence with a blank and the words that belong there."""
    if item.kind == "numeric":
        value = case.value(item.target)
        if value is None:
            raise unknown(case, item)
        name = pick(MEASURE_NAMES[item.target], rng)
        gap, gap_id = answer.say(
            "measured", {"values": f"the {name} {pick(('is', 'measures'), rng)} {BLANK}"}, rng
        )
        words = number(value) + pick(UNITS[unit(item.target)], rng)
    elif item.kind == "axis":
        if not case.axis:
            raise unknown(case, item)
        gap, gap_id = answer.say("axis_named", {"axis": BLANK}, rng)
        words = pick(AXIS_WORDS[case.axis], rng)
    else:
        topic = pick(TOPICS[item.kind, item.target], rng)
        gap, gap_id = answer.say("scoped", {"topic": topic, "listed": BLANK}, rng)
        words = answer.listed(case, case.named(item.kind, item.target), rng)
    question, template = questions.expand("fill", {"gap": gap}, rng)
    return _sample(case, item, sentence(question), words, f"{template}/{gap_id}")


def choice(questions: Grammar, case: Case, item: Item, rng: Draws) -> Sample:
    """Four or five options in random order, one of them right; it may be that none of the others is."""
    count = 4 if rng.random() < 0.6 else 5
    options, right, source = _options(case, item, count, rng)
    order = shuffled(range(len(options)), rng)
    letter = LETTERS[order.index(right)]
    lines = [f"{LETTERS[place]}. {options[number_]}" for place, number_ in enumerate(order)]
    question, template = ask(questions, "choice", item, rng)
    short = rng.random() < LETTER_SHARE
    question += ASKING.expand("by_letter" if short else "with_text", {}, rng)[0]
    said = options[right] + (_hedge(case, source, rng) if source else "")
    text, text_id = CHOSEN.expand("short" if short else "long", {"letter": letter, "option": said}, rng)
    return _sample(case, item, "\n".join([question, *lines]), sentence(text), f"{template}/{text_id}")


def ask(questions: Grammar, form: str, item: Item, rng: Draws) -> tuple[str, str]:
    """The question of an item and the id of its production, by the most special rule that the family has.

    Raises:
        DataError: The family does not ask this.
    """
    kind, target = thing(item.kind, item.target)
    if kind == "numeric" and form in ("closed", "verify"):
        low, high = math.isfinite(item.low), math.isfinite(item.high)
        kind = "within" if low and high else "above" if low else "below" if high else "normal"
    elif kind == "noise" and item.lead:
        kind = "noise_in"
    for rule in (f"{form}.{kind}.{target}", f"{form}.{kind}"):
        if rule in questions:
            text, number_ = questions.expand(rule, _slots(item, rng), rng)
            return sentence(text), number_
    raise DataError(f"{item.family} has no {form} question about {item.kind} {item.target}", where="Item")


def unknown(case: Case, item: Item) -> DataError:
    """That the record does not tell what an item asks."""
    return DataError(
        f"record {case.record_id} does not tell {item.kind} {item.target}",
        where=f"{item.family}.{item.format}",
        fix="plan only what `Case.holds` and `Case.value` know",
    )


def source_of(case: Case, item: Item) -> str:
    """The statement key or column that an answer is read from."""
    if item.kind in ("statement", "subclass", "superclass", "group"):
        return (
            f"scp_codes.{item.target}" if item.kind == "statement" else f"scp_codes.{item.kind}.{item.target}"
        )
    if item.kind == "axis":
        return "axis_deg" if "axis_deg" in case.facts else "heart_axis"
    if item.kind == "stage":
        return "infarction_stadium1"
    if item.kind == "noise":
        return f"{item.target}.{item.lead}" if item.lead else item.target
    low = f"{number(item.low)}<" if math.isfinite(item.low) else ""
    high = f"<{number(item.high)}" if math.isfinite(item.high) else ""
    if low and high:
        low, high = low + "=", high.replace("<", "<=")
    return f"{low}{item.target}{high}"


def rate_text(case: Case, rng: Draws) -> str:
    """The heart rate with its unit."""
    return number(case.value("rate_bpm") or 0.0) + pick(UNITS["bpm"], rng)


def uncapital(text: str) -> str:
    """A sentence's words behind a comma; abbreviations, T waves and PR intervals keep their capital."""
    first = text.split(" ", 1)[0]
    keeps = first == "I" or any(letter.isupper() for letter in first[1:]) or len(first) == 1
    return text if keeps and first != "A" else text[:1].lower() + text[1:]


def _slots(item: Item, rng: Draws) -> dict[str, str]:
    kind, target = item.kind, item.target
    slots = {"opening": ASKING.expand("opening", {}, rng)[0], "lead": item.lead}
    if kind in ("statement", "subclass", "superclass", "group"):
        slots["name"] = pick(names(kind, target), rng)
        if (kind, target) in TOPICS:
            slots["topic"] = pick(TOPICS[kind, target], rng)
    elif kind == "numeric":
        unit_text = pick(UNITS[unit(target)], rng)
        slots["measure"] = pick(MEASURE_NAMES[target], rng)
        if math.isfinite(item.low):
            slots["low"] = number(item.low) + unit_text
        if math.isfinite(item.high):
            slots["high"] = number(item.high) + unit_text
    elif kind == "axis":
        slots["axis"] = pick(AXIS_WORDS[target], rng) if target else ""
    elif kind == "stage":
        slots["stage"] = pick(STAGE_WORDS[target], rng) if target else ""
    elif kind == "noise":
        slots["noise"] = pick(NOISE_WORDS[target], rng)
    return slots


def _reason(case: Case, item: Item, *, holds: bool, rng: Draws) -> tuple[str, str]:
    """A sentence behind Yes or No."""
    kind, target = item.kind, item.target
    if kind in ("statement", "subclass", "superclass", "group"):
        if not holds:
            return answer.absent(kind, target, rng)
        codes = (
            [target]
            if kind == "statement"
            else case.of_group(target)
            if kind == "group"
            else case.named(kind, target)
        )
        return answer.present(case, codes, rng)
    if kind == "axis":
        return answer.axis(target, holds, rng)
    if kind == "stage":
        return answer.stage(target, holds, rng)
    if kind == "sign":
        return answer.sign(target, holds, rng)
    if kind == "noise":
        leads = case.noise[target]
        return answer.noise(target, leads if holds else (), rng, lead="" if holds else item.lead)
    unlimited = not (math.isfinite(item.low) or math.isfinite(item.high))
    return answer.values(case, (target,), rng, banded=1.0 if unlimited else 0.3)


def _told(case: Case, item: Item, rng: Draws) -> tuple[str, str]:
    """The answer to an open question."""
    kind, target = item.kind, item.target
    if kind == "numeric":
        if case.value(target) is None:
            raise unknown(case, item)
        return answer.values(case, (target,), rng, banded=0.6)
    if kind == "sign" and target in case.facts:
        return answer.sign(target, bool(case.facts[target]), rng)
    if kind == "axis" and case.axis:
        return answer.axis(case.axis, True, rng)
    if kind == "stage" and case.stage:
        return answer.stage(case.stage, True, rng)
    if kind == "noise" and target in case.noise:
        return answer.noise(target, case.noise[target], rng)
    if kind not in ("subclass", "superclass", "group"):
        raise unknown(case, item)
    codes = case.named(kind, target)
    if not codes or rng.random() < 0.5:
        return answer.scoped(case, kind, target, rng)
    text, text_id = answer.present(case, codes, rng)
    if target == "rhythm" and "rate_bpm" in case.facts and rng.random() < 0.4:
        text += " " + answer.values(case, ("rate_bpm",), rng)[0]
    return text, text_id


def _options(case: Case, item: Item, count: int, rng: Draws) -> tuple[list[str], int, str]:
    """Options, which of them is right, and the statement whose likelihood it carries, else ""."""
    kind, target = item.kind, item.target
    if kind == "numeric":
        value = case.value(target)
        if value is None:
            raise unknown(case, item)
        unit_text = pick(UNITS[unit(target)], rng)
        return [number(one) + unit_text for one in numbers(target, value, count, rng)], 0, ""
    if kind in ("axis", "stage"):
        held = case.axis if kind == "axis" else case.stage
        if not held or held == "unknown":
            raise unknown(case, item)
        words = AXIS_WORDS if kind == "axis" else STAGE_WORDS
        return [pick(words[one], rng) for one in (held, *foils(case, kind, held, count - 1, rng))], 0, ""
    holds = bool(case.holds(item))
    with_none = not holds or rng.random() < NONE_SHARE
    wrong = [one for one in item.foils if not case.holds(Item(item.family, "closed", kind, one))]
    wrong = wrong or foils(case, kind, target, count - holds - with_none, rng)
    options = [target] * holds + wrong[: count - holds - with_none]
    said = [pick(names(kind, one), rng) for one in options]
    if with_none:
        said.append(pick(NONE_OF_THESE, rng))
    same_kind, code = thing(kind, target)
    return said, 0 if holds else len(said) - 1, code if holds and same_kind == "statement" else ""


def _hedge(case: Case, code: str, rng: Draws) -> str:
    return answer.behind(case.codes[code], rng)


def _sample(case: Case, item: Item, question: str, text: str, template: str) -> Sample:
    kind, target = thing(item.kind, item.target)
    code = target if kind == "statement" and target in STATEMENTS else ""
    return Sample(
        item.family,
        item.format,
        code,
        question,
        text,
        source_of(case, item),
        f"{item.family}.{item.format}.{template}",
    )
