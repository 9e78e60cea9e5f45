"""Counting the samples of an instruction set, shard by shard."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from twelvelead.errors import SetupError

SPLITS = {"train": range(1, 9), "validation": (9,), "test": (10,)}
YES, NO = "Yes", "No"
CLOSED = ("closed", "verify")
SLOTS = "statement"  # the family of the scorer's fixed slots, asked of every page whatever the answer
COLUMNS = ["family", "format", "code", "fold", "page_id", "record_id", "patient_id", "template", "messages"]


@dataclass(slots=True)
class Tally:
    """Counts over all shards of an instruction set, in memory that does not grow with the samples.

    Attributes:
        kinds: (family, format, fold) → samples.
        closed: (code, fold, answer, fixed slot) → samples that ask for a statement with Yes or No.
        templates: Production of the grammar → samples; empty where the shards do not name them.
        pages: Pages that are asked about.
        records: Their records.
        folds: Patient → folds, one bit each.
    """

    kinds: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    closed: Counter[tuple[str, int, str, bool]] = field(default_factory=Counter)
    templates: Counter[str] = field(default_factory=Counter)
    pages: set[str] = field(default_factory=set)
    records: set[str] = field(default_factory=set)
    folds: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, instructions: Path) -> Tally:
        """Count the shards of a folder.

        Raises:
            SetupError: There are none.
        """
        shards = _shards(instructions)
        tally = cls()
        for shard in shards:
            with pq.ParquetFile(shard) as file:
                columns = [name for name in COLUMNS if name in file.schema_arrow.names]
                for group in range(file.num_row_groups):
                    tally.add(file.read_row_group(group, columns=columns))
        return tally

    def add(self, table: pa.Table) -> None:
        """Count the rows of a table."""
        _count(self.kinds, table, ["family", "format", "fold"])
        closed = pc.is_in(table["format"], value_set=pa.array(CLOSED))
        asked = table.filter(pc.and_(closed, pc.not_equal(table["code"], "")))
        if len(asked):
            answer = pc.list_element(pc.struct_field(pc.list_element(asked["messages"], 1), "content"), 0)
            text = pc.struct_field(answer, "text")
            asked = asked.append_column("answer", pc.if_else(_begins(text, YES), YES, NO))
            asked = asked.append_column("slot", pc.equal(asked["family"], SLOTS))
            asked = asked.filter(pc.or_(_begins(text, YES), _begins(text, NO)))
            _count(self.closed, asked, ["code", "fold", "answer", "slot"])
        names = table.column_names
        if "template" in names:
            for name, count in Counter(table["template"].drop_null().to_pylist()).items():
                self.templates[name] += count if name else 0
        for name, found in (("page_id", self.pages), ("record_id", self.records)):
            found.update(pc.unique(table[name]).to_pylist() if name in names else ())
        if "patient_id" in names:
            seen: Counter[tuple[str, int]] = Counter()
            _count(seen, table, ["patient_id", "fold"])
            for patient, fold in seen:
                self.folds[patient] = self.folds.get(patient, 0) | 1 << fold

    def patients_in_two_splits(self) -> int:
        """Patients whose pages are in more than one of training, validation and test: a leak."""
        masks = [sum(1 << fold for fold in folds) for folds in SPLITS.values()]
        return sum(sum(bool(bits & mask) for mask in masks) > 1 for bits in self.folds.values())


def _shards(instructions: Path) -> list[Path]:
    found = [path for split in SPLITS for path in sorted(instructions.glob(f"{split}-*.parquet"))]
    if not found:
        raise SetupError("no instruction shards", where=str(instructions), fix="run `twelvelead instruct`")
    return found


def _count(counter: Counter[Any], table: pa.Table, keys: list[str]) -> None:
    grouped = table.group_by(keys, use_threads=False).aggregate([([], "count_all")])
    for row in grouped.to_pylist():
        counter[tuple(row[key] for key in keys)] += row["count_all"]


def _begins(text: Any, word: str) -> Any:
    return pc.match_substring_regex(text, rf"^{word}\b")
