"""Pages and their questions as the trainer sees them: pictures and token ids."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from twelvelead.data.shard import read_pages, read_rows
from twelvelead.errors import DataError
from twelvelead.models.mllama import Base
from twelvelead.models.packed import Question

STATEMENT = "statement"  # the family of the scorer's fixed questions


@dataclass(slots=True)
class Page:
    """One page with the questions a trainer may ask of it."""

    page_id: str
    record_id: str
    picture: bytes
    statements: list[Question] = field(default_factory=list)
    others: list[Question] = field(default_factory=list)
    present: frozenset[int] = frozenset()  # numbers of the statements that the record has


def read_training_pages(
    base: Base, instructions: Path, pages: Path, split: str, families: Collection[str] = ()
) -> tuple[tuple[int, ...], list[Page]]:
    """The pages of a split with their tokenised questions, in the order of the page shards.

    Args:
        base: Gives the tokenizer.
        instructions, pages: The artifacts.
        split: "train", "validation" or "test".
        families: Which questions to take beside the statements' fixed ones; empty = all.

    Returns:
        The shared prefix (token ids up to the image token) and the pages.

    Raises:
        DataError: The split has no samples, or a sample names a page that is not there.
    """
    yes, _ = base.verbalisers
    asked: dict[str, list[tuple[bool, Question]]] = {}
    prefix: tuple[int, ...] = ()
    for row in read_rows(instructions, f"{split}-*.parquet", columns=["page_id", "family", "messages"]):
        if families and row["family"] not in (STATEMENT, *families):
            continue
        prefix, questions = base.dialogue(row["messages"])
        of_page = asked.setdefault(row["page_id"], [])
        of_page += [(row["family"] == STATEMENT, question) for question in questions]
    if not asked:
        raise DataError(f"split {split!r} has no samples", where=str(instructions))
    found: list[Page] = []
    for row in read_pages(pages, columns=["page_id", "record_id", "image"]):
        if of_page := asked.pop(row["page_id"], []):
            statements = [question for statement, question in of_page if statement]
            found.append(
                Page(
                    row["page_id"],
                    row["record_id"],
                    row["image"]["bytes"],
                    statements,
                    [question for statement, question in of_page if not statement],
                    frozenset(number for number, q in enumerate(statements) if q.answer[:1] == (yes,)),
                )
            )
    if asked:
        raise DataError(
            f"{len(asked)} pages of the instructions are not in the shards", where=sorted(asked)[0]
        )
    return prefix, found
