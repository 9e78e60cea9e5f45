import datetime

import numpy as np
import pandas as pd
import pytest

from twelvelead.data import ptbxl
from twelvelead.validation.table import TABLE_FAULTS, table_faults

TODAY = datetime.date(2025, 11, 23)
CELL = {"report": "sinusrhythmus", "recording_date": "1990-05-01 12:00:00", "sex": 0, "scp_codes": "{}"}


def frame(**columns):
    n = max((len(value) for value in columns.values()), default=3)
    plain = {
        "record_id": [f"{number:05d}" for number in range(1, n + 1)],
        "source": ["ptb-xl"] * n,
        "patient_id": [str(100 + number) for number in range(n)],
        "age": [60.0] * n,
        "sex": ["male"] * n,
        "fs_hz": [500.0] * n,
        "statements": [np.array([{"code": "SR", "likelihood": 0.0}]) for _ in range(n)],
    }
    return pd.DataFrame({**plain, **columns})


def found(table, records, hashes=None):
    return table_faults(table, hashes or [""] * len(table), records, TODAY)


def cell(*statements):
    return np.array([{"code": code, "likelihood": value} for code, value in statements])


def write_rows(folder, *rows):
    lines = [ptbxl.format_row({"ecg_id": number, **CELL, **row}) for number, row in enumerate(rows, start=1)]
    (folder / ptbxl.DATABASE).write_text(ptbxl.HEADER + "".join(lines), encoding="utf-8")


def test_a_good_table_has_no_faults(tmp_path):
    write_rows(tmp_path, {}, {}, {})
    assert found(frame(), tmp_path) == [{}, {}, {}]


def test_every_code_is_declared(tmp_path):
    write_rows(tmp_path, {"sex": 7, "report": "", "recording_date": "x"}, {"report": "Ã¤"}, {})
    table = frame(statements=[cell(("NORM", 100.0), ("IMI", 200.0)), cell(("FOO", 1.0)), cell()])
    told = found(table, tmp_path, ["a", "a", ""])
    assert {code for row in told for code in row} <= set(TABLE_FAULTS)


@pytest.mark.parametrize(
    ("statements", "fault", "words"),
    [
        ([("IMMI", 100.0)], "statement_unknown", "did you mean IMI?"),
        ([("norm", 100.0)], "statement_unknown", "did you mean NORM?"),
        ([("Q", 100.0)], "statement_unknown", "no SCP statement 'Q'"),
        ([], "no_statement", "none of the 71"),
        ([("SR", 101.0)], "likelihood_range", "SR 101"),
        ([("SR", float("nan"))], "likelihood_range", "SR nan"),
        ([("NORM", 80.0), ("ASMI", 15.0)], "labels_contradict", "NORM with ASMI"),
        ([("CLBBB", 100.0), ("CRBBB", 100.0)], "labels_contradict", "CLBBB with CRBBB"),
    ],
)
def test_labels(tmp_path, statements, fault, words):
    told = found(frame(statements=[cell(*statements)]), tmp_path)[0]
    assert words in told[fault]
    assert set(told) - {"no_statement"} <= {fault}


def test_codes_of_another_vocabulary_are_told_and_not_taken_for_typos(tmp_path):
    table = frame(source=["folder"], statements=[cell(("164889003", 100.0), ("SR", 100.0))])
    assert found(table, tmp_path) == [
        {"statement_foreign": "164889003: not among the 71 SCP statements, never asked"}
    ]


@pytest.mark.parametrize(
    "text", ["ischÄmie, gÖring, fÜr", "Größe – naïve café", "Å rytme; ½ ¿", "tab\tand\nline"]
)
def test_letters_of_many_languages_are_not_garbled(tmp_path, text):
    write_rows(tmp_path, {"report": text})
    assert found(frame(record_id=["00001"]), tmp_path) == [{}]


@pytest.mark.parametrize(
    "text", ["Größe".encode().decode("latin-1"), "für".encode().decode("cp1252"), "a\x00b", "â€“", "�"]
)
def test_garbled_letters_are(tmp_path, text):
    write_rows(tmp_path, {"report": text.replace("\x00", "\x01")})
    assert "report_garbled" in found(frame(record_id=["00001"]), tmp_path)[0]


def test_today_is_not_the_future(tmp_path):
    write_rows(tmp_path, {"recording_date": "2025-11-23 23:59:59"}, {"recording_date": "2025-11-24 00:00:00"})
    told = found(frame(record_id=["00001", "00002"]), tmp_path)
    assert [set(row) for row in told] == [set(), {"date_future"}]


def test_a_patient_ages_as_the_calendar_does(tmp_path):
    dates = ["1990-01-01 00:00:00", "1999-12-01 00:00:00", "1995-01-01 00:00:00"]
    write_rows(tmp_path, *({"recording_date": date} for date in dates))
    same = {"patient_id": ["7"] * 3}
    assert found(frame(age=[60.0, 70.0, 65.0], **same), tmp_path) == [{}, {}, {}]
    told = found(frame(age=[60.0, 62.0, 65.0], **same), tmp_path)
    assert told[1]["patient_story"] == "aged -3 years in 4.9 since another recording of 7"
    assert found(frame(age=[85.0, 90.0, 90.0], **same), tmp_path) == [
        {},
        {},
        {},
    ]  # 90 stands for all above 89


def test_a_patient_has_one_sex_as_far_as_it_is_known(tmp_path):
    told = found(frame(patient_id=["7"] * 4, sex=["male", "", "male", "female"]), tmp_path)
    assert [set(row) for row in told] == [set(), set(), set(), {"patient_story"}]


def test_equal_rows_leave_one_and_different_rows_leave_none(tmp_path):
    ids = ["00001", "00001", "00002", "00002"]
    told = found(
        frame(record_id=ids, patient_id=["1", "1", "2", "2"], age=[60.0, 60.0, 60.0, 61.0]), tmp_path
    )
    assert [set(row) for row in told] == [set(), {"row_twice"}, {"rows_differ"}, {"rows_differ"}]


def test_a_recording_twice_is_needless_in_one_patient_and_wrong_in_two(tmp_path):
    table = frame(patient_id=["1", "1", "2", "3", "4"])
    told = found(table, tmp_path, ["a", "a", "b", "b", ""])
    assert told[:2] == [{}, {"signal_twice": "the samples of record 00001 again"}]
    assert told[2] == {"signal_two_patients": "patient 2, but the samples of 00004 (patient 3)"}
    assert set(told[3]) == {"signal_two_patients"}
    assert told[4] == {}
