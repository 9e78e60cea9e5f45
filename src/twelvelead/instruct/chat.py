"""TRL's `messages` format: JSON lines with picture paths, or Parquet with the pictures inside.

A row is `{"messages": [{"role", "content": [{"type": "image"}, {"type": "text", "text"}]}, …], "image": …}`,
which SFTTrainer takes as it is. In Parquet the schema's metadata tells `datasets` that `image` is an Image
(huggingface/datasets, Features.from_arrow_schema), so no cast is needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from twelvelead.errors import DataError, SetupError
from twelvelead.instruct.conversation import (
    NUMBERS,
    TEXTS,
    Conversation,
    named_records,
    own_columns,
    turns_of,
)
from twelvelead.instruct.json_items import Item, read_items

ROWS_PER_GROUP = 256
FILE_BYTES = 512 * 2**20
# Questions of a page follow each other, so a dictionary stores its picture once a row group.
DICTIONARY_BYTES = 64 * 2**20
FEATURES = {"info": {"features": {"image": {"_type": "Image"}}}}


def to_item(conversation: Conversation) -> Item:
    """The JSON line of a conversation; `image` is a path beside the file."""
    messages = conversation.messages()
    del messages[0]["content"][0]["text"]
    return {"messages": messages, "image": conversation.image, **_columns(conversation)}


def parse(item: Mapping[str, Any], where: str) -> Conversation:
    """The conversation of a row; contents may be text or parts, pictures under `image` or `images`.

    Raises:
        DataError: There is no picture or more than one, or the messages do not alternate.
    """
    own = own_columns(item, where)
    image = _image(item, where)
    name = str(item.get("sample_id", item.get("id", "")))
    turns = turns_of(item.get("messages"), where)
    return Conversation(name, image, turns, own, named_records(own, image, name))


def read(source: Path) -> Iterator[tuple[str, Item]]:
    """Rows of JSON lines, a JSON array or Parquet files; pictures inside Parquet are not loaded.

    Raises:
        SetupError: There is no such file.
        DataError: A file is malformed.
    """
    files = sorted(source.rglob("*.parquet")) if source.is_dir() else [source]
    if not files or files[0].suffix != ".parquet":
        yield from read_items(source)
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path in files:
        try:
            file = pq.ParquetFile(path)
        except (OSError, pa.ArrowInvalid) as fault:
            kind = DataError if path.is_file() else SetupError
            raise kind(f"is no Parquet file: {fault}", where=str(path)) from None
        with file:
            # A leaf by its path: the bytes beside it stay on the disk.
            leaves = [file.schema.column(number).path for number in range(len(file.schema.names))]
            wanted = [leaf for leaf in leaves if not leaf.endswith("bytes")]
            number = 0
            for batch in file.iter_batches(batch_size=ROWS_PER_GROUP, columns=wanted):
                for item in batch.to_pylist():
                    number += 1
                    yield f"{path.name} row {number}", item


class ParquetRows:
    """Writes conversations and their pictures to `<split>-00000.parquet`, …; one row group in memory."""

    def __init__(self, folder: Path, split: str) -> None:
        self.folder, self.split = folder, split
        self.files = 0
        self._writer: Any = None
        self._rows: list[dict[str, Any]] = []

    def add(self, conversation: Conversation, picture: bytes) -> None:
        """Append a row."""
        image = {"bytes": picture, "path": conversation.image}
        row = {"messages": conversation.messages(), "image": image, **_columns(conversation)}
        self._rows.append(row)
        if len(self._rows) >= ROWS_PER_GROUP:
            self._flush()

    def close(self) -> None:
        """Write what is left."""
        if self._rows or not self.files:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        import pyarrow as pa

        schema = arrow_schema()
        if self._writer is not None and self._stream.tell() > FILE_BYTES:
            self._writer.close()
            self._writer = None
        if self._writer is None:
            self._writer = self._open(schema)
        self._writer.write_table(pa.Table.from_pylist(self._rows, schema=schema))
        self._rows = []

    def _open(self, schema: Any) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._stream = pa.OSFile(str(self.folder / f"{self.split}-{self.files:05d}.parquet"), "wb")
        self.files += 1
        return pq.ParquetWriter(
            self._stream,
            schema,
            compression="zstd",
            use_dictionary=["image.bytes", "image.path", *TEXTS[1:]],
            dictionary_pagesize_limit=DICTIONARY_BYTES,
            write_statistics=["fold"],
        )


def arrow_schema() -> Any:
    """Arrow schema of the Parquet form."""
    import pyarrow as pa

    content = pa.list_(pa.struct([("type", pa.string()), ("text", pa.string())]))
    fields = [
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", content)]))),
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
    ]
    fields += [(name, pa.string()) for name in TEXTS] + [(name, pa.int64()) for name in NUMBERS]
    return pa.schema(fields, metadata={"huggingface": json.dumps(FEATURES)})


def _columns(conversation: Conversation) -> dict[str, Any]:
    return {"sample_id": conversation.id, **conversation.about}


def _image(item: Mapping[str, Any], where: str) -> str:
    found = item.get("image", item.get("images"))
    if isinstance(found, list):
        if len(found) != 1:
            raise DataError(f"shows {len(found)} pictures", where=where, expected="one page a conversation")
        found = found[0]
    path = found.get("path") if isinstance(found, Mapping) else found
    if found is None or not isinstance(path, str | None):
        raise DataError("has no picture", where=where, expected="a path or {bytes, path} under 'image'")
    return path or ""
