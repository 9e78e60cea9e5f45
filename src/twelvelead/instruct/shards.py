"""Planned questions become samples, and samples become Parquet: column by column, never a dict a row."""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from twelvelead.instruct import dialogue, ecgqa, measured, statements
from twelvelead.instruct.case import MEASURES, NOISES, SIGNS, WAVES, Case
from twelvelead.instruct.conversation import TEXTS
from twelvelead.instruct.foil import shuffled
from twelvelead.instruct.plan import Plan
from twelvelead.instruct.sample import NO, YES, Item, Sample

CASE_COLUMNS = (
    *("record_id", "fold", "statements", "age", "sex", "heart_axis", "infarction_stadium1"),
    *MEASURES,
    *SIGNS,
    *WAVES,
    *NOISES,
)
"""Columns of the validated index that a case is read from."""
ROWS_PER_GROUP = 8192
SEED_BITS = 48  # a JSON number still holds it
MAKERS = {**dialogue.MAKERS, "ecgqa": ecgqa.make, "dialogue": dialogue.make}
IMPRESSION = Item("report", "report", target="impression")
IMPRESSION_SHARE = 0.3  # of the dialogues that have room for it
FEW_WORDS = ("page_id", "record_id", "patient_id", "family", "format", "code", "answer_source", "template")
_MESSAGES = "messages.list.element"
_DICTIONARIES = [*FEW_WORDS, f"{_MESSAGES}.role", f"{_MESSAGES}.content.list.element.type"]


def schema() -> Any:
    """Arrow schema of an instruction shard, made or imported.

    Columns: the texts of `conversation.TEXTS`, fold, seed (of the page's stream of draws: with it and the
    case the same words come again; 0 if imported), and messages as chat templates take them.
    """
    import pyarrow as pa

    content = pa.list_(pa.struct([("type", pa.string()), ("text", pa.string())]))
    fields = [(name, pa.string()) for name in TEXTS] + [("fold", pa.int8()), ("seed", pa.int64())]
    return pa.schema(
        [*fields, ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", content)])))]
    )


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked of every page beside what is planned.

    Attributes:
        slots: Statements to ask in the scorer's fixed words.
        measurements: Fixed questions about measured values.
        report: Whether a report is written.
        seed: Of the stage.
    """

    slots: tuple[str, ...]
    measurements: int
    report: bool
    seed: int


@dataclass(frozen=True, slots=True)
class Shard:
    """One file to be written: some neighbouring pages of a split.

    Attributes:
        file: The Parquet file.
        pages: (page_id, patient_id) of each page.
        rows: Its record's row of the validated index.
        plan: Its questions.
        asking: What else is asked.
    """

    file: Path
    pages: tuple[tuple[str, str], ...]
    rows: Any
    plan: Plan
    asking: Asking


Counts = dict[str, dict[str, int]]


def rows_of(records: Any) -> Iterator[Mapping[str, Any]]:
    """The rows of a data frame, one after the other."""
    names = list(records.columns)
    for values in zip(*(records[name].to_numpy() for name in names), strict=True):
        yield dict(zip(names, values, strict=True))


def page_seed(seed: int, page_id: str) -> int:
    """The seed of a page's draws: of nothing but the stage's seed and the page's name."""
    digest = hashlib.sha256(f"instruct:{seed}:{page_id}".encode()).digest()
    return int.from_bytes(digest[: SEED_BITS // 8], "big")


def samples(
    case: Case, row: Mapping[str, Any], alone: list[Item], turns: list[Item], asking: Asking, seed: int
) -> Iterator[Sample]:
    """All samples of a page: the fixed slots in their order, then the others in an order drawn by seed.

    Raises:
        DataError: The plan asks what the page does not tell.
    """
    rng = random.Random(seed)
    yield from statements.samples(case.codes, asking.slots)
    if asking.measurements:
        yield from measured.samples(row, np.random.default_rng(seed), asking.measurements)
    items = [*alone, *conversations(turns, rng)]
    if asking.report:
        items.append(Item("report", "report"))
    for item in shuffled(items, rng):
        yield MAKERS[item.family](case, item, rng)


def conversations(turns: list[Item], rng: random.Random) -> Iterator[Item]:
    """Turns as dialogues of two to four; what is left over, or would be asked twice, stands alone."""
    left = shuffled(list(dict.fromkeys(turns)), rng)
    seen = Counter(turns)
    yield from (turn for turn, count in seen.items() for _ in range(count - 1))
    while left:
        sizes = [size for size in (2, 3, 4) if size <= len(left) and len(left) - size != 1]
        size = sizes[int(rng.random() * len(sizes))] if sizes else 1
        parts, left = tuple(left[:size]), left[size:]
        if size == 1:
            yield parts[0]
            continue
        if size < dialogue.LONGEST and rng.random() < IMPRESSION_SHARE:
            parts = (*parts, IMPRESSION)
        yield Item("dialogue", "dialogue", parts=parts)


def write(shard: Shard) -> Counts:
    """Write a shard, whole or not at all, and beside it `<name>.json` with its counts.

    Returns:
        "families", "formats" and "answers" ("<slot|free> <code> <Yes|No>") → samples.
    """
    import pyarrow.parquet as pq

    shard.file.parent.mkdir(parents=True, exist_ok=True)
    aside = shard.file.with_name(f".tmp-{os.getpid()}-{shard.file.name}")
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("families", "formats", "answers")}
    block = Block()
    with pq.ParquetWriter(
        aside,
        schema(),
        version="2.6",
        compression="zstd",
        compression_level=3,
        use_dictionary=_DICTIONARIES,
        data_page_version="1.0",
        store_schema=False,
    ) as writer:
        for number, (row, (page_id, patient_id)) in enumerate(
            zip(rows_of(shard.rows), shard.pages, strict=True)
        ):
            case = Case.from_row(row, page_id)
            seed = page_seed(shard.asking.seed, page_id)
            made = list(samples(case, row, *shard.plan.of(number), shard.asking, seed))
            block.add(case, patient_id, seed, made)
            _count(counts, made)
            if len(block) >= ROWS_PER_GROUP:
                writer.write_table(block.table(), row_group_size=len(block))
                block = Block()
        if len(block):
            writer.write_table(block.table(), row_group_size=len(block))
    found = {name: dict(sorted(count.items())) for name, count in counts.items()}
    shard.file.with_suffix(".json").write_text(json.dumps(found), encoding="utf-8")
    aside.replace(shard.file)
    return found


@dataclass(slots=True)
class Block:
    """Samples of some pages on their way into columns."""

    pages: list[tuple[str, str, str, int, int, int]] = field(default_factory=list)
    made: list[Sample] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.made)

    def add(self, case: Case, patient_id: str, seed: int, made: Iterable[Sample]) -> None:
        """Append the samples of a page."""
        before = len(self.made)
        self.made.extend(made)
        count = len(self.made) - before
        self.pages.append((case.page_id, case.record_id, patient_id, case.fold, seed, count))

    def table(self) -> Any:
        """The samples as a table of `schema`."""
        import pyarrow as pa

        page_ids, record_ids, patient_ids, folds, seeds, counts = zip(*self.pages, strict=True)
        of_page = pa.array(np.repeat(np.arange(len(counts)), counts))
        columns: dict[str, Any] = {
            "sample_id": pa.array(
                [f"{name}-{n:03d}" for name, *_, count in self.pages for n in range(count)], pa.string()
            ),
            "page_id": pa.array(page_ids, pa.string()).take(of_page),
            "record_id": pa.array(record_ids, pa.string()).take(of_page),
            "patient_id": pa.array(patient_ids, pa.string()).take(of_page),
            "fold": pa.array(folds, pa.int8()).take(of_page),
            "seed": pa.array(seeds, pa.int64()).take(of_page),
            "messages": _messages(self.made),
        }
        for name in ("family", "format", "code", "answer_source", "template"):
            columns[name] = pa.array([getattr(one, name) for one in self.made], pa.string())
        table = schema()
        return pa.table([columns[name] for name in table.names], schema=table)


def _messages(made: list[Sample]) -> Any:
    """The same as `Sample.messages` of each, built as one nested array."""
    import pyarrow as pa

    texts: list[str] = []
    for one in made:
        texts += ("", one.question, one.answer)
        for turn in one.turns:
            texts += turn
    turns = np.array([1 + len(one.turns) for one in made], np.int64)
    first = np.concatenate([[0], np.cumsum(2 * turns)])  # of each sample among the messages
    parts = np.ones(first[-1], np.int64)
    parts[first[:-1]] = 2  # the picture comes before the first question
    begin = np.concatenate([[0], np.cumsum(parts)])  # of each message among the parts
    words, kinds = pa.array(["text", "image"]), np.zeros(len(texts), np.int8)
    kinds[begin[first[:-1]]] = 1
    said = pa.StructArray.from_arrays(
        [words.take(pa.array(kinds)), pa.array(texts, pa.string())], names=["type", "text"]
    )
    roles = pa.array(["user", "assistant"]).take(pa.array(np.arange(first[-1]) % 2))
    content = pa.ListArray.from_arrays(pa.array(begin, pa.int32()), said)
    return pa.ListArray.from_arrays(
        pa.array(first, pa.int32()), pa.StructArray.from_arrays([roles, content], names=["role", "content"])
    )


def _count(counts: Mapping[str, Counter[str]], made: Iterable[Sample]) -> None:
    for one in made:
        counts["families"][one.family] += 1
        counts["formats"][f"{one.family} {one.format}"] += 1
        if one.code and one.format in ("closed", "verify"):
            kind = "slot" if one.family == "statement" else "free"
            said = YES if one.answer.startswith(YES) else NO
            counts["answers"][f"{kind} {one.code} {said}"] += 1
