"""Stage instruct on a hand-made index and manifest: folds stay apart, answers are the record's own."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from twelvelead.data.index import INDEX
from twelvelead.data.shard import read_rows, write_parquet
from twelvelead.errors import DataError
from twelvelead.params import Instruct
from twelvelead.stages.instruct import instruct

FACTS = ("rate_bpm", "pr_ms", "qrs_ms", "qtc_ms", "axis_deg", "irregular", "p_present", "ectopic_beats")


@pytest.fixture
def inputs(tmp_path):
    """Forty records: fold 1 to 10 in turn, every second one normal, the others with an old infarct."""
    rows, pages = [], []
    for number in range(40):
        codes = ["NORM"] if number % 2 else ["IMI"]
        record = f"{number:05d}"
        rows.append(
            dict.fromkeys(INDEX.names)
            | {
                "record_id": record,
                "patient_id": f"p{number}",
                "fold": number % 10 + 1,
                "status": "ok",
                "report": "x",
            }
            | {"statements": [{"code": code, "likelihood": 100.0} for code in [*codes, "SR"]]}
            | {name: np.float32(60 + number) for name in FACTS}
        )
        pages.append(
            {
                "page_id": f"{record}-0",
                "record_id": record,
                "patient_id": f"p{number}",
                "fold": number % 10 + 1,
            }
        )
    validation, made = tmp_path / "validation", tmp_path / "pages"
    validation.mkdir()
    made.mkdir()
    schema = pa.schema([*INDEX, ("status", pa.string()), *((name, pa.float32()) for name in FACTS)])
    write_parquet(pa.Table.from_pylist(rows, schema=schema), validation / "index.parquet")
    write_parquet(pa.Table.from_pylist(pages), made / "manifest.parquet")
    (validation / "statements.json").write_text(json.dumps({"scored": ["NORM", "IMI", "SR"]}))
    return {"validation": validation, "pages": made}


def make(inputs, tmp_path, **changes):
    output = tmp_path / f"out{len(list(tmp_path.glob('out*')))}"
    output.mkdir()
    summary = instruct(inputs, output, Instruct(**changes), tmp_path / "work")
    return output, summary


def test_samples_of_a_fold_stay_in_its_split(inputs, tmp_path):
    output, _ = make(inputs, tmp_path)
    for split, folds in {"train": set(range(1, 9)), "validation": {9}, "test": {10}}.items():
        assert {row["fold"] for row in read_rows(output, f"{split}-*.parquet")} == folds


def test_answers_about_statements_are_the_labels(inputs, tmp_path):
    output, _ = make(inputs, tmp_path, norm_cap=1.0)
    for row in read_rows(output, "*-0*.parquet"):
        if row["family"] == "statement":
            number = int(row["record_id"])
            truth = {"NORM": number % 2 == 1, "IMI": number % 2 == 0, "SR": True}[row["code"]]
            assert row["messages"][1]["content"][0]["text"] == ("Yes" if truth else "No")


def test_every_sample_shows_one_picture_first_and_names_its_source(inputs, tmp_path):
    output, _ = make(inputs, tmp_path)
    for row in read_rows(output, "train-*.parquet"):
        user, assistant = row["messages"]
        assert [part["type"] for part in user["content"]] == ["image", "text"]
        assert assistant["content"][0]["text"]
        assert row["answer_source"]
        assert "x" not in {row["answer_source"], assistant["content"][0]["text"]}


def test_normal_pages_are_capped_in_training_only(inputs, tmp_path):
    output, _ = make(inputs, tmp_path, norm_cap=0.2)
    share = {}
    for split in ("train", "test"):
        normal = {
            row["record_id"]: int(row["record_id"]) % 2 for row in read_rows(output, f"{split}-*.parquet")
        }
        share[split] = np.mean(list(normal.values()))
    assert share["train"] <= 0.2
    assert share["test"] > 0.4


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(inputs, tmp_path):
    (one, _), (two, _), (other, _) = (
        make(inputs, tmp_path),
        make(inputs, tmp_path),
        make(inputs, tmp_path, seed=2),
    )
    name = "train-00000.parquet"
    assert (one / name).read_bytes() == (two / name).read_bytes()
    assert (one / name).read_bytes() != (other / name).read_bytes()


def test_a_fold_without_pages_is_refused(inputs, tmp_path):
    manifest = pd.read_parquet(inputs["pages"] / "manifest.parquet")
    manifest[manifest["fold"] != 10].to_parquet(inputs["pages"] / "manifest.parquet")
    with pytest.raises(DataError, match="no pages in the test folds"):
        make(inputs, tmp_path)
