"""Items of JSON files come one at a time, however the file is cut into pieces, and in little memory."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twelvelead.errors import DataError, SetupError
from twelvelead.instruct import json_items
from twelvelead.instruct.json_items import array_writer, line, read_items

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
ITEMS = st.lists(st.dictionaries(st.text(max_size=6), VALUES, max_size=4), min_size=1, max_size=6)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(items=ITEMS, chunk=st.integers(1, 40), form=st.sampled_from(["array", "indented", "lines", "written"]))
def test_every_item_is_read_wherever_a_piece_of_the_file_ends(
    items: list[dict[str, Any]], chunk: int, form: str, tmp_path: Path
) -> None:
    path = tmp_path / "items.json"
    if form == "lines":
        path.write_text("".join(line(item) + "\n" for item in items), encoding="utf-8")
    elif form == "written":
        with array_writer(path) as write:
            for item in items:
                write(item)
    else:
        path.write_text(json.dumps(items, indent=4 if form == "indented" else None), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_items, "CHUNK", chunk)
        assert [item for _, item in read_items(path)] == items


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "items.json"
    with array_writer(path) as write:
        for number in range(40_000):
            write({"id": number, "conversations": [{"from": "human", "value": "a word " * 40}]})
    tracemalloc.start()
    count = sum(1 for _ in read_items(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 40_000
    assert path.stat().st_size > 12e6
    assert peak < 9e6


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[{"id": 1}, {"id": 2', "item 2 is no JSON"),
        ('[{"id": 1}, {"id": "no end', "item 2 is no JSON"),
        ('[{"id": 1}, ', "item 1 is the last: the file is cut off"),
        ('[{"id": 1}', "item 1 is the last: the file is cut off"),
        ('[{"id": 1} {"id": 2}]', "item 1 is followed by no comma"),
        ('[{"id": 1}, 7]', "item 1 is followed by '7'"),
        ('[{"id": 1},]', "item 1 is followed by ']'"),
        ('[{"id": 1}] {"id": 2}', "item 1 ends the array, but something follows it"),
        ("{'id': 1}", "item 1 is no JSON"),
        ("hello", "does not begin with an item"),
        ("", "is empty"),
        ('[{"a": ' + "[" * 100_000, "is followed by an item nested too deeply|does not begin"),
    ],
)
def test_what_is_no_json_is_refused_by_the_item(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "items.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=sentence) as refused:
        list(read_items(path))
    assert "items.json" in str(refused.value)


def test_a_missing_quote_ends_before_the_file_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_items, "CHUNK", 64)
    monkeypatch.setattr(json_items, "LARGEST_ITEM", 500)
    path = tmp_path / "items.json"
    path.write_text('[{"id": "open ' + "words " * 10_000, encoding="utf-8")
    with pytest.raises(DataError, match="item 1 is no JSON: Unterminated string"):
        list(read_items(path))


def test_bytes_that_are_no_utf8_are_refused(tmp_path: Path) -> None:
    (tmp_path / "items.json").write_bytes(b'[{"id": "\xff"}]')
    with pytest.raises(DataError, match="is not UTF-8"):
        list(read_items(tmp_path / "items.json"))


def test_files_of_a_folder_follow_each_other_by_number(tmp_path: Path) -> None:
    for number in (0, 10_000, 9_999):
        (tmp_path / "train").mkdir(exist_ok=True)
        (tmp_path / f"train/{number}.json").write_text(f'[{{"sample_id": {number}}}]', encoding="utf-8")
    (tmp_path / "export.json").write_text("{}", encoding="utf-8")
    assert [where for where, _ in read_items(tmp_path)] == [
        f"train/{number}.json item 1 (id {number})" for number in (0, 9_999, 10_000)
    ]


def test_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="there is no JSON file"):
        list(read_items(tmp_path / "nowhere"))
