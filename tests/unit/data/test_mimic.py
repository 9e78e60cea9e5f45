import math

import pytest

from twelvelead.data import mimic
from twelvelead.data.folds import fold_of_patient
from twelvelead.errors import DataError

PATH = "files/p1000/p10000032/s4{n}/4{n}"


def tables(folder, records=(), reports=(), patients=None):
    lines = ["subject_id,study_id,file_name,ecg_time,path", *records]
    (folder / mimic.RECORD_LIST).write_text("\n".join(lines) + "\n")
    header = "subject_id,study_id,cart_id,ecg_time," + ",".join(mimic.REPORT_LINES) + ",rr_interval"
    (folder / mimic.MEASUREMENTS).write_text("\n".join([header, *reports]) + "\n")
    if patients is not None:
        header = "subject_id,gender,anchor_age,anchor_year,anchor_year_group,dod"
        (folder / mimic.PATIENTS).write_text("\n".join([header, *patients]) + "\n")
    return folder


def test_a_study_becomes_an_entry(tmp_path):
    tables(
        tmp_path,
        [f"10000032,40,40,2180-07-23 08:44:00,{PATH.format(n=0)}"],
        ["10000032,40,6848296,2180-07-23 08:44:00,Sinus rhythm,Possible inferior infarct,,Abnormal ECG."
         + "," * 15 + "659"],
        ["10000032,F,52,2178,2014 - 2016,2180-09-09"],
    )  # fmt: skip
    entries, unmapped = mimic.entries(tmp_path, mimic.studies(tmp_path))
    (entry,) = entries
    assert unmapped == 1
    assert (entry.record_id, entry.paths, entry.patient_id) == ("40", (PATH.format(n=0),), "10000032")
    assert entry.fold == fold_of_patient("10000032")
    assert (entry.age, entry.sex) == (54.0, "female")
    assert entry.likelihoods == {"SR": 0.0, "IMI": 50.0}
    assert entry.report == "Sinus rhythm. Possible inferior infarct. Abnormal ECG."


def test_without_patients_csv_age_and_sex_are_unknown(tmp_path):
    tables(tmp_path, [f"7,40,40,2180-07-23 08:44:00,{PATH.format(n=0)}"])
    (entry,), _ = mimic.entries(tmp_path, mimic.studies(tmp_path))
    assert math.isnan(entry.age)
    assert (entry.sex, entry.likelihoods, entry.report) == ("", {}, "")


def test_an_age_above_89_is_90(tmp_path):
    tables(tmp_path, [f"7,40,40,2180-01-01 00:00:00,{PATH.format(n=0)}"], patients=["7,M,91,2178,,"])
    assert mimic.entries(tmp_path, mimic.studies(tmp_path))[0][0].age == 90.0


def test_all_records_of_a_patient_are_in_one_fold(tmp_path):
    rows = [f"{100 + n % 5},4{n},4{n},,{PATH.format(n=n)}" for n in range(40)]
    entries, _ = mimic.entries(tables(tmp_path, rows), mimic.studies(tmp_path))
    assert len({(entry.patient_id, entry.fold) for entry in entries}) == 5


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["7,40,40,,../../etc/passwd"], "row 2 is malformed"),
        (["7,40,40,,/etc/passwd"], "row 2 is malformed"),
        (["7,40,40,,a/40", ",41,41,,a/41"], "row 3 is malformed"),
        (["7,40,40,,a/40", "8,40,40,,a/41"], "study 40 occurs twice"),
    ],
)
def test_a_list_that_cannot_be_trusted_is_refused(tmp_path, rows, words):
    with pytest.raises(DataError, match=words):
        mimic.studies(tables(tmp_path, rows))


def test_a_missing_column_is_named(tmp_path):
    (tmp_path / mimic.RECORD_LIST).write_text("subject_id,path\n1,a\n")
    with pytest.raises(DataError, match="no column study_id"):
        mimic.studies(tmp_path)
