"""The fixed-slot question of each SCP statement: the one a model is trained on and scored by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from twelvelead.ecg.statement import statement
from twelvelead.instruct.sample import Sample, closed


def question(code: str) -> str:
    """The question of a statement; its wording is part of the scorer, so it never varies."""
    return f"Does this ECG show {statement(code).phrase}?"


def samples(present: Iterable[str], scored: Iterable[str]) -> Iterator[Sample]:
    """One Yes/No sample for each scored statement. A statement is present whatever its likelihood."""
    positive = set(present)
    for code in scored:
        yield closed("statement", code, question(code), code in positive, f"scp_codes.{code}")
