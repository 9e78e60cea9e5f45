"""Stage instruct: grounded questions and answers per page, one set of shards per fold group.

The plan says which page is asked what; shards are then worded and written one by one, each by one worker
into a file of the work folder that appears whole or not at all, so a killed run keeps what it has.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from twelvelead.errors import DataError
from twelvelead.instruct import shards
from twelvelead.instruct.sample import NO, YES
from twelvelead.params import Instruct
from twelvelead.progress import say, track

SEED_KEY = 4  # this stage's branch of the seed tree
ROWS_PER_SHARD = 1 << 16  # some seconds of work: little to lose, enough to do for each worker
SHARDS_ALONE = 3  # fewer are written before a worker process has loaded pandas
SPLITS = {"train": range(1, 9), "validation": (9,), "test": (10,)}
SUMMARY = "summary.json"


def instruct(inputs: Mapping[str, Path], output: Path, params: Instruct, work: Path) -> dict[str, Any]:
    """Write `<split>-00000.parquet` … and summary.json.

    Returns:
        Samples by split.

    Raises:
        DataError: A fold group has no pages.
    """
    todo = _shards(inputs, params, work)
    _write([shard for shard in todo if not shard.file.is_file()], len(todo))
    output.mkdir(parents=True, exist_ok=True)
    summary: dict[str, Any] = {}
    for split in SPLITS:
        mine = [shard.file for shard in todo if shard.file.name.startswith(f"{split}-")]
        for file in mine:
            _put(file, output / file.name)
        for name, value in _counts(mine).items():
            summary.setdefault(name, {})[split] = value
    text = json.dumps(summary, indent=1, sort_keys=True)
    (output / SUMMARY).write_text(text + "\n", encoding="utf-8")
    return {"samples": summary["samples"]}


def _shards(inputs: Mapping[str, Path], params: Instruct, work: Path) -> list[shards.Shard]:
    """Every shard of every split, with its plan."""
    import pandas as pd

    from twelvelead.data.index import read_validated
    from twelvelead.instruct.cohort import Cohort
    from twelvelead.instruct.limit import limits_of
    from twelvelead.instruct.plan import plan

    records, scored = read_validated(inputs["validation"])
    records = records[[name for name in records.columns if name in shards.CASE_COLUMNS]]
    pages = pd.read_parquet(
        inputs["pages"] / "manifest.parquet", columns=["page_id", "record_id", "patient_id", "fold"]
    )
    row_of = pd.Series(np.arange(len(records)), index=records["record_id"])
    cohort = Cohort.of(shards.rows_of(records))
    limits = limits_of(cohort.take(np.flatnonzero(records["fold"].isin(SPLITS["train"]))))
    asking = shards.Asking(
        tuple(scored) if params.slots else (), params.measurement_questions, params.report, params.seed
    )
    a_page = len(asking.slots) + params.questions + asking.measurements + asking.report
    cut = max(1, ROWS_PER_SHARD // max(1, round(a_page)))
    found = []
    for number, (split, folds) in enumerate(SPLITS.items()):
        chosen = pages[pages["fold"].isin(list(folds))]
        if split == "train":
            chosen = cap_normal(chosen, records.set_index("record_id"), params)
        if chosen.empty:
            raise DataError(f"no pages in the {split} folds {list(folds)}", where="pages/manifest.parquet")
        rows = row_of[chosen["record_id"]].to_numpy()
        rng = np.random.default_rng(np.random.SeedSequence(params.seed, spawn_key=(SEED_KEY, 1, number)))
        planned = plan(cohort.take(rows), limits, params.questions, params.shares.model_dump(), rng)
        names = list(zip(chosen["page_id"], chosen["patient_id"], strict=True))
        for start in range(0, len(rows), cut):
            stop = min(start + cut, len(rows))
            found.append(
                shards.Shard(
                    work / f"{split}-{start // cut:05d}.parquet",
                    tuple(names[start:stop]),
                    records.iloc[rows[start:stop]],
                    planned.cut(start, stop),
                    asking,
                )
            )
    return found


def _write(todo: list[shards.Shard], total: int) -> None:
    """Write the shards that are not there yet."""
    from twelvelead.data.pool import in_order

    if len(todo) < total:
        say(f"going on: {total - len(todo)} of {total} shards of an earlier run are whole")

    def pages() -> Iterator[None]:
        written = in_order(shards.write, todo) if len(todo) > SHARDS_ALONE else map(shards.write, todo)
        for shard, _ in zip(todo, written, strict=True):
            yield from (None for _ in shard.pages)

    for _ in track(pages(), total=sum(len(one.pages) for one in todo), title="instruct", unit="pages"):
        pass


def _counts(files: list[Path]) -> dict[str, Any]:
    """What the shards of a split hold, from the counts beside them."""
    found: dict[str, Counter[str]] = {}
    for file in files:
        for name, counts in json.loads(file.with_suffix(".json").read_text(encoding="utf-8")).items():
            found.setdefault(name, Counter()).update(counts)
    answers: dict[str, dict[str, dict[str, int]]] = {"slot": {}, "free": {}}
    for key, count in sorted(found["answers"].items()):
        kind, code, said = key.split(" ")
        answers[kind].setdefault(code, {YES: 0, NO: 0})[said] = count
    return {
        "samples": found["families"].total(),
        "families": dict(sorted(found["families"].items())),
        "formats": dict(sorted(found["formats"].items())),
        "statements": answers["slot"],
        "free_statements": answers["free"],
    }


def _put(file: Path, to: Path) -> None:
    """Link a finished shard, or copy it to another file system: until the run ends it stays in both."""
    to.unlink(missing_ok=True)
    try:
        os.link(file, to)
    except OSError:
        shutil.copyfile(file, to)


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
