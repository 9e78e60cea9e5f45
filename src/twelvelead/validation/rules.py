"""The rules a data set must keep, in words and in Great Expectations' terms, without importing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from twelvelead.data.index import SELECT_FOLD, TEST_FOLD, TRAIN_FOLDS
from twelvelead.ecg.statement import STATEMENTS
from twelvelead.params import Validate

PARTS = {
    "folds 1-8": (tuple(TRAIN_FOLDS), "nothing can be trained"),
    f"fold {SELECT_FOLD}": ((SELECT_FOLD,), "no epoch and no threshold can be chosen"),
    f"fold {TEST_FOLD}": ((TEST_FOLD,), "no model can be tested"),
}
"""The three parts of the data: their folds, and what fails without them."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One expectation. A critical one rejects the data set, any other is reported."""

    name: str
    sentence: str
    table: str  # one of expectations.tables
    type: str  # class name in great_expectations.expectations
    column: str
    limits: Mapping[str, Any] = field(default_factory=dict)
    critical: bool = False


def rules(limits: Validate) -> list[Rule]:
    """All rules, in the order of the report."""
    between, in_set = "ExpectColumnValuesToBeBetween", "ExpectColumnValuesToBeInSet"
    unique, lengths = "ExpectColumnValuesToBeUnique", "ExpectColumnValueLengthsToBeBetween"
    share = limits.max_quarantined_share
    return [
        Rule("unique_record", "every record id occurs once", "records", unique, "record_id", critical=True),
        Rule("fold_range", "every fold is 1 to 10", "records", between, "fold",
             {"min_value": 1, "max_value": 10}, critical=True),
        Rule("patient_one_fold", "no patient is in two folds", "patients", between, "folds",
             {"min_value": 1, "max_value": 1}, critical=True),
        Rule("known_statement", "every statement is one of the 71 SCP statements", "statements", in_set,
             "code", {"value_set": list(STATEMENTS)}, critical=True),
        Rule("parts_filled", "folds 1-8, fold 9 and fold 10 each have usable records", "parts", between,
             "records", {"min_value": 1}, critical=True),
        Rule("quarantined_share", f"at most {share:.0%} of the records are quarantined", "dataset", between,
             "quarantined_share", {"max_value": share}, critical=True),
        Rule("patient_known", "every record names its patient", "records", lengths,
             "patient_id", {"min_value": 1}),
        Rule("unique_samples", "no two records hold the same samples", "records", unique, "sha256"),
        Rule("sex", "sex is known in at least 95% of the records", "records", in_set,
             "sex", {"value_set": ["male", "female"], "mostly": 0.95}),
        Rule("age", "age is 0 to 120 years in at least 99% of the records", "records", between,
             "age", {"min_value": 0, "max_value": 120, "mostly": 0.99}),
        Rule("n_leads", "every usable record has twelve leads", "usable", in_set,
             "n_leads", {"value_set": [12.0]}),
        _usual("rate_bpm", "heart rate (1/min)", 20, 250, 0.98),
        _usual("pr_ms", "PR interval (ms)", 60, 400, 0.95),
        _usual("qrs_ms", "QRS duration (ms)", 40, 240, 0.98),
        _usual("qt_ms", "QT interval (ms)", 200, 700, 0.98),
        _usual("clip_share", "share of clipped samples", 0, 0.05, 0.98),
    ]  # fmt: skip


def _usual(column: str, what: str, low: float, high: float, mostly: float) -> Rule:
    sentence = f"{what} is {low:g} to {high:g} in at least {mostly:.0%} of the usable records"
    bounds = {"min_value": low, "max_value": high, "mostly": mostly}
    return Rule(column, sentence, "usable", "ExpectColumnValuesToBeBetween", column, bounds)
