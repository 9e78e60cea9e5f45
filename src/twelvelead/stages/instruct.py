"""Stage instruct: grounded questions and answers per page, one set of shards per fold group."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from twelvelead.errors import DataError
from twelvelead.instruct.sample import NO, YES
from twelvelead.params import Instruct
from twelvelead.progress import track

SEED_KEY = 4  # this stage's branch of the seed tree
SHARD_MB = 128
SPLITS = {"train": range(1, 9), "validation": (9,), "test": (10,)}


def instruct(inputs: Mapping[str, Path], output: Path, params: Instruct, work: Path) -> dict[str, Any]:
    """Write `<split>-00000.parquet` and summary.json.

    Raises:
        DataError: A fold group has no pages.
    """
    import pandas as pd

    from twelvelead.data.index import read_validated
    from twelvelead.data.shard import ShardWriter

    records, scored = read_validated(inputs["validation"])
    records = records.set_index("record_id")
    pages = pd.read_parquet(
        inputs["pages"] / "manifest.parquet", columns=["page_id", "record_id", "patient_id", "fold"]
    )
    summary: dict[str, Any] = {"samples": {}, "families": {}, "statements": {}}
    for split, folds in SPLITS.items():
        chosen = pages[pages["fold"].isin(list(folds))]
        if split == "train":
            chosen = cap_normal(chosen, records, params)
        if chosen.empty:
            raise DataError(f"no pages in the {split} folds {list(folds)}", where="pages/manifest.parquet")
        writer = ShardWriter(output, split, schema(), SHARD_MB, rows_per_group=4096)
        families: Counter[str] = Counter()
        answers: Counter[tuple[str, str]] = Counter()
        for row in _rows(chosen, records, scored, params, split):
            writer.add(row, 256)
            families[row["family"]] += 1
            if row["code"]:
                answers[row["code"], row["messages"][1]["content"][0]["text"]] += 1
        writer.close()
        summary["samples"][split] = families.total()
        summary["families"][split] = dict(sorted(families.items()))
        summary["statements"][split] = {code: {a: answers[code, a] for a in (YES, NO)} for code in scored}
    (output / "summary.json").write_text(
        json.dumps(summary, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
    return {"samples": summary["samples"]}


def cap_normal(pages: Any, records: Any, params: Instruct) -> Any:
    """Drop normal training pages, by seed, until they are at most `norm_cap` of what stays."""
    normal = np.array(
        [any(s["code"] == "NORM" for s in records.at[r, "statements"]) for r in pages["record_id"]]
    )
    others = int((~normal).sum())
    most = int(params.norm_cap * others / (1 - params.norm_cap)) if params.norm_cap < 1 else len(pages)
    if normal.sum() <= max(most, 1):
        return pages
    rng = np.random.default_rng(np.random.SeedSequence(params.seed, spawn_key=(SEED_KEY, 0)))
    kept = rng.permutation(np.flatnonzero(normal))[: max(most, 1)]
    mask = ~normal
    mask[kept] = True
    return pages[mask]


def _rows(
    pages: Any, records: Any, scored: list[str], params: Instruct, split: str
) -> Iterator[dict[str, Any]]:
    from twelvelead.instruct import measured, report, statements

    for page in track(pages.itertuples(), total=len(pages), title=f"instruct {split}", unit="pages"):
        row = records.loc[page.record_id]
        codes = {entry["code"]: float(entry["likelihood"]) for entry in row["statements"]}
        digits = int("".join(c for c in str(page.record_id) if c.isdigit()) or 0)
        rng = np.random.default_rng(np.random.SeedSequence(params.seed, spawn_key=(SEED_KEY, 1, digits)))
        made = list(statements.samples(codes, scored))
        made += measured.samples(row.to_dict(), rng, params.measurement_questions)
        if params.report:
            made.append(report.sample(codes, row.to_dict()))
        for number, sample in enumerate(made):
            yield {
                "sample_id": f"{page.page_id}-{number:03d}",
                "page_id": page.page_id,
                "record_id": page.record_id,
                "patient_id": page.patient_id,
                "fold": int(page.fold),
                "family": sample.family,
                "format": sample.format,
                "code": sample.code,
                "answer_source": sample.answer_source,
                "messages": sample.messages(),
            }


def schema() -> Any:
    """Arrow schema of an instruction shard."""
    import pyarrow as pa

    content = pa.list_(pa.struct([("type", pa.string()), ("text", pa.string())]))
    names = ("sample_id", "page_id", "record_id", "patient_id")
    fields = [(name, pa.string()) for name in names] + [("fold", pa.int8())]
    fields += [(name, pa.string()) for name in ("family", "format", "code", "answer_source")]
    return pa.schema(
        [*fields, ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", content)])))]
    )
