"""What must hold of the data set as a whole, checked with Great Expectations.

GX cannot see across rows on pandas, so cross-row rules (a patient in two folds, an empty fold) are plain
expectations on aggregated tables. Nothing here leaves the machine: the context is ephemeral, analytics off.
"""

from __future__ import annotations

import logging
import os
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from twelvelead.data.index import codes_of
from twelvelead.errors import DataError, LeakageError
from twelvelead.params import Validate
from twelvelead.validation.rules import PARTS, Rule, rules

EXAMPLES = 8
KEYS = {
    "records": "record_id",
    "usable": "record_id",
    "patients": "patient_id",
    "statements": "record_id",
    "parts": "part",
    "dataset": "part",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a rule. `error`: it could not be evaluated at all."""

    name: str
    sentence: str
    critical: bool
    passed: bool
    error: bool
    observed: str


def tables(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The index (with facts and status) as the tables that the rules speak of."""
    records = frame.drop(columns="statements")
    usable = records[records["status"] == "ok"]
    known = records[records["patient_id"] != ""]
    cells = zip(frame["record_id"], frame["statements"], strict=True)
    pairs = [(record_id, code) for record_id, cell in cells for code in codes_of(cell)]
    sizes = [(part, int(usable["fold"].isin(folds).sum())) for part, (folds, _) in PARTS.items()]
    share = 1 - len(usable) / len(frame) if len(frame) else 0.0
    return {
        "records": records.assign(sha256=records["sha256"].where(records["sha256"] != "", None)),
        "usable": usable,
        "patients": known.groupby("patient_id")["fold"].nunique().reset_index(name="folds"),
        "statements": pd.DataFrame(pairs, columns=["record_id", "code"]),
        "parts": pd.DataFrame(sizes, columns=["part", "records"]),
        "dataset": pd.DataFrame({"part": ["all records"], "quarantined_share": [share]}),
    }


def check(frame: pd.DataFrame, limits: Validate) -> list[Outcome]:
    """Check every rule on the index; one outcome a rule, in the order of `rules`."""
    gx, gxe = _great_expectations()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # else tqdm floods the logs of pods
    source = context.data_sources.add_pandas("index")
    asked = rules(limits)
    outcomes: dict[str, Outcome] = {}
    for name, table in tables(frame).items():
        mine = [rule for rule in asked if rule.table == name]
        suite = gx.ExpectationSuite(name=name, expectations=[_expectation(gxe, rule) for rule in mine])
        whole = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("all")
        form = {"result_format": "COMPLETE", "unexpected_index_column_names": [KEYS[name]]}
        results = whole.get_batch({"dataframe": table}).validate(suite, result_format=form).results
        found = {result.expectation_config.meta["rule"]: result for result in results}
        outcomes |= {rule.name: _outcome(rule, found[rule.name], len(table)) for rule in mine}
    return [outcomes[rule.name] for rule in asked]


def refuse(outcomes: list[Outcome], frame: pd.DataFrame) -> None:
    """Raise if a critical rule failed.

    Raises:
        LeakageError: Patients cross folds; names them.
        DataError: Any other; lists each failed rule with its values.
    """
    failed = {outcome.name: outcome for outcome in outcomes if outcome.critical and not outcome.passed}
    if not failed:
        return
    lines = [f"not so: {outcome.sentence}; {outcome.observed}" for outcome in failed.values()]
    if "parts_filled" in failed:
        filled = frame.loc[frame["status"] == "ok", "fold"]
        empty = {part: why for part, (folds, why) in PARTS.items() if not filled.isin(folds).any()}
        lines = [*(f"{part} has no usable record: {why}" for part, why in empty.items()), *lines]
    listed = "\n  ".join(lines)
    if "patient_one_fold" in failed:
        folds = frame[frame["patient_id"] != ""].groupby("patient_id")["fold"].unique()
        crossing = {patient: sorted(of) for patient, of in folds.items() if len(of) > 1}
        named = [f"{patient} (folds {', '.join(map(str, of))})" for patient, of in crossing.items()]
        raise LeakageError(
            f"{len(named)} patient(s) in more than one fold: {', '.join(named[:EXAMPLES])}"
            f"{', …' if len(named) > EXAMPLES else ''}\n  {listed}",
            expected="all records of a patient in one fold, else people trained on are tested on",
            fix="correct strat_fold in the source's table",
        )
    raise DataError(f"the data set was rejected\n  {listed}", fix="see validation.html")


def _expectation(gxe: Any, rule: Rule) -> Any:
    severity = "critical" if rule.critical else "warning"
    return getattr(gxe, rule.type)(
        column=rule.column, severity=severity, meta={"rule": rule.name}, **rule.limits
    )


def _outcome(rule: Rule, result: Any, rows: int) -> Outcome:
    raised = result.exception_info or {}
    if raised.get("raised_exception") is not False:  # GX does not raise: a missing column is a result too
        infos = [info for info in raised.values() if isinstance(info, dict)] or [raised]
        why = f"could not be evaluated: {infos[0].get('exception_message')}"
        return Outcome(rule.name, rule.sentence, rule.critical, False, True, why)
    found = result.result
    odd = found["unexpected_count"]
    key = KEYS[rule.table]
    examples = []
    for cell in found["unexpected_index_list"][:EXAMPLES] if odd else []:
        value = _short(cell[rule.column])
        examples.append(value if key == rule.column else f"{cell[key]}: {value}")
    observed = f"{rows - found['missing_count']} checked, {odd} otherwise"
    if examples:
        observed += f" ({', '.join(examples)}{', …' if odd > len(examples) else ''})"
    return Outcome(rule.name, rule.sentence, rule.critical, bool(result.success), False, observed)


def _short(value: Any) -> str:
    return (
        f"{value:.4g}"
        if isinstance(value, float | np.floating)
        else repr(value)
        if value == ""
        else str(value)
    )


def _great_expectations() -> tuple[Any, Any]:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read at import; a hospital's index is nobody's business
    logging.getLogger("great_expectations").setLevel(logging.WARNING)  # KFP's executor shows every INFO line
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its dependencies import what the standard library deprecates
        import great_expectations as gx
        import great_expectations.expectations as gxe
    return gx, gxe
