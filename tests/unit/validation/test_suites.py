"""The suites are files for people: they must say what happens."""

import pandas as pd
import pytest
import yaml

from twelvelead.data.index import INDEX
from twelvelead.params import Validate
from twelvelead.validation.expectations import judge_records, tables
from twelvelead.validation.facts import FACTS, FILE_FAULTS
from twelvelead.validation.suites import FOLDER, SUITES, load, parameters, rules
from twelvelead.validation.table import TABLE_FAULTS

WORDS = (*FILE_FAULTS, *TABLE_FAULTS, "rejected")


def test_every_file_is_a_suite_and_every_suite_a_file():
    assert {path.stem for path in FOLDER.iterdir()} == set(SUITES)
    assert all(load(name)["name"] == load(name)["table"] == name for name in SUITES)


@pytest.mark.parametrize("name", SUITES)
def test_every_expectation_says_how_grave_it_is_and_what_it_means(name):
    for written in load(name)["expectations"]:
        assert written["severity"] in ("critical", "warning")
        assert set(written) == {"type", "kwargs", "severity", "description", "meta"}
        assert set(written["meta"]) <= {"code", "reason"}
    for rule in rules(name, Validate()):
        assert "{" not in rule.sentence
        assert rule.sentence[0] != " "
        assert "{" not in rule.tell(1.5 if rule.column not in WORDS else "so", Validate())


def test_codes_are_unique_over_all_suites():
    codes = [rule.code for name in SUITES for rule in rules(name, Validate())]
    assert len(set(codes)) == len(codes)


def test_every_parameter_of_a_file_is_one_of_params_yaml_and_reaches_the_sentence():
    assert parameters("records", Validate(min_duration_s=8.0))["min_duration_s"] == 8.0
    for name in SUITES:
        assert set(parameters(name, Validate())) <= set(Validate.model_fields)
    rule = next(rule for rule in rules("records", Validate(min_duration_s=8.0)) if rule.code == "short")
    assert rule.sentence == "every record lasts at least 8 s"
    assert rule.tell(2.0, Validate(min_duration_s=8.0)) == "2.00 s long; at least 8 s are needed"


def test_every_column_is_made_and_every_fault_told_in_words_is_judged():
    columns = {*INDEX.names, *FACTS, *WORDS, "max_abs_mv"} - {"statements"}
    judged = {rule.column for rule in rules("records", Validate())}
    assert judged <= columns
    assert set(WORDS) <= judged


def test_the_other_tables_have_the_columns_that_their_suites_name(usual):
    made = tables(usual)
    for name in SUITES[1:]:
        assert {rule.column for rule in rules(name, Validate())} <= set(made[name].columns), name


def test_great_expectations_takes_each_file_as_it_is_and_gives_it_back():
    from twelvelead.validation.expectations import _great_expectations

    gx = _great_expectations()
    for name in SUITES:
        expectations = load(name)["expectations"]
        suite = gx.ExpectationSuite(name=name, expectations=list(expectations))
        kept = suite.to_json_dict()["expectations"]
        for written, found in zip(expectations, kept, strict=True):
            assert {key: found[key] for key in written} == written
            assert found["severity"] == written["severity"]
        assert len(gx.ExpectationSuite(**suite.to_json_dict()).expectations) == len(expectations)


def boundary(written, limits):
    """A value that just keeps a numeric rule, and one that just breaks it."""
    kwargs = {key: limits[value["$PARAMETER"]] if isinstance(value, dict) else value
              for key, value in written["kwargs"].items()}  # fmt: skip
    if "max_value" in kwargs:
        return kwargs["max_value"], kwargs["max_value"] * 1.001 + 1e-6
    return kwargs["min_value"], kwargs["min_value"] * 0.999 - 1e-6


NUMERIC = [e for e in load("records")["expectations"] if e["type"] == "expect_column_values_to_be_between"]
LIMITS = {**Validate().model_dump(), "max_einthoven_mv": 0.2, "max_abs_mv": 11.0, "max_typical_mv": 3.0}


def test_every_numeric_rule_keeps_its_limit_and_breaks_just_beyond_it():
    """One table: two records for each rule of the file, one on the limit, one beyond."""
    columns = {rule.column for rule in rules("records", Validate())}
    rows = [(written, value) for written in NUMERIC for value in boundary(written, LIMITS)]
    frame = pd.DataFrame({column: [None] * len(rows) for column in columns | {"record_id"}}, dtype=object)
    for column in {written["kwargs"]["column"] for written in NUMERIC}:
        frame[column] = [value if written["kwargs"]["column"] == column else float("nan")
                         for written, value in rows]  # fmt: skip
    frame["record_id"] = [str(number) for number in range(len(rows))]
    frame[["patient_id", "sex"]] = ["1", "male"]
    outcomes, findings = judge_records(frame, Validate.model_validate(LIMITS))
    assert not any(outcome.error for outcome in outcomes)
    found = {(finding.row, finding.code) for finding in findings}
    for number, (written, _) in enumerate(rows):
        assert ((number, written["meta"]["code"]) in found) == (number % 2 == 1), written["meta"]["code"]
    critical = {finding.code for finding in findings if finding.critical}
    assert critical == {w["meta"]["code"] for w in NUMERIC if w["severity"] == "critical"}


def test_the_files_are_plain_yaml_without_tricks():
    for path in FOLDER.iterdir():
        text = path.read_text(encoding="utf-8")
        assert "!!" not in text
        assert yaml.safe_load(text)
