import pandas as pd
import pytest

from twelvelead.ecg.statement import STATEMENTS
from twelvelead.errors import DataError
from twelvelead.validation.coverage import coverage, require_scored


def frame(*rows):
    cells = [[{"code": code, "likelihood": 0.0} for code in codes] for _, codes in rows]
    return pd.DataFrame({"fold": [fold for fold, _ in rows], "statements": cells})


DATA = frame(
    (1, ["SR", "NORM"]),
    (2, ["SR", "NORM"]),
    (8, ["SR", "AFIB"]),
    (9, ["LVH"]),
    (10, ["NORM"]),
    (10, ["AFIB"]),
)


def test_positives_are_counted_by_part():
    counts = coverage(DATA, 1)["counts"]
    assert counts["NORM"] == {"train": 2, "fold9": 0, "fold10": 1}
    assert counts["LVH"] == {"train": 0, "fold9": 1, "fold10": 0}
    assert len(counts) == len(STATEMENTS)


def test_a_statement_is_scored_from_the_least_number_of_training_positives_on():
    assert coverage(DATA, 1)["scored"] == ["NORM", "AFIB"]
    assert coverage(DATA, 2)["scored"] == ["NORM"]


def test_every_statement_left_out_has_its_reason():
    found = coverage(DATA, 2)
    assert found["not_scored"]["AFIB"] == "1 positive in folds 1-8, fewer than 2"
    assert found["not_scored"]["LVH"] == "0 positives in folds 1-8, fewer than 2"
    assert found["not_scored"]["WPW"] == "no record carries it"
    assert found["not_scored"]["SR"] == "every record of folds 1-8 carries it: nothing to tell apart"
    assert set(found["scored"]) | set(found["not_scored"]) == set(STATEMENTS)


def test_no_positives_of_any_statement_rejects_the_data_set():
    with pytest.raises(
        DataError, match="no statement can be scored: SR has 3 positives in folds 1-8, NORM has 2"
    ):
        require_scored(coverage(DATA, 4), 4)


def test_one_scored_statement_is_enough():
    require_scored(coverage(DATA, 2), 2)
