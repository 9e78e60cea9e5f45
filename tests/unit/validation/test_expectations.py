import math

import pandas as pd
import pytest

from twelvelead.errors import DataError, LeakageError
from twelvelead.params import Validate
from twelvelead.validation.expectations import judge_dataset, judge_records, refuse
from twelvelead.validation.suites import SUITES, rules


def judge(frame, rejected=0, **limits):
    return judge_dataset(frame, rejected, Validate(**limits))


def failed(frame, rejected=0, **limits):
    return {outcome.name: outcome for outcome in judge(frame, rejected, **limits) if not outcome.passed}


@pytest.fixture
def records():
    """A table as suites/records.yaml wants it: two records without fault."""
    columns = {rule.column for rule in rules("records", Validate())}
    frame = pd.DataFrame({column: [None, None] for column in columns}, dtype=object)
    return frame.assign(record_id=["00001", "00002"], patient_id="7", sex="male", age=50.0, fold=1)


def test_a_good_index_passes_every_rule_in_order(usual):
    outcomes = judge(usual)
    wanted = [rule.code for name in SUITES[1:] for rule in rules(name, Validate())]
    assert [outcome.name for outcome in outcomes] == wanted
    assert all(outcome.passed and not outcome.error for outcome in outcomes)
    refuse(outcomes, usual)


def test_good_records_break_nothing(records):
    outcomes, findings = judge_records(records, Validate())
    assert [outcome.name for outcome in outcomes if not outcome.passed] == []
    assert findings == []


def test_a_finding_names_row_code_and_value(records):
    records.loc[1, ["unreadable", "duration_s"]] = ["no header", 3.0]
    records.loc[0, "mains_mv"] = 0.7
    outcomes, findings = judge_records(records, Validate())
    assert [(f.row, f.code, f.reason, f.critical) for f in findings] == [
        (1, "unreadable", "unreadable: no header", True),
        (1, "short", "3.00 s long; at least 9.5 s are needed", True),
        (0, "mains", "mains hum of 0.70 mV rms", False),
    ]
    broken = {outcome.name: outcome for outcome in outcomes if not outcome.passed}
    assert {name: outcome.effect for name, outcome in broken.items()} == {
        "unreadable": "quarantined", "short": "quarantined", "mains": "flagged",
    }  # fmt: skip
    assert broken["short"].observed == "1 checked, 1 otherwise (00002: 3)"
    assert not any(outcome.fatal for outcome in outcomes)


def test_a_share_that_is_allowed_passes_and_its_records_are_still_named(records):
    many = pd.concat([records] * 60, ignore_index=True)
    many["record_id"] = [str(number) for number in range(120)]
    many.loc[5, "age"] = -5.0
    outcomes, findings = judge_records(many, Validate())
    age = next(outcome for outcome in outcomes if outcome.name == "age_range")
    assert (age.passed, age.broken) == (True, 1)
    assert [(f.row, f.reason) for f in findings] == [(5, "age -5 years")]


def test_a_quarantine_rule_that_cannot_be_evaluated_rejects_the_data_set(records):
    outcomes, _ = judge_records(records.drop(columns="einthoven_mv"), Validate())
    assert [(o.name, o.error) for o in outcomes if o.fatal] == [("einthoven", True)]
    with pytest.raises(DataError, match="could not be evaluated"):
        refuse(outcomes, pd.DataFrame({"status": [], "fold": []}))


def test_a_patient_in_two_folds_is_a_leak_and_is_named(usual):
    usual.loc[0, "patient_id"] = "107"  # record 7 is in fold 8, record 1 in fold 2
    with pytest.raises(LeakageError, match=r"1 patient\(s\) in more than one fold: 107 \(folds 2, 8\)"):
        refuse(judge(usual), usual)


def test_a_quarantined_record_leaks_too_but_an_impossible_fold_is_no_second_fold(usual):
    usual.loc[0, ["patient_id", "status"]] = ["107", "quarantined"]
    assert set(failed(usual)) == {"patient_one_fold"}
    usual.loc[0, "fold"] = 11
    assert failed(usual) == {}


def test_unknown_patients_are_no_leak(usual):
    usual.loc[[0, 1, 2], "patient_id"] = ""
    assert failed(usual) == {}


@pytest.mark.parametrize(
    ("fold", "words"), [(9, "no epoch and no threshold"), (10, "no model can be tested")]
)
def test_an_empty_fold_says_which_and_what_fails_without_it(usual, fold, words):
    usual = usual[usual["fold"] != fold]
    with pytest.raises(DataError, match=f"fold {fold} has no usable record: {words}"):
        refuse(judge(usual), usual)


def test_a_fold_whose_records_are_all_quarantined_is_empty(usual):
    usual.loc[usual["fold"] == 9, "status"] = "quarantined"
    with pytest.raises(DataError, match="fold 9 has no usable record"):
        refuse(judge(usual), usual)


def test_no_training_record_is_refused(usual):
    usual = usual[usual["fold"] > 8]
    with pytest.raises(DataError, match="folds 1-8 has no usable record: nothing can be trained"):
        refuse(judge(usual), usual)


def test_too_many_quarantined_records_reject_the_data_set(usual):
    usual.loc[usual["fold"].isin([1, 2]), "status"] = "quarantined"
    assert failed(usual, max_quarantined_share=0.2) == {}
    usual.loc[usual["fold"] == 3, "status"] = "quarantined"
    with pytest.raises(DataError, match=r"at most 20% of the records are quarantined; .*all records: 0\.3"):
        refuse(judge(usual, max_quarantined_share=0.2), usual)


def test_records_that_ingest_rejected_count_as_quarantined(usual):
    assert failed(usual, rejected=7) == {}
    assert set(failed(usual, rejected=8)) == {"quarantined_share"}


def test_two_usable_records_of_one_name_reject_the_data_set(usual):
    usual.at[0, "record_id"] = "00002"
    assert failed(usual)["unique_record"].fatal
    usual.at[0, "status"] = "quarantined"
    assert failed(usual) == {}


@pytest.mark.parametrize(("column", "value"), [("rate_bpm", 400.0), ("pr_ms", 10.0), ("qrs_ms", 10.0)])
def test_odd_measurements_of_many_are_reported_and_not_fatal(usual, column, value):
    usual.loc[0:1, column] = value
    found = failed(usual)
    assert set(found) == {column}
    refuse(list(found.values()), usual)


def test_unknown_measurements_are_no_odd_ones(usual):
    usual.loc[0:5, "pr_ms"] = math.nan
    assert failed(usual) == {}


def test_a_missing_column_is_an_error_of_its_own_kind(usual):
    found = failed(usual.drop(columns="qt_ms"))
    assert found["qt_ms"].error
    assert "could not be evaluated" in found["qt_ms"].observed


def test_great_expectations_sends_nothing_home(usual, monkeypatch):
    import socket

    def refused(*_, **__):
        raise AssertionError("network")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    assert failed(usual) == {}
