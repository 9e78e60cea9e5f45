"""Items of a JSON file one at a time: ECGInstruct.json is one array of 1.3 GB, and memory stays flat."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from twelvelead.errors import DataError, SetupError

Item = dict[str, Any]
CHUNK = 2**20  # characters read at a time
NO_ITEMS = "export.json"  # the summary that an export of ours holds
LARGEST_ITEM = 2**26  # characters; more means that a quote or bracket is missing
NEAR_END = 16  # a fault this close to the end of what was read may be an item that goes on behind it
_SPACE = re.compile(r"[ \t\r\n]*")


def read_items(source: Path) -> Iterator[tuple[str, Item]]:
    """Every item of a file, or of all .json and .jsonl files of a folder, with words that say where it is.

    Files hold one array of objects, or objects one after the other (JSON lines). Files of a folder follow
    each other by the numbers in their names, as ECG-QA's 0.json, 10000.json … do.

    Raises:
        SetupError: There is no such file.
        DataError: A file is no JSON, is cut off, or holds something that is no object.
    """
    files = [source] if source.is_file() else sorted(_json_files(source), key=_by_number)
    if not files:
        raise SetupError("there is no JSON file", where=str(source), expected="a .json or .jsonl file")
    for file in files:
        name = file.name if source.is_file() else file.relative_to(source).as_posix()
        for number, item in enumerate(_items(file, name), start=1):
            key = item.get("id", item.get("sample_id"))
            yield f"{name} item {number}" + ("" if key is None else f" (id {key!r})"), item


@contextmanager
def array_writer(path: Path) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """A function that appends an item to a JSON array, one line an item."""
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write("[")
        separator = "\n"

        def add(item: Mapping[str, Any]) -> None:
            nonlocal separator
            stream.write(separator + line(item))
            separator = ",\n"

        yield add
        stream.write("\n]\n")


def line(item: Mapping[str, Any]) -> str:
    """An item on one line."""
    return json.dumps(item, ensure_ascii=False, separators=(", ", ": "))


def _json_files(folder: Path) -> list[Path]:
    found = [path for suffix in ("json", "jsonl") for path in folder.rglob(f"*.{suffix}")]
    return [path for path in found if path.is_file() and path.name != NO_ITEMS]


def _by_number(path: Path) -> list[tuple[int, str]]:
    """10000.json behind 9999.json: digits count as numbers."""
    return [(int(part or 0), text) for text, part in re.findall(r"(\D*)(\d*)", path.as_posix())]


def _items(path: Path, name: str) -> Iterator[Item]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield from _Window(stream, name).items()
    except UnicodeDecodeError as fault:
        raise DataError(f"is not UTF-8: {fault.reason} at byte {fault.start}", where=name) from None


class _Window:
    """A piece of the file that holds at least the next item."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self.stream, self.name = stream, name
        self.text, self.at, self.done = "", 0, 0
        self.decoder = json.JSONDecoder()

    def items(self) -> Iterator[Item]:
        array = self._next() == "["
        self.at += array
        while True:
            char = self._next()
            if char == ("]" if array else ""):
                break
            if array and self.done:
                if char != ",":
                    raise self._fault(
                        "is followed by no comma" if char else "is the last: the file is cut off"
                    )
                self.at += 1
                char = self._next()
            if char != "{":
                raise self._fault(f"is followed by {char!r}" if char else "is the last: the file is cut off")
            item = self._value()
            self.done += 1
            yield item
        self.at += array
        if self._next():
            raise self._fault("ends the array, but something follows it")
        if not self.done and not array:
            raise DataError("is empty", where=self.name, expected="a JSON array, or JSON lines")

    def _next(self) -> str:
        """The next character that is no space, "" at the end; it is not taken."""
        while True:
            space = _SPACE.match(self.text, self.at)
            self.at = space.end() if space else self.at
            if self.at < len(self.text):
                return self.text[self.at]
            if not self._more():
                return ""

    def _value(self) -> Item:
        while True:
            try:
                item, self.at = self.decoder.raw_decode(self.text, self.at)
            except RecursionError:
                raise self._fault("is followed by an item nested too deeply") from None
            except json.JSONDecodeError as fault:
                unread = fault.pos >= len(self.text) - NEAR_END or "Unterminated string" in fault.msg
                if unread and len(self.text) - self.at < LARGEST_ITEM and self._more():
                    continue
                raise DataError(
                    f"item {self.done + 1} is no JSON: {fault.msg}",
                    where=self.name,
                    expected="an object; is the file cut off?" if unread else "an object",
                ) from None
            found: Item = item
            return found

    def _more(self) -> bool:
        """Read on, as much again as is held, so that a large item is not decoded again and again."""
        held = self.text[self.at :]
        read = self.stream.read(max(CHUNK, len(held)))
        self.text, self.at = held + read, 0
        return bool(read)

    def _fault(self, what: str) -> DataError:
        before = f"item {self.done} {what}" if self.done else "does not begin with an item"
        return DataError(before, where=self.name, expected="a JSON array of objects, or JSON lines")
