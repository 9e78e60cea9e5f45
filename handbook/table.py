"""Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NOTE = "<!-- Written by `python -m handbook` from the code; edit that. -->"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; bars and line ends within a cell are kept from ending it."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def code(text: object) -> str:
    """Text in typewriter letters; nothing stays nothing."""
    return f"`{text}`" if str(text) else ""


def document(title: str, *parts: str) -> str:
    """A page: the title, the note where it comes from, and its parts."""
    return "\n\n".join((f"# {title}", NOTE, *parts)) + "\n"


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")
