"""Reading what a run left behind, for people: a missing or empty part is left out, never an error."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

JUDGED_FOLD = 10

PNG = b"\x89PNG"


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object, or an empty one where the file is missing."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def read_columns(path: Path, columns: Sequence[str], filters: Any = None) -> pd.DataFrame:
    """Those of the columns that a Parquet file has; an empty frame of them where it is missing.

    Args:
        path: The file.
        columns: Names.
        filters: As of `pyarrow.parquet.read_table`; a list of nothing to look for finds nothing.
    """
    if not path.is_file() or any(operator == "in" and not wanted for _, operator, wanted in filters or []):
        return pd.DataFrame(columns=list(columns))
    known = set(pq.read_schema(path).names)
    return pq.read_table(
        path, columns=[name for name in columns if name in known], filters=filters
    ).to_pandas()


def records(validation: Path) -> dict[str, Any]:
    """Counts of records by fold and status, and why some were set aside."""
    frame = read_columns(validation / "index.parquet", ["fold", "status", "patient_id"])
    usable = frame[frame["status"] == "ok"]
    quarantine = read_columns(validation / "quarantine.parquet", ["record_id", "reasons"])
    reasons = (
        quarantine["reasons"].explode().dropna().map(_kind) if len(quarantine) else pd.Series(dtype=object)
    )
    return {
        "records": len(frame),
        "usable": len(usable),
        "patients": int(usable["patient_id"].nunique()),
        "folds": {int(fold): int(n) for fold, n in usable["fold"].value_counts().sort_index().items()},
        "quarantined": len(quarantine),
        "reasons": {str(reason): int(n) for reason, n in reasons.value_counts().items()},
    }


def judged_records(validation: Path) -> dict[str, list[str]]:
    """Statement codes of each usable record of fold 10, by record id, in id order."""
    columns = ["record_id", "fold", "status", "statements"]
    frame = read_columns(validation / "index.parquet", columns, [("fold", "=", JUDGED_FOLD)])
    frame = frame[frame["status"] == "ok"].sort_values("record_id")
    return {
        str(row.record_id): [item["code"] for item in row.statements] for row in frame.itertuples(index=False)
    }


def choose(codes_of: Mapping[str, Sequence[str]], codes: Sequence[str], count: int) -> list[str]:
    """Records to show: for each code in turn the first that carries it and is not taken; never by result."""
    taken: list[str] = []
    for code in codes:
        taken += [name for name, own in codes_of.items() if code in own and name not in taken][:1]
    taken += [name for name in codes_of if name not in taken]
    return taken[:count]


def pictures(pages: Path, record_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Page id and PNG data URI of one page of each record, by record id; only the shards named are opened."""
    wanted = [("record_id", "in", list(record_ids))]
    manifest = read_columns(pages / "manifest.parquet", ["record_id", "page_id", "shard"], wanted)
    found: dict[str, tuple[str, str]] = {}
    for shard, rows in manifest.drop_duplicates("record_id").groupby("shard", sort=True):
        images = read_columns(
            pages / str(shard),
            ["page_id", "record_id", "image"],
            [("page_id", "in", rows["page_id"].tolist())],
        )
        for row in images.itertuples(index=False):
            kind = "png" if row.image["bytes"].startswith(PNG) else "jpeg"
            text = base64.b64encode(row.image["bytes"]).decode("ascii")
            found[str(row.record_id)] = (str(row.page_id), f"data:image/{kind};base64,{text}")
    return found


def probabilities(evaluation: Path, record_ids: Sequence[str]) -> dict[str, dict[str, dict[str, float]]]:
    """Probabilities as record id → code → model → probability."""
    frame = read_columns(
        evaluation / "predictions.parquet",
        ["record_id", "model", "code", "probability"],
        [("record_id", "in", list(record_ids))],
    )
    found: dict[str, dict[str, dict[str, float]]] = {}
    for row in frame.itertuples(index=False):
        found.setdefault(str(row.record_id), {}).setdefault(str(row.code), {})[str(row.model)] = (
            row.probability
        )
    return found


def disagreements(evaluation: Path, codes: Sequence[str], count: int) -> list[str]:
    """Records whose lora and cnn probabilities lie furthest apart on one of the codes, furthest first."""
    columns = ["record_id", "model", "code", "probability"]
    wanted = [("model", "in", ["lora", "cnn"]), ("code", "in", list(codes))]
    frame = read_columns(evaluation / "predictions.parquet", columns, wanted)
    if frame.empty:
        return []
    wide = frame.pivot(index=["record_id", "code"], columns="model", values="probability")
    apart = (wide["lora"] - wide["cnn"]).abs().groupby("record_id").max()
    return [str(name) for name in apart.sort_values(ascending=False, kind="stable").index[:count]]


def plots(folder: Path, names: Mapping[str, tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Title, explanation and data URI of those of the plots that are there."""
    return [
        (
            title,
            about,
            "data:image/png;base64," + base64.b64encode((folder / name).read_bytes()).decode("ascii"),
        )
        for name, (title, about) in names.items()
        if (folder / name).is_file()
    ]


def questions(instructions: Path, page_ids: Sequence[str], each: int = 4) -> list[dict[str, Any]]:
    """Some questions and answers on the pages: `each` of every family, the pages taking turns."""
    columns = ["page_id", "record_id", "family", "code", "answer_source", "messages"]
    wanted = [("page_id", "in", list(page_ids))]
    shards = sorted(instructions.glob("test-*.parquet"))
    parts = [part for shard in shards if len(part := read_columns(shard, columns, wanted))]
    if not parts:
        return []
    frame = pd.concat(parts, ignore_index=True)
    frame["turn"] = frame.groupby(["family", "page_id"]).cumcount()
    # Neighbouring questions of one page are alike, so every page starts elsewhere in its list.
    start = {page: 3 * number for number, page in enumerate(page_ids)}
    size = frame.groupby(["family", "page_id"])["turn"].transform("size")
    frame["turn"] = (frame["turn"] - frame["page_id"].map(start)) % size
    frame = frame.sort_values(["turn", "record_id"], kind="stable").groupby("family", sort=False).head(each)
    return [
        {
            "record_id": row.record_id,
            "family": row.family,
            "source": row.answer_source,
            "question": _text(row.messages, "user"),
            "answer": _text(row.messages, "assistant"),
        }
        for row in frame.sort_values("family", kind="stable").itertuples(index=False)
    ]


def _text(messages: Sequence[Mapping[str, Any]], role: str) -> str:
    parts = [item["text"] for turn in messages if turn["role"] == role for item in turn["content"]]
    return " ".join(text for text in parts if text)


def _kind(reason: str) -> str:
    """A reason without its record's figures: of "9.20 s long; at least 9.5 s are needed" the second half."""
    _, semicolon, bound = reason.rpartition("; ")
    return bound if semicolon else bound.split(": ")[0]
