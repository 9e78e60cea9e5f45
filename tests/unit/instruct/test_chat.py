"""TRL's rows: JSON lines and Parquet, read back the same, pictures stored once for all their questions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvelead.errors import DataError, SetupError
from twelvelead.instruct import chat
from twelvelead.instruct.conversation import Conversation, Named

TEXT = st.text(min_size=1, max_size=60).filter(str.strip)
TURNS = st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4).map(tuple)
OWN = {"page_id": "7-0", "record_id": "7", "patient_id": "p", "fold": 10, "family": "report", "seed": 5}


@given(turns=TURNS, path=TEXT)
def test_a_line_is_read_back_the_same(turns: Any, path: str) -> None:
    written = json.loads(json.dumps(chat.to_item(Conversation("7-0-001", path, turns, OWN))))
    assert chat.parse(written, "") == Conversation("7-0-001", path, turns, OWN, (Named("", "7"),))
    first = written["messages"][0]["content"]
    assert first == [{"type": "image"}, {"type": "text", "text": turns[0][0]}]
    assert not any(part["type"] == "image" for turn in written["messages"][1:] for part in turn["content"])


def test_plain_texts_and_lists_of_pictures_are_read_too() -> None:
    messages = [{"role": "user", "content": "Rate?"}, {"role": "assistant", "content": "72 bpm"}]
    read = chat.parse({"messages": messages, "images": ["ptb-xl/00123_hr-0.png"], "id": 4}, "")
    assert read == Conversation(
        "4", "ptb-xl/00123_hr-0.png", (("Rate?", "72 bpm"),), {}, (Named("ptb-xl", "00123"),)
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ([{"type": "text", "text": "Which?"}, {"type": "image"}], "turn 1 shows 1 pictures"),
        ([{"type": "image"}, {"type": "image"}, {"type": "text", "text": "?"}], "turn 1 shows 2 pictures"),
        ([{"type": "image"}], "turn 1 holds 0 texts"),
        (None, "turn 1 has no content"),
    ],
)
def test_a_picture_stands_first_and_once(content: Any, sentence: str) -> None:
    messages = [{"role": "user", "content": content}, {"role": "assistant", "content": "a"}]
    with pytest.raises(DataError, match=f"row 3: {sentence}"):
        chat.parse({"messages": messages, "image": "a.png"}, "row 3")


@pytest.mark.parametrize(("images", "sentence"), [([], "shows 0"), (["a", "b"], "shows 2"), (None, "has no")])
def test_one_picture_a_row(images: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        chat.parse({"messages": [], "images": images}, "")


def test_parquet_keeps_a_picture_once_and_tells_datasets_that_it_is_one(tmp_path: Path) -> None:
    picture = bytes(range(256)) * 400  # 100 kB that zstd alone would not store once for all
    rows = chat.ParquetRows(tmp_path, "train")
    there = [
        Conversation(f"7-0-{number}", "images/7-0.png", ((f"Question {number}?", "Yes"),), OWN)
        for number in range(600)
    ]
    for conversation in there:
        rows.add(conversation, picture)
    rows.close()
    file = tmp_path / "train-00000.parquet"
    assert file.stat().st_size < 4 * len(picture)
    table = pq.read_table(file)
    assert table["image"][599].as_py() == {"bytes": picture, "path": "images/7-0.png"}
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert features == {"image": {"_type": "Image"}}
    assert str(table.schema.field("image").type) == "struct<bytes: binary, path: string>"
    assert [chat.parse(item, where) for where, item in chat.read(tmp_path)] == [
        Conversation(c.id, c.image, c.turns, OWN, (Named("", "7"),)) for c in there
    ]


def test_a_split_without_samples_is_an_empty_file(tmp_path: Path) -> None:
    chat.ParquetRows(tmp_path, "test").close()
    assert pq.read_metadata(tmp_path / "test-00000.parquet").num_rows == 0


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("no", encoding="utf-8")
    with pytest.raises(DataError, match="is no Parquet file"):
        list(chat.read(tmp_path / "a.parquet"))
    with pytest.raises(SetupError):
        list(chat.read(tmp_path / "b.parquet"))
