"""Great Expectations at work: the suites are run on tables in memory, and nothing leaves the machine.

GX cannot see across rows on pandas, so cross-row rules (a patient in two folds, an empty fold) are plain
expectations on aggregated tables. The context is ephemeral, analytics are off.
"""

from __future__ import annotations

import logging
import os
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from twelvelead.errors import DataError, LeakageError
from twelvelead.params import Validate
from twelvelead.validation.coverage import PARTS
from twelvelead.validation.suites import RECORDS, SUITES, Rule, load, parameters, rules

EXAMPLES = 8
KEYS = {
    "records": "record_id",
    "usable": "record_id",
    "patients": "patient_id",
    "parts": "part",
    "dataset": "part",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a rule. `error`: it could not be evaluated at all; `broken`: rows against it."""

    name: str
    suite: str
    sentence: str
    effect: str  # quarantined, flagged, rejected or reported
    passed: bool
    error: bool
    broken: int
    observed: str

    @property
    def fatal(self) -> bool:
        """Whether the data set is rejected for it. A quarantine that cannot be decided protects nobody."""
        return not self.passed and (
            self.effect == "rejected" or (self.error and self.effect == "quarantined")
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """One record against one rule."""

    row: int  # in the table
    code: str
    reason: str
    critical: bool


def judge_records(table: pd.DataFrame, limits: Validate) -> tuple[list[Outcome], list[Finding]]:
    """Run suites/records.yaml.

    Args:
        table: One row a record: the index, its facts, and a column for each fault that is told in words.
        limits: The thresholds.

    Returns:
        One outcome a rule, and every breach, by rule and then by row.
    """
    table = table.reset_index(drop=True)
    outcomes, findings = [], []
    for rule, result in _run(RECORDS, table, limits):
        outcomes.append(_outcome(rule, result, table))
        values = table[rule.column] if rule.column in table else pd.Series(dtype=object)
        for row in [] if outcomes[-1].error else sorted(result.result["unexpected_index_list"] or []):
            findings.append(Finding(row, rule.code, rule.tell(values[row], limits), rule.critical))
    return outcomes, findings


def judge_dataset(frame: pd.DataFrame, rejected: int, limits: Validate) -> list[Outcome]:
    """Run the other suites on the index with facts and status; one outcome a rule.

    Args:
        frame: The index with facts and status.
        rejected: Records that ingest rejected and that are not in the index; they count as quarantined.
        limits: The thresholds.
    """
    found = tables(frame, rejected)
    return [
        _outcome(rule, result, found[name])
        for name in SUITES
        if name != RECORDS
        for rule, result in _run(name, found[name], limits)
    ]


def tables(frame: pd.DataFrame, rejected: int = 0) -> dict[str, pd.DataFrame]:
    """The aggregated tables that the suites speak of."""
    usable = frame[frame["status"] == "ok"].drop(columns="statements").reset_index(drop=True)
    known = frame[(frame["patient_id"] != "") & frame["fold"].between(1, 10)]
    sizes = [(part, int(usable["fold"].isin(folds).sum())) for part, (folds, _) in PARTS.items()]
    total = len(frame) + rejected
    share = 1 - len(usable) / total if total else 0.0
    return {
        "usable": usable,
        "patients": known.groupby("patient_id")["fold"].nunique().reset_index(name="folds"),
        "parts": pd.DataFrame(sizes, columns=["part", "records"]),
        "dataset": pd.DataFrame({"part": ["all records"], "quarantined_share": [share]}),
    }


def refuse(outcomes: list[Outcome], frame: pd.DataFrame) -> None:
    """Raise if the data set must not be used.

    Raises:
        LeakageError: Patients cross folds; names them.
        DataError: Any other fatal outcome; lists each with its values.
    """
    failed = {outcome.name: outcome for outcome in outcomes if outcome.fatal}
    if not failed:
        return
    lines = [f"not so: {outcome.sentence}; {outcome.observed}" for outcome in failed.values()]
    if "parts_filled" in failed:
        filled = frame.loc[frame["status"] == "ok", "fold"]
        empty = {part: why for part, (folds, why) in PARTS.items() if not filled.isin(folds).any()}
        lines = [*(f"{part} has no usable record: {why}" for part, why in empty.items()), *lines]
    listed = "\n  ".join(lines)
    if "patient_one_fold" in failed:
        known = frame[(frame["patient_id"] != "") & frame["fold"].between(1, 10)]
        folds = known.groupby("patient_id")["fold"].unique()
        crossing = {patient: sorted(of) for patient, of in folds.items() if len(of) > 1}
        named = [f"{patient} (folds {', '.join(map(str, of))})" for patient, of in crossing.items()]
        raise LeakageError(
            f"{len(named)} patient(s) in more than one fold: {', '.join(named[:EXAMPLES])}"
            f"{', …' if len(named) > EXAMPLES else ''}\n  {listed}",
            expected="all records of a patient in one fold, else people trained on are tested on",
            fix="correct strat_fold in the source's table",
        )
    raise DataError(f"the data set was rejected\n  {listed}", fix="see validation.html")


def _run(name: str, table: pd.DataFrame, limits: Validate) -> list[tuple[Rule, Any]]:
    """Each rule of a suite with GX's result; rows against it are named by their number."""
    gx = _great_expectations()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # else tqdm floods the logs of pods
    whole = (
        context.data_sources.add_pandas("index")
        .add_dataframe_asset(name)
        .add_batch_definition_whole_dataframe("all")
    )
    suite = gx.ExpectationSuite(name=name, expectations=list(load(name)["expectations"]))
    results = (
        whole.get_batch({"dataframe": table})
        .validate(
            suite,
            result_format={"result_format": "COMPLETE"},
            expectation_parameters=parameters(name, limits),
        )
        .results
    )
    found = {result.expectation_config.meta["code"]: result for result in results}
    return [(rule, found[rule.code]) for rule in rules(name, limits)]


def _outcome(rule: Rule, result: Any, table: pd.DataFrame) -> Outcome:
    said = (rule.code, rule.suite, rule.sentence, rule.effect)
    raised = result.exception_info or {}
    if raised.get("raised_exception") is not False:  # GX does not raise: a missing column is a result too
        infos = [info for info in raised.values() if isinstance(info, dict)] or [raised]
        return Outcome(*said, False, True, 0, f"could not be evaluated: {infos[0].get('exception_message')}")
    found = result.result
    odd = int(found["unexpected_count"])
    rows = sorted(found.get("unexpected_index_list") or [])
    examples = []
    for row in rows[:EXAMPLES]:
        key, value = table[KEYS[rule.suite]][row], _short(table[rule.column][row])
        examples.append(value if KEYS[rule.suite] == rule.column else f"{key}: {value}")
    nulls = "null" in result.expectation_config.type
    checked = len(table) if nulls else len(table) - int(found["missing_count"])
    observed = f"{checked} checked, {odd} otherwise"
    if examples:
        observed += f" ({', '.join(examples)}{', …' if odd > len(examples) else ''})"
    return Outcome(*said, bool(result.success), False, odd, observed)


def _short(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    return repr(value) if value == "" else str(value)


def _great_expectations() -> Any:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read at import; a hospital's index is nobody's business
    logging.getLogger("great_expectations").setLevel(logging.WARNING)  # KFP's executor shows every INFO line
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its dependencies import what the standard library deprecates
        import great_expectations as gx
        import great_expectations.expectations  # registers the expectations by their type
    return gx
