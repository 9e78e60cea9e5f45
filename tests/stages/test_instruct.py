"""Stage instruct on a hand-made index and manifest: folds stay apart, answers are the record's own."""

import json
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from twelvelead.data.index import INDEX
from twelvelead.data.shard import read_rows, write_parquet
from twelvelead.errors import DataError
from twelvelead.instruct.sample import FREE_FAMILIES, messages
from twelvelead.instruct.shards import page_seed
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
    summary = instruct(inputs, output, Instruct(**changes), tmp_path / f"work-{output.name}")
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
    output, _ = make(inputs, tmp_path, questions=30.0, measurement_questions=3)
    for row in read_rows(output, "train-*.parquet"):
        kinds = [[part["type"] for part in turn["content"]] for turn in row["messages"]]
        assert kinds == [["image", "text"]] + [["text"]] * (len(kinds) - 1)
        assert [turn["role"] for turn in row["messages"]] == ["user", "assistant"] * (len(kinds) // 2)
        assert (len(kinds) > 2) == (row["format"] == "dialogue")
        assert all(turn["content"][-1]["text"] for turn in row["messages"])
        assert "x" not in {turn["content"][-1]["text"] for turn in row["messages"]}
        assert row["answer_source"]
        assert bool(row["template"]) == (row["family"] not in ("statement", "measurement"))
        assert row["seed"] == page_seed(1, row["page_id"])


def test_rows_are_what_their_samples_would_say(inputs, tmp_path):
    """The nested column is built from flat ones; it must be what `Sample.messages` says."""
    output, _ = make(inputs, tmp_path, slots=False, questions=20.0)
    rows = list(read_rows(output, "train-*.parquet"))
    assert {row["family"] for row in rows} == set(FREE_FAMILIES)
    for row in rows:
        said = ["".join(part["text"] for part in turn["content"]) for turn in row["messages"]]
        turns = list(zip(said[::2], said[1::2], strict=True))
        assert row["messages"] == messages(*turns[0], tuple(turns[1:]))


def test_slots_come_first_in_their_order_and_their_fixed_words(inputs, tmp_path):
    output, _ = make(inputs, tmp_path)
    pages = {}
    for row in read_rows(output, "*-0*.parquet"):
        pages.setdefault(row["page_id"], []).append(row)
    for rows in pages.values():
        assert [row["sample_id"] for row in rows] == [
            f"{rows[0]['page_id']}-{n:03d}" for n in range(len(rows))
        ]
        assert [row["code"] for row in rows[:3]] == ["NORM", "IMI", "SR"]
        assert [row["messages"][0]["content"][1]["text"] for row in rows[:3]] == [
            "Does this ECG show a normal ECG?",
            "Does this ECG show inferior myocardial infarction?",
            "Does this ECG show sinus rhythm?",
        ]
        assert "statement" not in {row["family"] for row in rows[3:]}


def test_free_statement_questions_are_balanced(inputs, tmp_path):
    output, _ = make(inputs, tmp_path, slots=False, questions=30.0)
    summary = json.loads((output / "summary.json").read_text())
    assert summary["statements"]["train"] == {}
    assert summary["free_statements"]["train"].keys() >= {"NORM", "IMI"}
    assert summary["free_statements"]["test"] == {}  # all are normal: nothing can be balanced
    for answers in summary["free_statements"]["train"].values():
        assert answers["Yes"] == answers["No"]


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


def files(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_workers_change_nothing(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr("twelvelead.stages.instruct.ROWS_PER_SHARD", 40)
    found = []
    for count in ("1", "3"):
        monkeypatch.setenv("TWELVELEAD_WORKERS", count)
        found.append(files(make(inputs, tmp_path)[0]))
    assert len(found[0]) > 5
    assert found[0] == found[1]


KILLED = """
import os, signal, sys
from pathlib import Path
from twelvelead.instruct import shards
from twelvelead.params import Instruct
from twelvelead.stages import instruct as stage

stage.ROWS_PER_SHARD, write, done = 40, shards.write, []

def dying(shard):
    if len(done) == 3:  # in the middle of a file
        shards.Block.table = lambda self: os.kill(os.getpid(), signal.SIGKILL)
    done.append(shard)
    return write(shard)

shards.write = dying
at = Path(sys.argv[1])
stage.instruct({name: at / name for name in ("validation", "pages")}, at / "out", Instruct(), at / "work")
"""


def test_a_killed_run_goes_on_with_the_shards_it_has(inputs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("twelvelead.stages.instruct.ROWS_PER_SHARD", 40)
    monkeypatch.setenv("TWELVELEAD_WORKERS", "1")
    whole = files(make(inputs, tmp_path)[0])
    end = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False, capture_output=True)
    assert end.returncode == -signal.SIGKILL
    work = tmp_path / "work"
    kept = {path.name: path.stat().st_mtime_ns for path in work.glob("[!.]*.parquet")}
    assert len(kept) == 3
    output = tmp_path / "again"
    output.mkdir()
    instruct(inputs, output, Instruct(), work)
    assert "going on: 3 of " in capsys.readouterr().err
    assert {name: (work / name).stat().st_mtime_ns for name in kept} == kept
    assert files(output) == whole


def test_shards_open_as_a_data_set(inputs, tmp_path):
    datasets = pytest.importorskip("datasets")
    output, summary = make(inputs, tmp_path)
    found = datasets.load_dataset(
        "parquet", data_files=str(output / "train-*.parquet"), split="train", cache_dir=str(tmp_path / "hf")
    )
    assert len(found) == summary["samples"]["train"]
    assert found[0]["messages"][1]["content"][0]["text"] in ("Yes", "No")


def test_a_fold_without_pages_is_refused(inputs, tmp_path):
    manifest = pd.read_parquet(inputs["pages"] / "manifest.parquet")
    manifest[manifest["fold"] != 10].to_parquet(inputs["pages"] / "manifest.parquet")
    with pytest.raises(DataError, match="no pages in the test folds"):
        make(inputs, tmp_path)
