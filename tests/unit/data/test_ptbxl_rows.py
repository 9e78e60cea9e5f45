"""A row of PTB-XL's table that cannot be used costs that row only, and is told with its line."""

import csv

import pytest

from twelvelead.data import ptbxl
from twelvelead.data.archive import open_archive
from twelvelead.data.sources import take_ptbxl
from twelvelead.errors import DataError


def row(number, **cells):
    names = {
        f"filename_{one}r": f"records{hz}/00000/{number:05d}_{one}r" for one, hz in (("l", 100), ("h", 500))
    }
    usual = {
        "ecg_id": number, "patient_id": 7.0, "age": 50.0, "sex": 0, "report": 'sinus, "normal"',
        "scp_codes": {"NORM": 100.0}, "strat_fold": 1,
    }  # fmt: skip
    return ptbxl.format_row(usual | names | cells)


def write(tmp_path, *rows, encoding="utf-8"):
    path = tmp_path / ptbxl.DATABASE
    path.write_text(ptbxl.HEADER + "".join(rows), encoding=encoding, newline="")
    return path


def read(path):
    malformed = []
    _, rows = ptbxl.read_database(path, malformed)
    return [one.ecg_id for one in rows], malformed


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row(2, scp_codes="{'NORM': 100.0"), "scp_codes is malformed: \"{'NORM': 100.0\""),
        (row(2, scp_codes="open('/etc/x')"), "scp_codes is malformed: \"open('/etc/x')\""),
        (row(2, scp_codes="[" * 5000), f"scp_codes is malformed: '{'[' * 60}'"),
        (row(2, scp_codes="{'NORM': None}"), "scp_codes of NORM is no number: 'None'"),
        (row(2, age="sixty"), "age is no number: 'sixty'"),
        (row(2, strat_fold="inf"), "strat_fold is no whole number: 'inf'"),
        (row(2, strat_fold="1.5"), "strat_fold is no whole number: '1.5'"),
        (row(2, filename_lr="", filename_hr=""), "filename_lr and filename_hr are empty"),
        (row(2, filename_hr="../2_hr"), "'../2_hr' leads out of the folder"),
        (row(2).replace("\n", ",\n"), "1 column(s) too many"),
        ("2,7.0\n", "26 column(s) too few"),
        (row(2, report='normal').replace("normal", '"normal'), "a quotation mark is not closed"),
        (row(2, report='normal').replace("normal", '"nor\nmal'), "a quotation mark is not closed"),
    ],
)  # fmt: skip
def test_one_bad_row_is_told_and_the_others_go_on(tmp_path, bad, reason):
    kept, [fault] = read(write(tmp_path, row(1, report="two\nlines"), bad, row(3), row(4)))
    assert kept == [1, 3, 4]
    assert (fault.line, fault.ecg_id, fault.reason) == (4, "2", reason)


def test_a_quotation_mark_that_runs_to_the_end_of_a_large_table_costs_one_row(tmp_path):
    bad = row(2, report="normal").replace("normal", '"normal')
    plain = [row(number, report="x" * 100) for number in range(3, 1500)]
    kept, [fault] = read(write(tmp_path, row(1), bad, *plain))
    assert kept == [1, *range(3, 1500)]
    assert fault.line == 3


def test_an_ecg_id_that_is_no_number_is_told_as_it_stands(tmp_path):
    kept, [fault] = read(write(tmp_path, row(1), row(2, ecg_id="x")))
    assert (kept, fault.ecg_id) == ([1], "x")


def test_a_wrong_byte_spoils_its_own_line_only(tmp_path, capsys):
    path = write(tmp_path, row(1, report="Überleitung"), row(2, report="Rhythmusstörung"))
    head, body = path.read_bytes().split(b"\n", 1)
    path.write_bytes(b"\xef\xbb\xbf" + head + b"\n" + body.replace("ö".encode(), b"\xf6"))
    _, rows = ptbxl.read_database(path)
    assert [one.report for one in rows] == ["Überleitung", "Rhythmusstörung"]
    at = 3 + len(ptbxl.HEADER) + body.index("ö".encode())
    assert f"not UTF-8 in 1 line(s), the first is 3 (byte {at})" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["ecg_id", "scp_codes", "filename_hr"])
def test_a_wrong_header_is_refused_whatever_the_rows_hold(tmp_path, name):
    path = write(tmp_path, row(1))
    path.write_text(path.read_text().replace(name, "other", 1))
    with pytest.raises(DataError, match=f"no column {name}"):
        read(path)


def take(tmp_path, records=40):
    (tmp_path / "out").mkdir()
    archive = open_archive(str(tmp_path), tmp_path / "work", anonymous=False)
    return take_ptbxl(archive, tmp_path / "out", records, 500)


def put(tmp_path, *numbers):
    (tmp_path / "records500/00000").mkdir(parents=True)
    for number in numbers:
        (tmp_path / f"records500/00000/{number:05d}_hr.hea").write_text("")


def test_only_rows_of_records_that_would_have_been_taken_are_rejected(tmp_path):
    bad = {"age": "sixty"}
    write(tmp_path, row(1), row(2, **bad), row(3, **bad), row(4), "5,x\n", "6\n", row(1, **bad), row(7))
    put(tmp_path, 1, 2, 4, 7)
    taking = take(tmp_path, records=2)
    assert [entry.record_id for entry in taking.items] == ["00001", "00004"]
    assert [(one.record_id, one.path) for one in taking.refused] == [
        ("00002", "ptbxl_database.csv:3"),  # 3 has no files, 5 and 6 lie beyond the limit
        ("line-8", "ptbxl_database.csv:8"),  # 00001 is a good record's name
    ]
    assert taking.refused[0].reason == "malformed row: age is no number: 'sixty'"
    assert taking.left_out["malformed"] == 5
    with (tmp_path / "out" / ptbxl.DATABASE).open(encoding="utf-8", newline="") as stream:
        assert [cells["ecg_id"] for cells in csv.DictReader(stream)] == ["1", "4"]


def test_a_table_without_any_good_row_is_refused(tmp_path):
    write(tmp_path, row(1, age="sixty"), "2,x\n")
    put(tmp_path, 1)
    with pytest.raises(DataError, match=r"(?s)2 malformed row.*line 2 \(ecg_id 1\): age is no number"):
        take(tmp_path)
