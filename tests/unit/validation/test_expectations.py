import math

import pandas as pd
import pytest

from twelvelead.errors import DataError, LeakageError
from twelvelead.params import Validate
from twelvelead.validation.expectations import check, refuse
from twelvelead.validation.rules import rules


def index(n=30):
    numbers = range(1, n + 1)
    return pd.DataFrame(
        {
            "record_id": [f"{number:05d}" for number in numbers],
            "source": "simulated",
            "patient_id": [str(100 + number) for number in numbers],
            "age": 50.0,
            "sex": "male",
            "fold": [1 + number % 10 for number in numbers],
            "sha256": [f"{number:064x}" for number in numbers],
            "statements": [[{"code": "NORM", "likelihood": 100.0}] for _ in numbers],
            "status": "ok",
            "n_leads": 12.0,
            "rate_bpm": 70.0,
            "pr_ms": 160.0,
            "qrs_ms": 90.0,
            "qt_ms": 380.0,
            "clip_share": 0.0,
        }
    )


def failed(frame, limits=None):
    return {outcome.name: outcome for outcome in check(frame, limits or Validate()) if not outcome.passed}


@pytest.fixture
def frame():
    return index()


def test_a_good_index_passes_every_rule_in_order(frame):
    outcomes = check(frame, Validate())
    assert [outcome.name for outcome in outcomes] == [rule.name for rule in rules(Validate())]
    assert all(outcome.passed and not outcome.error for outcome in outcomes)
    refuse(outcomes, frame)


def test_a_patient_in_two_folds_is_a_leak_and_is_named(frame):
    frame.loc[0, "patient_id"] = "107"  # record 7 is in fold 8, record 1 in fold 2
    with pytest.raises(LeakageError, match=r"1 patient\(s\) in more than one fold: 107 \(folds 2, 8\)"):
        refuse(check(frame, Validate()), frame)


def test_unknown_patients_are_no_leak(frame):
    frame.loc[[0, 1, 2], "patient_id"] = ""
    found = failed(frame)
    assert set(found) == {"patient_known"}
    assert not found["patient_known"].critical


@pytest.mark.parametrize(
    ("fold", "words"), [(9, "no epoch and no threshold"), (10, "no model can be tested")]
)
def test_an_empty_fold_says_which_and_what_fails_without_it(frame, fold, words):
    frame = frame[frame["fold"] != fold]
    with pytest.raises(DataError, match=f"fold {fold} has no usable record: {words}"):
        refuse(check(frame, Validate()), frame)


def test_a_fold_whose_records_are_all_quarantined_is_empty(frame):
    frame.loc[frame["fold"] == 9, "status"] = "quarantined"
    with pytest.raises(DataError, match="fold 9 has no usable record"):
        refuse(check(frame, Validate()), frame)


def test_no_training_record_is_refused(frame):
    frame = frame[frame["fold"] > 8]
    with pytest.raises(DataError, match="folds 1-8 has no usable record: nothing can be trained"):
        refuse(check(frame, Validate()), frame)


def test_too_many_quarantined_records_reject_the_data_set(frame):
    frame.loc[frame["fold"].isin([1, 2]), "status"] = "quarantined"
    assert failed(frame, Validate(max_quarantined_share=0.2)) == {}
    frame.loc[frame["fold"] == 3, "status"] = "quarantined"
    with pytest.raises(DataError, match=r"at most 20% of the records are quarantined; .*all records: 0\.3"):
        refuse(check(frame, Validate()), frame)


@pytest.mark.parametrize(
    ("column", "value", "rule", "words"),
    [
        ("record_id", "00002", "unique_record", "00002"),
        ("fold", 11, "fold_range", "00001: 11"),
        ("statements", [{"code": "FOO", "likelihood": 1.0}], "known_statement", "00001: FOO"),
    ],
)
def test_a_critical_fault_rejects_the_data_set_with_its_value(frame, column, value, rule, words):
    frame.at[0, column] = value
    found = failed(frame)
    assert set(found) == {rule}
    assert words in found[rule].observed
    with pytest.raises(DataError, match=f"not so: .*{words}"):
        refuse(list(found.values()), frame)


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("age", 140.0, "age"),
        ("sha256", f"{2:064x}", "unique_samples"),
        ("n_leads", 11.0, "n_leads"),
        ("rate_bpm", 400.0, "rate_bpm"),
        ("qrs_ms", 10.0, "qrs_ms"),
    ],
)
def test_a_doubtful_value_is_reported_and_not_fatal(frame, column, value, rule):
    frame.at[0, column] = value
    found = failed(frame)
    assert set(found) == {rule}
    refuse(list(found.values()), frame)


def test_unknown_ages_and_measurements_are_not_faults(frame):
    frame.loc[0:5, ["age", "pr_ms"]] = math.nan
    frame.loc[0:5, "sha256"] = ""
    assert failed(frame) == {}


def test_a_missing_column_is_an_error_of_its_own_kind(frame):
    found = failed(frame.drop(columns="age"))
    assert found["age"].error
    assert "could not be evaluated" in found["age"].observed


def test_great_expectations_sends_nothing_home(frame, monkeypatch):
    import socket

    def refused(*_, **__):
        raise AssertionError("network")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    assert failed(frame) == {}
