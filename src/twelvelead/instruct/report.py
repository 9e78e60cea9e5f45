"""A structured report of a record: rate and rhythm, intervals, axis, impression."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from twelvelead.ecg.statement import statement
from twelvelead.instruct.sample import Sample

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


def _word(code: str, likelihood: float) -> str:
    return WORDING.get(float(likelihood), "") + statement(code).phrase


def _value(facts: Mapping[str, Any], name: str, text: str) -> str:
    value = facts.get(name)
    return "" if value is None or math.isnan(float(value)) else text.format(float(value))


def _first(parts: list[str]) -> str:
    return ", ".join(part for part in parts if part)
