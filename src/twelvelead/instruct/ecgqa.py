"""Questions of ECG-QA's types: verify, choose and query, with its terse answers.

Answers are lists of labels, joined by "; " as `ecgqa_json` reads them, "None" where empty. The types and
attributes are those of Oh et al., ECG-QA (NeurIPS 2023, arXiv 2306.15681); the sentences are ours.
"""

from __future__ import annotations

from twelvelead.errors import DataError
from twelvelead.instruct import answer, forms
from twelvelead.instruct.asking import ASKING
from twelvelead.instruct.case import MEASURES, NOISES, SUPERCLASSES, Case
from twelvelead.instruct.feature import AXIS, NOISE, NUMBERS, SIGNS
from twelvelead.instruct.foil import foils, shuffled
from twelvelead.instruct.grammar import Draws, Grammar, pick, sentence
from twelvelead.instruct.measure_words import (
    AXIS_WORDS,
    BAND_LABELS,
    MEASURE_NAMES,
    NOISE_WORDS,
    STAGE_WORDS,
)
from twelvelead.instruct.morphology import CLOSED, CLOSED_STAGE
from twelvelead.instruct.sample import NO, YES, Item, Sample
from twelvelead.instruct.wording import TOPICS, names, thing

JOINT, NONE = "; ", "None"
EITHER_OR = [
    "{opening}which of the two does {ecg} [show|display|reveal], {first} or {second}?",
    "{opening}[which|what] [applies to|fits|is true of] {ecg}: {first} or {second}?",
    "{opening}{first} or {second}: which [is|can be] [seen|found|read] [in|on|from] {ecg}?",
    "{opening}does {ecg} [show|display|have] {first}, {second}, both or neither?",
    "{opening}[choose|decide] between {first} and {second} for {ecg}.",
    "{opening}of {first} and {second}, which [do you find|do you see|is there] [in|on] {ecg}?",
]
QUERIES = {
    "query.superclass": [
        "{opening}[which|what] statements of {topic} does {ecg} [carry|show|support]?",
        "{opening}[list|name|enumerate] the statements of {topic} [of|for|on] {ecg}.",
        "{opening}[which|what] {topic} findings are [stated of|seen in|found in] {ecg}?",
        "{opening}{topic}: [which|what] statements [fit|hold for|apply to] {ecg}?",
    ],
    "query.superclasses": [
        "{opening}[which|what] diagnostic classes does {ecg} [fall into|belong to|show]?",
        "{opening}[list|name|enumerate] the diagnostic classes of {ecg}.",
        "{opening}to which diagnostic classes [do the findings of {ecg}|does {ecg}] belong?",
    ],
    "query.numeric": [
        "{opening}in [which|what] range [is|lies] the {measure} [of|in|on] {ecg}?",
        "{opening}where does the {measure} [of|in|on] {ecg} lie [against|relative to] the normal range?",
        "{opening}how does the {measure} [of|in|on] {ecg} [compare with|relate to] the normal range?",
        "{opening}is the {measure} [of|in|on] {ecg} below, within or above the normal range?",
    ],
    "query.numerics": [
        "{opening}[which|what] [measurements|numeric features|values] of {ecg} [are|lie] {band}?",
        "{opening}[list|name|enumerate] the [measurements|numeric features] of {ecg} that [are|lie] {band}.",
        "{opening}is any [measurement|numeric feature] of {ecg} {band}, and which?",
    ],
    "query.axis": AXIS["open.axis"],
    "query.stage": [
        "{opening}[which|what] stage of infarction does {ecg} show?",
        "{opening}in [which|what] stage is the infarction [of|in|on] {ecg}?",
        "{opening}[name|give] the stage of infarction [of|for|on] {ecg}.",
    ],
    "query.noise": NOISE["open.noise"],
    "query.noise_in": [
        "{opening}[which|what] kinds of noise [are|were] [noted|found] in [lead |]{lead} of {ecg}?",
        "{opening}[list|name] the kinds of noise in [lead |]{lead} of {ecg}.",
        "{opening}what noise, if any, does [lead |]{lead} of {ecg} [show|contain]?",
    ],
}
_VERIFY = {
    rule.replace("closed", "verify"): texts
    for rule, texts in {**NUMBERS, **AXIS, **NOISE, **SIGNS}.items()
    if rule.startswith("closed")
}
QUESTIONS = Grammar(
    {
        **{f"verify.{kind}": CLOSED for kind in ("statement", "subclass", "superclass", "group")},
        "verify.stage": CLOSED_STAGE,
        **_VERIFY,
        **{f"choose.{kind}": EITHER_OR for kind in ("statement", "subclass", "superclass", "axis", "stage")},
        **QUERIES,
        "query.group": QUERIES["query.superclass"],
    },
    ASKING,
)
_TYPES = {"axis": "heart_axis", "stage": "stage_of_infarction", "noise": "noise"}
_TYPES |= dict.fromkeys(("statement", "subclass", "superclass", "group"), "scp_code")


def make(case: Case, item: Item, rng: Draws) -> Sample:
    """A sample of format verify, choose or query, of any kind of `case.KINDS`.

    A query of kind superclass without target asks for the classes; of kind numeric with target "below",
    "within" or "above" for the measurements there; of kind noise with lead and no target for the kinds.

    Raises:
        DataError: The record does not tell it, or ECG-QA has no such question.
    """
    if item.format == "verify":
        holds = case.holds(item)
        if holds is None:
            raise forms.unknown(case, item)
        question, template = _ask(item, rng)
        said = YES if holds else NO
    elif item.format == "choose":
        question, template, said = _choose(case, item, rng)
    elif item.format == "query":
        labels = _labels(case, item, rng)
        question, template = _ask(item, rng)
        said = JOINT.join(labels) or NONE
    else:
        raise DataError(
            f"ECG-QA has no format {item.format!r}", where="Item", expected="verify, choose, query"
        )
    kind, target = thing(item.kind, item.target)
    return Sample(
        item.family,
        item.format,
        target if kind == "statement" else "",
        question,
        said,
        _source(item),
        f"ecgqa.{item.format}.{template}",
    )


def label(kind: str, target: str) -> str:
    """The one label of a thing in answers."""
    if kind == "axis":
        return AXIS_WORDS[target][0]
    if kind == "stage":
        return STAGE_WORDS[target][0]
    if kind == "noise":
        return NOISE_WORDS[target][0]
    return MEASURE_NAMES[target][0] if kind in ("numeric", "sign") else names(kind, target)[0]


def _choose(case: Case, item: Item, rng: Draws) -> tuple[str, str, str]:
    """Two options in random order; the answer names those that hold."""
    if item.kind in ("axis", "stage") and case.holds(item) is None:
        raise forms.unknown(case, item)
    other = item.foils[0] if item.foils else _other(case, item, rng)
    pair = shuffled((item.target, other), rng)
    held = [one for one in pair if case.holds(Item(item.family, "verify", item.kind, one))]
    words = [_called(item.kind, one, rng) for one in pair]
    slots = {"first": words[0], "second": words[1]}
    question, template = _ask(item, rng, slots)
    return question, template, JOINT.join(_hedged(case, item.kind, one, rng) for one in held) or NONE


def _other(case: Case, item: Item, rng: Draws) -> str:
    if item.kind == "statement" and rng.random() < 0.25:
        also = [code for code in case.codes if code != item.target]
        if also:
            return pick(also, rng)
    drawn = [one for one in foils(case, item.kind, item.target, 4, rng) if one != item.target]
    if not drawn:
        raise DataError(f"nothing is left to choose beside {item.kind} {item.target}", where=case.record_id)
    return drawn[0]


def _called(kind: str, target: str, rng: Draws) -> str:
    words = {"axis": AXIS_WORDS, "stage": STAGE_WORDS}.get(kind)
    return pick(words[target] if words else names(kind, target), rng)


def _hedged(case: Case, kind: str, target: str, rng: Draws) -> str:
    kind, target = thing(kind, target)
    hedge = answer.behind(case.codes[target], rng) if kind == "statement" else ""
    return label(kind, target) + hedge


def _labels(case: Case, item: Item, rng: Draws) -> list[str]:
    kind, target = item.kind, item.target
    if kind == "superclass" and not target:
        return [_hedged(case, kind, one, rng) for one in SUPERCLASSES if one in case.superclasses]
    if kind in ("superclass", "group"):
        return [_hedged(case, "statement", code, rng) for code in case.named(kind, target)]
    if kind == "axis" and case.axis:
        return [label("axis", case.axis)]
    if kind == "stage" and case.stage:
        return [label("stage", case.stage)]
    if kind == "noise" and target in case.noise:
        return list(case.noise[target])
    if kind == "noise" and not target and case.noise:
        return [label("noise", one) for one in NOISES if item.lead in case.noise.get(one, ())]
    if kind == "numeric" and target in BAND_LABELS:
        return [label("numeric", name) for name in MEASURES if case.band(name) == target]
    if kind == "numeric" and case.band(target):
        return [BAND_LABELS[case.band(target)]]
    raise forms.unknown(case, item)


def _ask(item: Item, rng: Draws, slots: dict[str, str] | None = None) -> tuple[str, str]:
    if slots is not None:
        slots["opening"] = ASKING.expand("opening", {}, rng)[0]
        text, number = QUESTIONS.expand(f"choose.{item.kind}", slots, rng)
        return sentence(text), number
    many = {("superclass", ""): "superclasses"} | {("numeric", band): "numerics" for band in BAND_LABELS}
    rule = many.get((item.kind, item.target))
    if item.format == "query" and (rule or (item.kind == "noise" and not item.target)):
        given = {"opening": ASKING.expand("opening", {}, rng)[0], "lead": item.lead}
        given["band"] = BAND_LABELS.get(item.target, "")
        text, number = QUESTIONS.expand(f"query.{rule or 'noise_in'}", given, rng)
        return sentence(text), number
    return forms.ask(QUESTIONS, item.format, item, rng)


def _source(item: Item) -> str:
    """ECG-QA's attribute type and attributes, as `ecgqa_json` takes them."""
    counts = item.kind == "numeric" and item.target in ("premature_beats", "ectopic_beats")
    attribute_type = "extra_systole" if counts else _TYPES.get(item.kind, "numeric_feature")
    named = [item.target] if item.kind == "sign" or item.target in BAND_LABELS else []
    if item.target and not named:
        topic = TOPICS.get((item.kind, item.target)) if item.format == "query" else None
        named = [topic[0] if topic else label(item.kind, item.target)]
    named += [item.lead] if item.lead else []
    return f"ecgqa.{attribute_type}" + ":" * bool(named) + JOINT.join(named)
