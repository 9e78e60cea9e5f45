import math

import pytest

from twelvelead.data.labels import read_labels
from twelvelead.errors import DataError


def table(folder, text):
    (folder / "labels.csv").write_text(text, encoding="utf-8")
    return folder / "labels.csv"


def test_columns_are_found_by_any_of_their_names(tmp_path):
    path = table(
        tmp_path,
        "FileName,PatientAge,Gender,Rhythm,Beat,patient_id,strat_fold\n"
        "a/1,95,MALE,AFIB,LVHV TWC,p7,9.0\n"
        "2,,,SB,NONE,,\n",
    )
    notes = read_labels(path)
    first, second = notes["a/1"], notes["2"]
    assert (first.age, first.sex, first.codes) == (90, "male", ("AFIB", "LVHV", "TWC"))
    assert (first.patient_id, first.fold) == ("p7", 9)
    assert math.isnan(second.age)
    assert (second.sex, second.codes, second.fold) == ("", ("SB", "NONE"), 0)


def test_ptbxls_dict_keeps_its_likelihoods(tmp_path):
    note = read_labels(table(tmp_path, "record,scp_codes\n1,\"{'IMI': 15.0, 'SR': 0.0}\"\n"))["1"]
    assert note.codes == ("IMI", "SR")
    assert note.likelihoods == {"IMI": 15.0, "SR": 0.0}


def test_a_label_in_words_is_kept_whole(tmp_path):
    assert read_labels(table(tmp_path, "record,labels\n1,left axis deviation\n"))["1"].codes == (
        "left axis deviation",
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n", "no column names the record"),
        ("record\n1\n1.hea\n", "row 3: record '1' occurs twice"),
        ("record,fold\n1,11\n", "row 2: fold '11'"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path, text, words):
    with pytest.raises(DataError, match=words):
        read_labels(table(tmp_path, text))
