"""A node has what its processes need before it starts them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

run = pytest.importorskip("torch.distributed.run")

from twelvelead.models import mllama
from twelvelead.training import node
from twelvelead.training.job import FAULT


@pytest.mark.parametrize(
    ("told", "fetched"),
    [
        ({"params": {"base": "s3://models/llama"}}, ["s3://models/llama"]),
        ({"params": {"base": "s3://models/llama"}, "base": "inputs/base"}, []),
        ({"params": {"base": "/models/llama"}}, []),
    ],
)
def test_a_base_in_s3_is_fetched_once_before_the_processes_start(
    told: dict[str, Any], fetched: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight processes of a machine would fetch 21 GB eight times."""
    done: list[str] = []
    monkeypatch.setattr(mllama, "local_folder", done.append)
    monkeypatch.setattr(run, "main", lambda words: done.append(words[-1]))
    job = tmp_path / "job.json"
    job.write_text(json.dumps(told))
    assert node.start([], job) == 0
    assert done == [*fetched, str(job)]


def test_the_words_of_an_earlier_attempt_are_not_taken_for_this_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for rank, left in (("1", True), ("0", False)):
        (tmp_path / FAULT).write_text("{}")
        monkeypatch.setenv("PET_NODE_RANK", rank)
        monkeypatch.setattr(
            run, "main", lambda words, left=left: (tmp_path / FAULT).exists() is left or 1 / 0
        )
        node.start([], tmp_path / "job.json")
