"""What there is to read of the files and folders that somebody names."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from twelvelead.errors import DataError, ParamsError

SIGNALS = (".dat", ".mat", ".xws", ".atr")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to read: a file, or a WFDB header with its signal files.

    Attributes:
        name: Relative to the folder that was named, for messages and for the answer's file; bytes that are
            no UTF-8 are replaced.
        paths: The files, the header first.
    """

    name: str
    paths: tuple[Path, ...]


def found_items(files: Sequence[Path]) -> Iterator[Item]:
    """What there is to read, in order; signal files go with their header.

    Raises:
        ParamsError: A path does not exist.
    """
    for named in files:
        if named.is_dir():
            inside = sorted(path for path in named.rglob("*") if path.is_file() and not _hidden(path, named))
        elif named.is_file():
            inside = [named]
        elif named.with_name(f"{named.name}.hea").is_file():
            inside = [named.with_name(f"{named.name}.hea")]
        else:
            raise ParamsError("there is no such file", where=str(named))
        top = named if named.is_dir() else named.parent
        headers = {path: _signals(path) for path in inside if path.suffix == ".hea"}
        taken = {path for signals in headers.values() for path in signals}
        for path in inside:
            if path in taken or (
                named.is_dir() and path.suffix in SIGNALS and path.with_suffix(".hea").exists()
            ):
                continue
            if path.suffix in SIGNALS and path.with_suffix(".hea").is_file():
                path = path.with_suffix(".hea")
                headers[path] = _signals(path)
            name = os.fsencode(path.relative_to(top).as_posix()).decode("utf-8", "replace")
            yield Item(name, (path, *headers.get(path, ())))


def printable(text: str) -> str:
    """The text without what a terminal would obey: names of files come from anybody."""
    return "".join(one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in text)


def _signals(header: Path) -> tuple[Path, ...]:
    from twelvelead.data.wfdb import read_header

    try:
        names = read_header(header.with_suffix("")).files
    except DataError:
        return ()
    return tuple(path for name in names if (path := header.with_name(name)).is_file())


def _hidden(path: Path, top: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(top).parts)
