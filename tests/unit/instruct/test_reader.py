"""Whatever is written of a case is read back as the same statements, likelihoods and numbers."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twelvelead.ecg.lead import LEADS
from twelvelead.ecg.statement import STATEMENTS
from twelvelead.instruct import dialogue, ecgqa, feature, morphology, report, rhythm
from twelvelead.instruct.case import AXES, MEASURES, NOISES, STAGES, SUBCLASSES, SUPERCLASSES, Case
from twelvelead.instruct.claim import Claim
from twelvelead.instruct.phrase import amount
from twelvelead.instruct.reader import Unreadable, form_of, hear, read
from twelvelead.instruct.sample import Item
from twelvelead.instruct.wording import names

MAKERS = {
    "feature": feature.make,
    "rhythm": rhythm.make,
    "morphology": morphology.make,
    "report": report.make,
    "ecgqa": ecgqa.make,
}
LIKELIHOODS = (0.0, 15.0, 35.0, 50.0, 80.0, 100.0)
SCALES = {
    "rate_bpm": (30, 190),
    "p_ms": (60, 160),
    "pr_ms": (90, 360),
    "qrs_ms": (60, 180),
    "qt_ms": (280, 600),
}
SCALES |= {"qtc_ms": (330, 600), "axis_deg": (-180, 180), "premature_beats": (0, 9), "ectopic_beats": (0, 5)}
RHYTHMS = [code for code, row in STATEMENTS.items() if row.rhythm]
OTHERS = [code for code, row in STATEMENTS.items() if not row.rhythm]


@st.composite
def cases(draw):
    codes = draw(st.lists(st.sampled_from(list(STATEMENTS)), unique=True, max_size=8))
    facts = {}
    for name, (low, high) in SCALES.items():
        known = draw(st.one_of(st.none(), st.just(math.nan), st.floats(low, high, width=32)))
        facts[name] = known
    for name in ("irregular", "p_present"):
        facts[name] = draw(st.sampled_from([None, 0.0, 1.0]))
    if draw(st.booleans()):
        facts["t_mv"] = draw(st.lists(st.floats(-1, 1, width=32), min_size=12, max_size=12))
    remarks = {
        kind: draw(st.sampled_from([None, "", " , V1,V2", " , alles,  ", "I-AVR", "V6", "x"]))
        for kind in NOISES
    }
    stage = draw(st.sampled_from([None, "unknown", "Stadium I", "Stadium I-II", "Stadium III"]))
    statements = [{"code": code, "likelihood": draw(st.sampled_from(LIKELIHOODS))} for code in codes]
    row = {"record_id": "00001", "fold": 1, "statements": statements, "infarction_stadium1": stage}
    row |= {
        "age": draw(st.sampled_from([math.nan, 50.0])),
        "sex": draw(st.sampled_from(["male", "female", ""])),
    }
    return Case.from_row(row | facts | remarks, "00001-0")


def items(case):
    """Every item that the case can answer, in every format that the families know."""
    for code in STATEMENTS:
        family = "rhythm" if code in RHYTHMS else "morphology"
        yield from (Item(family, form, "statement", code) for form in ("closed", "choice"))
        yield from (Item("ecgqa", form, "statement", code) for form in ("verify", "choose"))
    for kind, every in (("subclass", SUBCLASSES), ("superclass", SUPERCLASSES)):
        for target in every:
            yield Item("morphology", "closed", kind, target)
            yield Item("ecgqa", "verify", kind, target)
            yield Item("morphology", "choice", kind, target)
            if len(case.superclasses) < 4:
                yield Item("ecgqa", "choose", kind, target)
    for kind, target in (
        *(("superclass", one) for one in ("MI", "STTC", "CD", "HYP")),
        ("group", "form"),
        ("group", "diagnostic"),
    ):
        yield from (Item("morphology", form, kind, target) for form in ("open", "fill"))
        yield Item("ecgqa", "query", kind, target)
    yield from (Item("rhythm", form, "group", "rhythm") for form in ("closed", "open", "fill"))
    for group in ("form", "diagnostic"):
        yield from (Item("morphology", "closed", "group", group), Item("ecgqa", "verify", "group", group))
    yield from (Item("ecgqa", "query", "group", "rhythm"), Item("ecgqa", "query", "superclass"))
    yield from (Item("report", "report"), Item("report", "report", target="impression"))
    yield from measured_items(case)


def measured_items(case):
    for name in (*MEASURES, "t_mv.V4"):
        if name not in case.facts:
            continue
        value = case.value(name)
        limits = [{"low": value}, {"high": value}, {"low": value, "high": value + 20}, {"low": value - 10}]
        limits += [{}] if case.band(name) else []
        for limit in limits:
            yield Item("feature", "closed", "numeric", name, **limit)
            yield Item("ecgqa", "verify", "numeric", name, **limit)
        yield from (Item("feature", form, "numeric", name) for form in ("open", "fill", "choice"))
        if case.band(name):
            yield Item("ecgqa", "query", "numeric", name)
    yield from (Item("ecgqa", "query", "numeric", place) for place in ("below", "within", "above"))
    if case.axis:
        for name in AXES:
            yield from (Item("feature", form, "axis", name) for form in ("closed", "choice"))
            yield from (Item("ecgqa", form, "axis", name) for form in ("verify", "choose"))
        yield from (
            Item("feature", "open", "axis"),
            Item("feature", "fill", "axis"),
            Item("ecgqa", "query", "axis"),
        )
    if case.stage:
        for name in STAGES:
            yield from (Item("morphology", "closed", "stage", name), Item("ecgqa", "verify", "stage", name))
            if name != "unknown":
                yield Item("ecgqa", "choose", "stage", name)
        yield from (Item("morphology", "open", "stage"), Item("ecgqa", "query", "stage"))
        if case.stage != "unknown":
            yield Item("morphology", "choice", "stage", case.stage)
    for kind in case.noise:
        for lead in ("", *LEADS):
            yield Item("feature", "closed", "noise", kind, lead=lead)
            yield Item("ecgqa", "verify", "noise", kind, lead=lead)
        yield from (Item("feature", "open", "noise", kind), Item("ecgqa", "query", "noise", kind))
        yield Item("ecgqa", "query", "noise", lead="V2")
    for name in ("irregular", "p_present"):
        if name in case.facts:
            yield Item("feature", "closed", "sign", name)
            yield Item("rhythm", "open", "sign", name)
            yield Item("ecgqa", "verify", "sign", name)


def likelihood(case, code):
    return case.codes[code] or 100.0


def stated(case, codes):
    return {Claim("statement", code, likelihood(case, code)) for code in codes}


def belongs(code, kind, target):
    row = STATEMENTS[code]
    return getattr(row, target) if kind == "group" else getattr(row, kind) == target


def true_of(case, claim):
    """Whether a record supports what was said of it; written apart from the code that says it."""
    kind, target, value = claim.kind, claim.target, claim.value
    if kind == "statement":
        return target not in case.codes if value is False else likelihood(case, target) == value
    if kind in ("subclass", "superclass", "group"):
        found = [code for code in case.codes if belongs(code, kind, target)]
        found = [code for code in found if kind != "group" or code not in ("SR", "NORM") or value]
        return bool(found) is value
    if kind == "value":
        half = 2.5 if target.endswith(("_ms", "_deg")) else 0.05 if target.endswith("V4") else 0.5
        return abs(case.facts[target] - value) <= half + 1e-6
    if kind == "band":
        return case.band(target) == value
    if kind == "sign":
        return bool(case.facts[target]) is value
    if kind in ("axis", "stage"):
        return (getattr(case, kind) == target) is value
    if kind == "noise":
        name, _, lead = target.partition("/")
        return (
            not lead and " ".join(case.noise[name]) == value
            if value is not False
            else lead not in case.noise[name]
        )
    return kind == "report" and not set(case.codes) - {"SR"}


def checked(case, item, sample):
    """The claims of a sample, all of them true; of closed questions the right yes or no."""
    reading = read(item.format, sample.question, sample.answer)
    if item.format in ("closed", "verify"):
        assert reading.yes is case.holds(item)
        return reading
    if item.format in ("choose", "query"):
        return reading
    assert all(true_of(case, claim) for claim in reading.claims), (sample, reading)
    return reading


@settings(max_examples=120, deadline=None)
@given(cases(), st.integers(0, 2**32))
def test_every_answer_is_read_back_and_true(case, seed):
    rng = random.Random(seed)
    for item in items(case):
        if rng.random() < 0.5:
            continue
        sample = MAKERS[item.family](case, item, rng)
        reading = checked(case, item, sample)
        claims = set(reading.claims)
        assert all(
            true_of(case, claim) for claim in claims if claim.kind not in ("lead", "measure", "noise")
        ), sample
        if item.format in ("open", "fill", "query") and item.kind in ("superclass", "group") and item.target:
            codes = [code for code in case.codes if belongs(code, item.kind, item.target)]
            found = {claim for claim in claims if claim.kind == "statement"}
            assert found == stated(case, codes), sample
        if item.format == "closed" and claims and item.kind == "statement":
            assert {claim.target for claim in claims} == {item.target}
        if item.format in ("open", "fill") and item.kind == "numeric":
            assert Claim("value", item.target, case.value(item.target)) in claims
        if item.format == "choice" and item.kind in ("statement", "subclass", "superclass"):
            assert (reading.option in names(item.kind, item.target)) is case.holds(item)
        if item.format == "choice" and item.kind == "numeric":
            assert amount(item.target, reading.option) == case.value(item.target)
        if item.format == "choose":
            options = {claim.target for claim in claims}
            assert (item.target in options) is case.holds(item) or item.kind in ("subclass", "superclass")


@settings(max_examples=60, deadline=None)
@given(cases(), st.integers(0, 2**32))
def test_a_report_says_all_that_the_record_states_and_nothing_else(case, seed):
    sample = report.make(case, Item("report", "report"), random.Random(seed))
    claims = set(hear(sample.answer))
    assert {claim for claim in claims if claim.kind == "statement"} == stated(case, case.codes)
    known = {name for name in MEASURES if name in case.facts}
    assert {claim.target for claim in claims if claim.kind == "value"} == known
    assert {claim.target for claim in claims if claim.kind == "sign"} == {
        name for name in ("irregular", "p_present") if name in case.facts
    }
    assert all(true_of(case, claim) for claim in claims)


@settings(max_examples=60, deadline=None)
@given(cases(), st.integers(0, 2**32))
def test_every_turn_of_a_dialogue_is_read_back_and_true(case, seed):
    sample = dialogue.make(case, Item("dialogue", "dialogue"), random.Random(seed))
    turns = [(sample.question, sample.answer), *sample.turns]
    assert 2 <= len(turns) <= 4
    for question, answer in turns:
        form = form_of(question, answer)
        assert all(true_of(case, claim) for claim in read(form, question, answer).claims), (question, answer)


@pytest.mark.parametrize("code", list(STATEMENTS))
@pytest.mark.parametrize("given_likelihood", LIKELIHOODS)
def test_the_word_of_a_likelihood_is_kept_for_each_statement(code, given_likelihood):
    case = Case("1", "1-0", 1, {code: given_likelihood})
    rng = random.Random(given_likelihood)
    for _ in range(20):
        text = report.make(case, Item("report", "report", target="impression"), rng).answer
        claims = hear(text)
        if code == "SR":
            assert claims == (Claim("report", "impression", False),)
        else:
            assert claims == (Claim("statement", code, given_likelihood or 100.0),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The ECG shows a heart attack.",
        "Sinus rhythm and something else.",
        "The PR interval is 213 ms.",
        "The PR interval is 210 bpm.",
        "PR 210 ms (normal).",
        "PR 210 ms (prolonged, normal 100 to 150 ms).",
        "QRS axis -50 degrees (normal axis).",
        "Probable LVH (possible).",
        "Sinus rhythm, atrial",
        "LVH" * 40,
    ],
)
def test_what_no_sentence_accounts_for_cannot_be_read(text):
    with pytest.raises(Unreadable):
        hear(text)


@pytest.mark.parametrize("answer", ["Maybe", "Yesterday", "Yes, it does.", "No LVH.", "yes no"])
def test_a_closed_answer_is_yes_or_no_and_a_known_sentence(answer):
    with pytest.raises(Unreadable):
        read("closed", "Does this ECG show LVH?", answer)


def test_a_letter_that_is_no_option_or_another_options_text_cannot_be_read():
    question = "Which?\nA. LVH\nB. sinus rhythm\nC. PVCs\nD. none of these"
    assert read("choice", question, "A. LVH (possible)").claims == (Claim("statement", "LVH", 50.0),)
    assert read("choice", question, "D").option == "none"
    for answer in ("E", "A. sinus rhythm", "LVH", "A and B"):
        with pytest.raises(Unreadable):
            read("choice", question, answer)
