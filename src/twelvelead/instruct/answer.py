"""The sentences that answers are made of: each says claims about a record, and `reader` hears them again."""

from __future__ import annotations

from collections.abc import Sequence

from twelvelead.ecg.lead import LEADS
from twelvelead.instruct.case import Case, unit
from twelvelead.instruct.grammar import Draws, Grammar, pick, sentence
from twelvelead.instruct.measure_words import (
    AXIS_WORDS,
    BAND_WORDS,
    MEASURE_NAMES,
    NOISE_WORDS,
    SIGN_WORDS,
    STAGE_WORDS,
    UNITS,
    axis_words,
    number,
    range_text,
)
from twelvelead.instruct.wording import HEDGES, NAMES, TOPICS, bare, level, names

BLANK = "____"
NOTHING = (
    "no finding",
    "nothing of note",
    "no abnormality stated",
    "nothing abnormal",
    "no abnormal finding",
    "nothing remarkable",
    "no stated finding",
    "nothing to report",
)
JOINTS = (" and ", " as well as ", " together with ", " plus ", " along with ")
OR_JOINTS = (" or ", " nor ")
COPULAS = (" is ", " measures ", ": ", " of ", " = ", " ")

COMMON = Grammar(
    {
        "ecg": [
            (4, "[this|the] ECG"),
            (3, "[this|the] [tracing|recording|electrocardiogram]"),
            (2, "[this|the] 12-lead [ECG|tracing|recording|electrocardiogram]"),
            "the [page|printout|sheet]",
        ],
        "regarding": ["regarding", "concerning", "as to", "as for", "with regard to", "in terms of"],
        "shows": ["shows", "reveals", "displays", "demonstrates", "exhibits"],
    }
)
ANSWERS = Grammar(
    {
        "present": [
            (3, "{findings}"),
            (3, "{ecg} {shows} {findings}"),
            (2, "{ecg} {shows} [evidence|signs|features|a picture] of {findings}"),
            "there is [evidence|an indication] of {findings}[| on {ecg}| here]",
            "[I|one can|we] [see|find|recognize|identify] {findings}[| on {ecg}| here]",
            "{findings} can be [seen|recognized|identified|made out][| on {ecg}| here]",
            "[seen|noted|stated|found|present][| here| on {ecg}]: {findings}",
            "the [finding|reading|statement|result] [here|for {ecg}] is {findings}",
            "in {ecg} [I|we|one can] [find|see|note] [evidence|signs] of {findings}",
        ],
        "absent": [
            (3, "{ecg} {shows} no {bare}"),
            (2, "{ecg} {shows} no [evidence|signs|sign|features] of {lacking}"),
            (2, "there is no [evidence|indication|sign] of {lacking}[| on {ecg}| here]"),
            "[I|we] [see|find|recognize|identify] no {bare}[| on {ecg}| here]",
            "{lacking} cannot be [seen|found|recognized|identified][| on {ecg}| here]",
            "[no|without] {bare}[| on {ecg}| here]",
        ],
        "scoped": [
            (3, "{topic}: {listed}"),
            (
                2,
                "{regarding} {topic}, {ecg} {shows} {listed}",
            ),
            "{regarding} {topic}, [I|we|one would] [state|note] {listed}",
            "for {topic} [the reading|the finding|the entry|the result] is {listed}",
            "under {topic}, [put|write|state|enter|note] {listed}",
            "{ecg} {shows}, as to {topic}, {listed}",
        ],
        "rated": [
            "{findings} at [a rate of |a heart rate of |a ventricular rate of |]{rate}",
            "{findings} with a [heart|ventricular|mean] rate of {rate}",
        ],
        "measured": [
            (4, "{values}"),
            (2, "[measured|by measurement|on measurement|as measured|the measurement]: {values}"),
            "[on|in|for] {ecg}, {values}",
            "measured [on|in] {ecg}, {values}",
            "the [measurement|median beat] gives: {values}",
        ],
        "is_sign": [
            (3, "{sign}"),
            "[on|in] {ecg} {sign}",
            "[as measured|by measurement|on inspection|here|throughout], {sign}",
            "[it can be seen|one sees|I see|we find|the tracing shows] that {sign}",
        ],
        "is_axis": [
            (2, "{axis}"),
            "{ecg} {shows} {axis}",
            "there is {axis}[| on {ecg}| here]",
            "[the reading|the finding|the result] for the axis is {axis}",
            "the frontal plane {shows} {axis}",
        ],
        "axis_named": [
            "{regarding} the [axis|QRS axis|electrical axis|heart axis], {ecg} {shows} {axis}",
            "[the reading|the finding|the result] for the axis is {axis}",
            "the frontal plane of {ecg} {shows} {axis}",
            "the limb leads [show|speak for|give] {axis}",
        ],
        "not_axis": [
            "no {bare_axis}",
            "{ecg} {shows} no {bare_axis}",
            "there is no [evidence of |sign of |]{bare_axis}[| on {ecg}| here]",
        ],
        "is_stage": [
            "{stage}",
            "{ecg} {shows} {stage}",
            "[stated|noted|recorded][| for {ecg}| here]: {stage}",
            "the record [states|notes|speaks of] {stage}",
        ],
        "not_stage": [
            "no {bare_stage}",
            "{ecg} {shows} no {bare_stage}",
            "the record [states|notes|speaks of] no {bare_stage}",
        ],
        "has_noise": [
            "{noise} in {leads}",
            "{ecg} {shows} {noise} in {leads}",
            "there is {noise} in {leads}[| on {ecg}| here]",
            "[noted|marked|remarked][| on {ecg}| here]: {noise} in {leads}",
        ],
        "lacks_noise": [
            "no {noise}",
            "{ecg} {shows} no {noise}",
            "there is no {noise}[| on {ecg}| here]",
            "[I|we] [see|note|find] no {noise}",
        ],
        "lacks_noise_in": [
            "no {noise} in {leads}",
            "{ecg} {shows} no {noise} in {leads}",
            "there is no {noise} in {leads}[| here]",
        ],
    },
    COMMON,
)

FINDINGS: dict[tuple[str, float], tuple[str, ...]] = {}
"""All ways to say a statement of a likelihood level."""
for _code, _names in NAMES.items():
    for _level, (_before, _behind) in HEDGES.items():
        said = list(_names) if not _before + _behind else []
        for _name in _names:
            _article, _rest = bare(_name)
            said += [f"{'a ' if _article else ''}{word} {_rest}" for word in _before]
            said += [f"{_name} ({word})" for word in _behind]
        FINDINGS[_code, _level] = tuple(said)
LEAD_SETS = {"all leads": LEADS, "every lead": LEADS}


def say(rule: str, slots: dict[str, str], rng: Draws) -> tuple[str, str]:
    """A sentence of ANSWERS with capital and stop, and the id of its production."""
    text, number_ = ANSWERS.expand(rule, slots, rng)
    return sentence(text) + ".", number_


def finding(code: str, likelihood: float, rng: Draws) -> str:
    """A statement with the word of its likelihood."""
    return pick(FINDINGS[code, level(likelihood)], rng)


def behind(likelihood: float, rng: Draws) -> str:
    """ " (possible)": the word of a likelihood behind a name; "" where it is certain."""
    words = HEDGES[level(likelihood)][1]
    return f" ({pick(words, rng)})" if words else ""


def findings(case: Case, codes: Sequence[str], rng: Draws) -> str:
    """Statements of the case in one phrase."""
    return joined([finding(code, case.codes[code], rng) for code in codes], rng)


def joined(parts: Sequence[str], rng: Draws, joints: Sequence[str] = JOINTS) -> str:
    """ "A, B and C", with one of the joints before the last."""
    if len(parts) < 2:
        return "".join(parts)
    return ", ".join(parts[:-1]) + pick(joints, rng) + parts[-1]


def listed(case: Case, codes: Sequence[str], rng: Draws) -> str:
    """Statements in one phrase, or that there are none."""
    return findings(case, codes, rng) if codes else pick(NOTHING, rng)


def present(case: Case, codes: Sequence[str], rng: Draws) -> tuple[str, str]:
    """A sentence that states these codes of the case."""
    return say("present", {"findings": findings(case, codes, rng)}, rng)


def absent(kind: str, target: str, rng: Draws) -> tuple[str, str]:
    """A sentence that denies a statement, class or task group."""
    name = pick(names(kind, target), rng)
    return say("absent", {"lacking": name, "bare": bare(name)[1]}, rng)


def scoped(case: Case, kind: str, target: str, rng: Draws) -> tuple[str, str]:
    """A sentence that lists all that the case states of a topic."""
    topic = pick(TOPICS[kind, target], rng)
    return say("scoped", {"topic": topic, "listed": listed(case, case.named(kind, target), rng)}, rng)


def values(case: Case, facts: Sequence[str], rng: Draws, *, banded: float = 0.5) -> tuple[str, str]:
    """A sentence with measured values; each with its band in a share `banded` of the draws."""
    said = joined([value_term(case, name, rng, banded=banded) for name in facts], rng, (" and ", ", "))
    return say("measured", {"values": said}, rng)


def value_term(case: Case, name: str, rng: Draws, *, banded: float = 0.5) -> str:
    """A measured value with its name and unit, such as "the PR interval is 160 ms (normal)".

    Raises:
        KeyError: The case does not know it.
    """
    band = band_text(case, name, rng) if rng.random() < banded else ""
    copula = pick(COPULAS, rng)
    article = "the " if copula in (" is ", " measures ") else ""
    value = case.value(name)
    if value is None:
        raise KeyError(name)
    return (
        article
        + pick(MEASURE_NAMES[name], rng)
        + copula
        + number(value)
        + pick(UNITS[unit(name)], rng)
        + band
    )


def band_text(case: Case, name: str, rng: Draws) -> str:
    """ " (prolonged, normal 120 to 200 ms)"; "" where no normal range is known."""
    value, band = case.value(name), case.band(name)
    if not band or value is None:
        return ""
    if name == "axis_deg":
        return f" ({bare(pick(axis_words(value), rng))[1]})"
    bounds = range_text(name, case.sex)
    word = pick(BAND_WORDS[name][band], rng)
    return (
        f" ({word}, {pick(('normal', 'normal range', 'reference'), rng)} {bounds})"
        if rng.random() < 0.5
        else f" ({word})"
    )


def sign(name: str, holds: bool, rng: Draws) -> tuple[str, str]:
    """A sentence on the regularity of the rhythm or on P waves."""
    return say("is_sign", {"sign": pick(SIGN_WORDS[name, holds], rng)}, rng)


def axis(name: str, holds: bool, rng: Draws) -> tuple[str, str]:
    """A sentence that states or denies a class of the axis."""
    words = pick(AXIS_WORDS[name], rng)
    return say("is_axis" if holds else "not_axis", {"axis": words, "bare_axis": bare(words)[1]}, rng)


def stage(name: str, holds: bool, rng: Draws) -> tuple[str, str]:
    """A sentence that states or denies a stage of infarction."""
    words = pick(STAGE_WORDS[name], rng)
    return say("is_stage" if holds else "not_stage", {"stage": words, "bare_stage": bare(words)[1]}, rng)


def noise(kind: str, leads: Sequence[str], rng: Draws, *, lead: str = "") -> tuple[str, str]:
    """A sentence that states noise with its leads, or denies it, of `lead` alone where that is named."""
    slots = {"noise": pick(NOISE_WORDS[kind], rng), "leads": leads_text(leads or (lead,), rng)}
    return say("has_noise" if leads else "lacks_noise_in" if lead else "lacks_noise", slots, rng)


def leads_text(leads: Sequence[str], rng: Draws) -> str:
    """Leads in one phrase."""
    if len(leads) == len(LEADS):
        return pick(tuple(LEAD_SETS), rng)
    head = "" if rng.random() < 0.4 else "lead " if len(leads) == 1 else "leads "
    return head + joined(leads, rng, (" and ", ", "))
