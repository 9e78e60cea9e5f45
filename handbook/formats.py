"""What lies on disk: every table's columns from its Arrow schema, with what the schema cannot say."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from handbook.meanings import (
    EXPORT,
    FACTS,
    INDEX,
    INSTRUCTION,
    MANIFEST,
    PAGE,
    PREDICTION,
    QUARANTINE,
    VALIDATED,
    VERDICT,
    VERDICT_CHECK,
)
from handbook.table import code, document, table
from twelvelead.data import index
from twelvelead.evaluation import scorecard
from twelvelead.evaluation.predictions import Predictions, write
from twelvelead.gate.policy import Check, Policy
from twelvelead.gate.verdict import judge
from twelvelead.instruct import chat, shards
from twelvelead.stages.synthesize import MANIFEST_ROW
from twelvelead.stages.synthesize import PAGE as PAGE_SCHEMA
from twelvelead.validation import quarantine
from twelvelead.validation.facts import FACT_FIELDS, WAVE_FIELDS

_ADDED = [("signal_hash", pa.string()), ("warnings", pa.list_(pa.string())), ("status", pa.string())]


def page() -> str:
    """The reference of formats."""
    validated = [*FACT_FIELDS, *WAVE_FIELDS, *(pa.field(*column) for column in _ADDED)]
    parts = [
        "Tables are Parquet, compressed with zstd, written whole or not at all; equal rows are equal "
        "bytes. Records are WFDB format 16 in PTB-XL's own layout, loose or in ZIP volumes ([versions of "
        "data](../guides/data-versions.md)).",
        "## `records/index.parquet`",
        "One row a record; every later stage starts from it." + _columns(index.INDEX, INDEX),
        "## `validation/index.parquet`",
        "The same rows, quarantined ones too, with what was measured: yes and no are 1 and 0, unknown "
        "is NaN." + _columns(validated, {**FACTS, **VALIDATED}),
        "## `validation/quarantine.parquet`, `warnings.parquet`",
        _columns(quarantine.SCHEMA, QUARANTINE),
        "## `pages/pages-*.parquet`",
        'One row a page, read by Hugging Face `datasets`; pictures show after `cast_column("image", '
        "Image())`." + _columns(PAGE_SCHEMA, PAGE),
        "## `pages/manifest.parquet`",
        "One row a page without its picture." + _columns(MANIFEST_ROW, MANIFEST),
        "## `instructions/<split>-*.parquet`",
        "One row a question or dialogue, in the form that chat templates and TRL take."
        + _columns(shards.schema(), INSTRUCTION),
        "## `twelvelead instruct export trl-parquet`",
        _columns(chat.arrow_schema(), {**INSTRUCTION, **EXPORT}),
        "## `predictions.parquet`",
        "One row a model, record and statement; `twelvelead metrics` reads the same from anybody. Those of "
        "changed pages (`evaluation/controls.parquet`) have one column more."
        + _columns(_predictions(control=True), PREDICTION),
        "## `scorecard.json`",
        f"```text\n{inspect.cleandoc(scorecard.__doc__ or '')}\n```",
        "## `verdict.json`",
        table(("key", "meaning"), _keys(VERDICT, _verdict())),
        "Each of `checks`:",
        table(("key", "meaning"), _keys(VERDICT_CHECK, _verdict()["checks"][0])),
    ]
    return document("Formats", *parts)


def _columns(schema: pa.Schema | Iterable[pa.Field], meanings: Mapping[str, str]) -> str:
    fields = list(schema)
    _keys(meanings, [field.name for field in fields], spare=True)
    rows = [(code(field.name), code(_type(field.type)), meanings[field.name]) for field in fields]
    return "\n\n" + table(("column", "type", "meaning"), rows)


def _type(kind: pa.DataType) -> str:
    return str(kind).replace("list<element: ", "list<").replace("list<item: ", "list<")


def _keys(meanings: Mapping[str, str], found: Iterable[str], *, spare: bool = False) -> list[tuple[str, str]]:
    found = list(found)
    if missing := [name for name in found if name not in meanings]:
        raise ValueError(f"handbook/meanings.py says nothing of {', '.join(missing)}")
    if not spare and (old := [name for name in meanings if name not in found]):
        raise ValueError(f"handbook/meanings.py speaks of {', '.join(old)}, which is no more")
    return [(code(name), meanings[name]) for name in found]


def _predictions(*, control: bool) -> pa.Schema:
    one = np.zeros((1, 1))
    written = Predictions(
        ("NORM",), np.array(["1"]), np.array(["1"]), one.astype(np.uint8), {"lora": one.astype("f4")}
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "predictions.parquet"
        write(written, path, control_of="lora" if control else "")
        return pq.read_schema(path)


def _verdict() -> Mapping[str, list[Mapping[str, object]]]:
    check = Check(name="a", metric="data.fold10", at_least=1.0, why="b")
    return judge({}, Policy(name="a", candidate="lora", baseline="cnn", checks=(check,))).to_dict()
