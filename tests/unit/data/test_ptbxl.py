import csv
import io
import math

import pytest

from twelvelead.data import ptbxl
from twelvelead.errors import DataError

CELLS = {
    "ecg_id": 12, "patient_id": 15709.0, "age": 56.0, "sex": 1, "height": None, "weight": float("nan"),
    "report": 'sinusrhythmus, "normal"', "scp_codes": {"NORM": 100.0, "SR": 0.0}, "second_opinion": False,
    "strat_fold": 3, "filename_lr": "records100/00000/00012_lr", "filename_hr": "records500/00000/00012_hr",
}  # fmt: skip


def table(tmp_path, *rows):
    path = tmp_path / ptbxl.DATABASE
    path.write_text(ptbxl.HEADER + "".join(rows), encoding="utf-8", newline="")
    return path


def read_one(tmp_path, **changes):
    return ptbxl.read_database(table(tmp_path, ptbxl.format_row({**CELLS, **changes})))[1][0]


def test_a_row_is_read_as_it_was_written(tmp_path):
    row = read_one(tmp_path)
    assert (row.ecg_id, row.patient_id, row.age, row.sex, row.fold) == (12, "15709", 56.0, "female", 3)
    assert row.report == 'sinusrhythmus, "normal"'
    assert (row.low, row.high) == ("records100/00000/00012_lr", "records500/00000/00012_hr")


def test_empty_cells_stay_empty(tmp_path):
    text = ptbxl.format_row(CELLS)
    cells = dict(zip(ptbxl.COLUMNS, next(csv.reader(io.StringIO(text))), strict=True))
    assert (cells["height"], cells["weight"], cells["nurse"]) == ("", "", "")
    assert (cells["patient_id"], cells["sex"], cells["second_opinion"]) == ("15709.0", "1", "False")
    assert text.endswith("\n")
    assert "\r" not in text


def test_age_300_means_over_89(tmp_path):
    assert read_one(tmp_path, age=300.0).age == 90.0


def test_an_unknown_age_is_nan_and_an_unknown_sex_is_empty(tmp_path):
    row = read_one(tmp_path, age=None, sex=None)
    assert math.isnan(row.age)
    assert row.sex == ""


def test_every_key_is_a_positive_whatever_its_likelihood(tmp_path):
    row = read_one(tmp_path, scp_codes={"IMI": 15.0, "SR": 0.0})
    assert row.statements() == [{"code": "IMI", "likelihood": 15.0}, {"code": "SR", "likelihood": 0.0}]


def test_a_report_may_span_lines_and_keeps_its_bytes(tmp_path):
    first = ptbxl.format_row({**CELLS, "report": "one\ntwo"})
    second = ptbxl.format_row({**CELLS, "ecg_id": 13})
    header, rows = ptbxl.read_database(table(tmp_path, first, second))
    assert header == ptbxl.HEADER
    assert [row.text for row in rows] == [first, second]


@pytest.mark.parametrize("path", ["../../secret", "/etc/passwd", "~/x", "a\\b"])
def test_a_path_out_of_the_folder_is_refused(tmp_path, path):
    with pytest.raises(DataError, match="leads out of the folder"):
        read_one(tmp_path, filename_hr=path)


@pytest.mark.parametrize("codes", ["__import__('os').getcwd()", "['NORM']", "{1: 2}", "", "{'NORM': 'x'}"])
def test_statement_codes_that_are_no_dict_are_named_with_their_row(tmp_path, codes):
    with pytest.raises(DataError, match=r"line 2 \(ecg_id 12\)"):
        read_one(tmp_path, scp_codes=codes)


def test_all_malformed_rows_are_counted(tmp_path):
    rows = [ptbxl.format_row({**CELLS, "ecg_id": number, "strat_fold": "x"}) for number in range(1, 14)]
    with pytest.raises(DataError, match=r"(?s)13 malformed row.*and 3 more"):
        ptbxl.read_database(table(tmp_path, *rows))


def test_a_malformed_row_is_set_aside_with_its_reason_and_the_others_go_on(tmp_path):
    rows = [ptbxl.format_row({**CELLS, "ecg_id": number}) for number in (1, 2, 3)]
    rows[1] = rows[1].replace("{'", "{{'", 1)
    rows.append("4,too,short\n")
    malformed = []
    _, read = ptbxl.read_database(table(tmp_path, *rows), malformed)
    assert [row.ecg_id for row in read] == [1, 3]
    assert [(row.line, row.ecg_id) for row in malformed] == [(3, "2"), (5, "4")]
    with pytest.raises(DataError, match="malformed row"):  # nothing left to go on with
        ptbxl.read_database(table(tmp_path, rows[3]), [])


def test_a_latin_1_table_keeps_its_umlauts_and_says_so(tmp_path, capsys):
    path = table(tmp_path, ptbxl.format_row({**CELLS, "report": "Überleitungsstörung"}))
    path.write_bytes(path.read_text(encoding="utf-8").encode("latin-1"))
    assert ptbxl.read_database(path)[1][0].report == "Überleitungsstörung"
    assert "not UTF-8" in "".join(capsys.readouterr())


def test_a_missing_column_is_named(tmp_path):
    path = tmp_path / ptbxl.DATABASE
    path.write_text("ecg_id,patient_id,age\n1,2,3\n")
    with pytest.raises(DataError, match="no column sex, report, scp_codes, strat_fold"):
        ptbxl.read_database(path)


def test_the_statement_table_has_71_rows_and_the_official_header():
    rows = list(csv.DictReader(io.StringIO(ptbxl.statement_table())))
    assert len(rows) == 71
    assert rows[0][""] == "NDT"
    assert sum(row["diagnostic"] == "1.0" for row in rows) == 44
    assert sum(row["form"] == "1.0" for row in rows) == 19
    assert sum(row["rhythm"] == "1.0" for row in rows) == 12
