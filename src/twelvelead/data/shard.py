"""Parquet files whose bytes depend on their rows alone, and sets of them cut at a fixed size."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from twelvelead.errors import SetupError

ROWS_PER_GROUP = 1024
PAGES = "pages-*.parquet"


def write_parquet(table: pa.Table, path: Path, rows_per_group: int = ROWS_PER_GROUP) -> None:
    """Write a table whole or not at all, with settings that make equal rows equal bytes.

    Pandas' metadata is dropped (it holds versions); dictionaries are kept to short top-level strings, for a
    dictionary of pictures or long texts only costs room.
    """
    strings = [field.name for field in table.schema if pa.types.is_string(field.type)]
    aside = path.with_name(f".tmp-{os.getpid()}-{path.name}")
    pq.write_table(
        table.replace_schema_metadata(None),
        aside,
        compression="zstd",
        compression_level=3,
        row_group_size=rows_per_group,
        use_dictionary=strings or False,
        data_page_version="1.0",
        version="2.6",
    )
    aside.replace(path)


class ShardWriter:
    """Cuts a stream of rows into `<prefix>-00000.parquet`, `-00001`, …; goes on where a killed run stopped.

    Finished shards found in the folder are kept; `rows_done` says how many rows of the stream they hold, and
    the caller starts with the next. Cuts depend on the rows alone, so the bytes are those of an unbroken run.
    """

    def __init__(
        self, folder: Path, prefix: str, schema: pa.Schema, shard_mb: float, rows_per_group: int = 128
    ) -> None:
        self.folder, self.prefix, self.schema = folder, prefix, schema
        self.shard_bytes, self.rows_per_group = int(shard_mb * 2**20), rows_per_group
        folder.mkdir(parents=True, exist_ok=True)
        self.paths = sorted(folder.glob(f"{prefix}-[0-9][0-9][0-9][0-9][0-9].parquet"))
        self.rows_done = sum(pq.ParquetFile(path).metadata.num_rows for path in self.paths)
        self._rows: list[Mapping[str, Any]] = []
        self._bytes = 0

    def add(self, row: Mapping[str, Any], size_bytes: int) -> None:
        """Append a row; `size_bytes` is about what it weighs, and must depend on the row alone."""
        self._rows.append(row)
        self._bytes += size_bytes
        if self._bytes >= self.shard_bytes:
            self._flush()

    def close(self) -> list[Path]:
        """Write what is left and name all shards."""
        if self._rows or not self.paths:
            self._flush()
        return self.paths

    def next_place(self) -> tuple[str, int]:
        """Shard file name and row number that the next added row will have."""
        return f"{self.prefix}-{len(self.paths):05d}.parquet", len(self._rows)

    def _flush(self) -> None:
        path = self.folder / f"{self.prefix}-{len(self.paths):05d}.parquet"
        write_parquet(pa.Table.from_pylist(self._rows, schema=self.schema), path, self.rows_per_group)
        self.paths.append(path)
        self._rows, self._bytes = [], 0


def read_rows(
    folder: Path, pattern: str, folds: Collection[int] | None = None, columns: list[str] | None = None
) -> Iterator[dict[str, Any]]:
    """Stream the rows of all shards of a pattern in shard order, a few at a time.

    Args:
        folder: Where the shards are.
        pattern: Their glob.
        folds: Only rows of these folds; None for all.
        columns: Only these columns; None for all.

    Raises:
        SetupError: There is no such shard.
    """
    paths = sorted(folder.glob(pattern))
    if not paths:
        raise SetupError(f"no shards {pattern!r}", where=str(folder), fix="run the stage that makes them")
    wanted = None if folds is None else pa.array(sorted(folds), type=pa.int8())
    for path in paths:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                if wanted is None:
                    mask = None
                else:
                    mask = pc.is_in(file.read_row_group(group, columns=["fold"])["fold"], value_set=wanted)
                    if not pc.any(mask).as_py():
                        continue  # pictures of other folds are never read
                table = file.read_row_group(group, columns=columns)
                for batch in (table if mask is None else table.filter(mask)).to_batches(max_chunksize=32):
                    yield from batch.to_pylist()


def read_pages(
    folder: Path, folds: Collection[int] | None = None, columns: list[str] | None = None
) -> Iterator[dict[str, Any]]:
    """Stream the pages of an artifact folder; see `read_rows`."""
    return read_rows(folder, PAGES, folds, columns)
