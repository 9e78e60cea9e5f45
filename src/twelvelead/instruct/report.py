"""A structured report of a record: rhythm, intervals, axis, conduction, morphology by territory, impression.

`make` words it in many ways; `sample` is the fixed wording that the embedded tokenizer was learnt from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from twelvelead.ecg.statement import statement
from twelvelead.instruct import answer
from twelvelead.instruct.asking import ASKING
from twelvelead.instruct.case import Case
from twelvelead.instruct.forms import rate_text
from twelvelead.instruct.grammar import Draws, pick, sentence
from twelvelead.instruct.measure_words import SIGN_WORDS
from twelvelead.instruct.report_words import (
    CHAMBERS,
    CONDUCTION,
    ECTOPY,
    HEADS,
    QRS,
    REPOLARIZATION,
    REPORTS,
    TERRITORIES,
)
from twelvelead.instruct.sample import Item, Sample

QUESTION = "Write a report of this ECG."
# PTB-XL's likelihoods as a cardiologist words them (specs/scp_statements.md §2).
WORDING = {80.0: "probable ", 50.0: "possible ", 35.0: "possible ", 15.0: "cannot exclude "}


def sample(codes: Mapping[str, float], facts: Mapping[str, Any]) -> Sample:
    """The report of one record.

    Args:
        codes: SCP code → likelihood in percent; 0 means "not stated" and is worded as certain.
        facts: Measured values; what is missing is left out.
    """
    rhythm = [_word(code, likelihood) for code, likelihood in codes.items() if statement(code).rhythm]
    other = [_word(code, likelihood) for code, likelihood in codes.items() if not statement(code).rhythm]
    parts = [
        _first([", ".join(rhythm), _value(facts, "rate_bpm", "{:.0f} bpm")]),
        _first(
            [
                _value(facts, "pr_ms", "PR {:.0f} ms"),
                _value(facts, "qrs_ms", "QRS {:.0f} ms"),
                _value(facts, "qtc_ms", "QTc {:.0f} ms"),
                _value(facts, "axis_deg", "axis {:.0f} degrees"),
            ]
        ),
        "Impression: " + (", ".join(other) if other else "nothing further"),
    ]
    text = ". ".join(part[0].upper() + part[1:] for part in parts if part) + "."
    return Sample("report", "report", "", QUESTION, text, "scp_codes+facts")


def make(case: Case, item: Item, rng: Draws) -> Sample:
    """A report (target ""), or its impression alone (target "impression"), with all that the case states.

    Every statement is said where it belongs and again in the impression, all but plain sinus rhythm; every
    interval, rate and axis that is known is given once.

    Raises:
        KeyError: There is no such target.
    """
    slots = {"opening": ASKING.expand("opening", {}, rng)[0], "patient": _patient(case, rng)}
    question, template = REPORTS.expand(item.target, slots, rng)
    prose = bool(item.target) or rng.random() < 0.4
    sections = [] if item.target else _sections(case, rng, prose=prose)
    sections.append(("impression", [_impression(case, rng)]))
    text = (" " if prose else "\n").join(_section(name, parts, rng, prose=prose) for name, parts in sections)
    style = f"{item.target or 'full'}-{'prose' if prose else 'lines'}"
    return Sample(
        item.family,
        item.format,
        "",
        sentence(question),
        text,
        "scp_codes+facts",
        f"report.report.{template}/{style}",
    )


def _sections(case: Case, rng: Draws, *, prose: bool) -> list[tuple[str, list[str]]]:
    """Name and parts of each section that has something to say."""
    codes = {name: [code for code in group if code in case.codes] for name, group in _GROUPS}
    sections = [("rhythm", _rhythm(case, codes["ectopy"], rng, prose=prose))]
    for name, facts in (("intervals", INTERVALS), ("axis", ("axis_deg",))):
        terms = [answer.value_term(case, fact, rng) for fact in facts if fact in case.facts]
        sections.append((name, [", ".join(terms)] if terms else []))
    for name, _ in _GROUPS[1:]:
        sections.append((name, [_found(case, codes[name], rng, prose=prose)] if codes[name] else []))
    return [(name, parts) for name, parts in sections if parts]


INTERVALS = ("p_ms", "pr_ms", "qrs_ms", "qt_ms", "qtc_ms")
_GROUPS = (
    ("ectopy", ECTOPY),
    ("conduction", CONDUCTION),
    *((site, codes) for site, (codes, _) in TERRITORIES.items()),
    ("qrs", QRS),
    ("chambers", CHAMBERS),
    ("repolarization", REPOLARIZATION),
)


def _rhythm(case: Case, ectopy: list[str], rng: Draws, *, prose: bool) -> list[str]:
    parts = []
    rhythm = case.named("group", "rhythm")
    rated = bool(rhythm) and "rate_bpm" in case.facts and rng.random() < 0.5
    if rated:
        slots = {"findings": answer.findings(case, rhythm, rng), "rate": rate_text(case, rng)}
        parts.append(answer.ANSWERS.expand("rated", slots, rng)[0])
    elif rhythm:
        parts.append(_found(case, rhythm, rng, prose=prose))
    if "rate_bpm" in case.facts and not rated:
        parts.append(answer.value_term(case, "rate_bpm", rng))
    for name in ("irregular", "p_present"):
        if name in case.facts:
            words = pick(SIGN_WORDS[name, bool(case.facts[name])], rng)
            parts.append(answer.ANSWERS.expand("is_sign", {"sign": words}, rng)[0] if prose else words)
    if ectopy:
        parts.append(_found(case, ectopy, rng, prose=prose))
    for name in ("premature_beats", "ectopic_beats"):
        if name in case.facts:
            parts.append(answer.value_term(case, name, rng))
    return parts


def _found(case: Case, codes: list[str], rng: Draws, *, prose: bool) -> str:
    said = answer.findings(case, codes, rng)
    return answer.ANSWERS.expand("present", {"findings": said}, rng)[0] if prose else said


def _impression(case: Case, rng: Draws) -> str:
    return answer.listed(case, [code for code in case.codes if code != "SR"], rng)


def _section(name: str, parts: list[str], rng: Draws, *, prose: bool) -> str:
    if prose and name != "impression" and (name not in TERRITORIES or rng.random() < 0.5):
        return " ".join(sentence(part) + "." for part in parts)
    head = pick(HEADS[name], rng)
    return f"{head}: " + "; ".join(parts) + "."


def _patient(case: Case, rng: Draws) -> str:
    """Who the page is of; reports alone are asked for with it, for age and sex go with findings."""
    if math.isnan(case.age) or not case.sex or case.age >= 90:
        return ""
    person = {"male": ("man", "male patient"), "female": ("woman", "female patient")}[case.sex]
    return f"{int(case.age)}-year-old {pick(person, rng)}: "


def _word(code: str, likelihood: float) -> str:
    return WORDING.get(float(likelihood), "") + statement(code).phrase


def _value(facts: Mapping[str, Any], name: str, text: str) -> str:
    value = facts.get(name)
    return "" if value is None or math.isnan(float(value)) else text.format(float(value))


def _first(parts: list[str]) -> str:
    return ", ".join(part for part in parts if part)
