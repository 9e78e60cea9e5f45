import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from twelvelead.data.shard import ShardWriter, read_pages, write_parquet
from twelvelead.errors import SetupError

SCHEMA = pa.schema(
    [
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("page_id", pa.string()),
        ("fold", pa.int8()),
    ]
)


def row(number):
    image = {"bytes": bytes([number % 256]) * 4000, "path": f"{number}.png"}
    return {"image": image, "page_id": str(number), "fold": number % 10 + 1}


def write(folder, start, stop, shard_mb=0.1, close=True):
    writer = ShardWriter(folder, "pages", SCHEMA, shard_mb, rows_per_group=8)
    for number in range(max(start, writer.rows_done), stop):
        writer.add(row(number), 4000)
    return writer.close() if close else writer.paths


def test_pages_come_back_in_order_from_several_shards(tmp_path):
    paths = write(tmp_path, 0, 100)
    assert [path.name for path in paths] == [f"pages-{n:05d}.parquet" for n in range(len(paths))]
    assert len(paths) == 4
    assert list(read_pages(tmp_path)) == [row(number) for number in range(100)]


def test_only_wanted_folds_and_columns_are_read(tmp_path):
    write(tmp_path, 0, 100)
    rows = list(read_pages(tmp_path, folds={9}, columns=["page_id"]))
    assert rows == [{"page_id": str(number)} for number in range(8, 100, 10)]


def test_a_killed_writer_goes_on_to_the_same_bytes(tmp_path):
    whole = write(tmp_path / "whole", 0, 100)
    write(tmp_path / "killed", 0, 60, close=False)  # the open shard is lost, the finished ones stay
    again = write(tmp_path / "killed", 0, 100)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in whole]


def test_the_place_of_the_next_row_is_where_it_lands(tmp_path):
    writer = ShardWriter(tmp_path, "pages", SCHEMA, 0.1)
    places = []
    for number in range(60):
        places.append(writer.next_place())
        writer.add(row(number), 4000)
    writer.close()
    for number, (shard, at) in enumerate(places):
        assert pq.read_table(tmp_path / shard, columns=["page_id"])["page_id"][at].as_py() == str(number)


def test_no_rows_are_one_empty_shard(tmp_path):
    assert [path.name for path in write(tmp_path, 0, 0)] == ["pages-00000.parquet"]
    assert list(read_pages(tmp_path)) == []


def test_absent_shards_are_a_setup_error(tmp_path):
    with pytest.raises(SetupError, match="no shards"):
        next(read_pages(tmp_path))


def test_a_failed_write_leaves_no_file_of_that_name(tmp_path, monkeypatch):
    def broken(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(pq, "write_table", broken)
    with pytest.raises(OSError, match="disk full"):
        write_parquet(pa.table({"a": [1]}), tmp_path / "a.parquet")
    assert not (tmp_path / "a.parquet").exists()


def test_pandas_metadata_is_not_kept(tmp_path):
    import pandas as pd

    write_parquet(pa.Table.from_pandas(pd.DataFrame({"a": [1, 2]})), tmp_path / "a.parquet")
    assert b"pandas" not in (tmp_path / "a.parquet").read_bytes()
