import pyarrow.parquet as pq
import pytest

from twelvelead.errors import DataError
from twelvelead.validation.expectations import Finding
from twelvelead.validation.quarantine import Doubt, Rejected, doubts, read_rejected, write_doubts


def test_findings_are_gathered_by_record():
    findings = [Finding(3, "a", "one", True), Finding(0, "a", "two", True), Finding(3, "b", "three", True)]
    assert doubts(findings, ["r0", "r1", "r2", "r3"]) == {
        0: Doubt("r0", ("a",), ("two",)),
        3: Doubt("r3", ("a", "b"), ("one", "three")),
    }


def test_the_file_holds_record_ids_codes_and_reasons(tmp_path):
    write_doubts([Doubt("00003", ("a", "b"), ("one", "two"))], tmp_path / "quarantine.parquet")
    assert pq.read_table(tmp_path / "quarantine.parquet").to_pylist() == [
        {"record_id": "00003", "codes": ["a", "b"], "reasons": ["one", "two"]}
    ]


def test_what_ingest_rejected_is_read_with_its_file(tmp_path):
    assert read_rejected(tmp_path) == []
    (tmp_path / "rejected.csv").write_text('record_id,path,reason\n7,a/7_lr.dat,"bad, very"\n')
    assert read_rejected(tmp_path) == [Rejected("7", "a/7_lr.dat", "bad, very")]
    (tmp_path / "rejected.csv").write_text("record_id,reason\n7,bad\n")
    with pytest.raises(DataError, match="record_id,path,reason"):
        read_rejected(tmp_path)


@pytest.mark.parametrize(
    ("path", "of"),
    [("a/7_hr.dat", True), ("a/7_hr.hea", True), ("a/7_hr", True), ("", True), ("a/7_lr.dat", False)],
)
def test_a_rejected_file_of_the_other_rate_is_not_the_record(path, of):
    assert Rejected("7", path, "bad").is_of("a/7_hr") is of
