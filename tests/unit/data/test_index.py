import json

import numpy as np
import pyarrow as pa
import pytest

from twelvelead.data.index import INDEX, LATER_COLUMNS, labels, read_index, read_validated, write_index
from twelvelead.data.shard import write_parquet
from twelvelead.errors import DataError, SetupError


def row(number, codes=(), fold=1):
    return {
        "record_id": f"{number:05d}", "source": "simulated", "patient_id": str(number),
        "age": 50.0, "sex": "male", "fold": fold, "path": f"records500/00000/{number:05d}_hr",
        "fs_hz": 500.0, "n_samples": 5000,
        "statements": [{"code": code, "likelihood": 0.0} for code in codes], "report": "", "sha256": "",
    }  # fmt: skip


def test_labels_count_every_named_statement_and_no_other(tmp_path):
    write_index([row(1, ["NORM", "SR"]), row(2), row(3, ["AFIB", "UNHEARD"])], tmp_path / "index.parquet")
    matrix = labels(read_index(tmp_path), ["SR", "AFIB", "NORM"])
    assert matrix.tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]
    assert matrix.dtype == np.uint8


def test_equal_rows_are_equal_bytes(tmp_path):
    rows = [row(number, ["SR"]) for number in range(50)]
    write_index(rows, tmp_path / "a.parquet")
    write_index(iter(rows), tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_an_absent_index_says_which_stage_makes_it(tmp_path):
    with pytest.raises(SetupError, match="twelvelead ingest"):
        read_index(tmp_path)


def test_an_index_without_a_column_is_refused(tmp_path):
    write_parquet(pa.table({"record_id": ["1"]}), tmp_path / "index.parquet")
    with pytest.raises(DataError, match="lacks source, patient_id"):
        read_index(tmp_path)


def test_validated_rows_are_those_not_quarantined(tmp_path):
    table = pa.Table.from_pylist([row(1), row(2), row(3)], schema=INDEX)
    table = table.append_column("status", pa.array(["ok", "quarantined", "ok"]))
    write_parquet(table, tmp_path / "index.parquet")
    (tmp_path / "statements.json").write_text(json.dumps({"scored": ["SR", "AFIB"]}))
    frame, scored = read_validated(tmp_path)
    assert list(frame["record_id"]) == ["00001", "00003"]
    assert list(frame.index) == [0, 1]
    assert scored == ["SR", "AFIB"]


def test_an_index_from_before_later_columns_is_still_read(tmp_path):
    old = pa.Table.from_pylist([row(1, ["SR"])], schema=INDEX).drop_columns(list(LATER_COLUMNS))
    write_parquet(old, tmp_path / "index.parquet")
    frame = read_index(tmp_path)
    assert list(frame.columns) == INDEX.names
    assert frame["other_codes"].isna().all()


def test_other_codes_come_back(tmp_path):
    write_index([row(1) | {"other_codes": ["39732003"]}], tmp_path / "index.parquet")
    assert list(read_index(tmp_path)["other_codes"][0]) == ["39732003"]
