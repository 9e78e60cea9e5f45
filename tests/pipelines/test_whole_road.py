"""The whole road with nothing faked: records to registry, compiled pipeline, once for each verdict.

Both runs share one registry, as in life: the first candidate is let through by a lenient policy and takes
the alias; the second meets the real policy, is refused, and must leave the alias where it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(small_run: Path, small_road: Callable[..., Path]) -> Path:
    """A folder with both runs in it, each made by `python -m pipelines run` as `make run` calls it."""
    small_road("refused", "gate.policy=mlflow/gate.yaml")
    return small_run.parents[1]


def of(folder: Path, name: str) -> Path:
    (found,) = (folder / "runs").glob(f"*-{name}")
    return found


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def client(folder: Path) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=f"sqlite:///{folder / 'runs' / 'mlflow.db'}")


def test_a_passing_candidate_is_registered_and_takes_the_alias(place: Path) -> None:
    registration = read(of(place, "passes") / "registration.json")
    assert registration["passed"] is True
    version = client(place).get_model_version(registration["model"], str(registration["version"]))
    assert version.tags["gate"] == "passed"
    assert int(client(place).get_model_version_by_alias(registration["model"], "champion").version) == 1


def test_a_refused_candidate_is_registered_with_its_reasons_and_moves_no_alias(place: Path) -> None:
    folder = of(place, "refused")
    registration, verdict = read(folder / "registration.json"), read(folder / "verdict.json")
    assert verdict["passed"] is False
    assert registration["alias"] is None
    version = client(place).get_model_version(registration["model"], str(registration["version"]))
    assert version.tags["gate"] == "rejected"
    assert verdict["reasons"][0] in version.tags["gate_reasons"]
    assert int(version.version) == 2
    assert int(client(place).get_model_version_by_alias(registration["model"], "champion").version) == 1


def test_both_outcomes_are_told_in_words(place: Path) -> None:
    passed, refused = ((place / f"{name}.txt").read_text(encoding="utf-8") for name in ("passes", "refused"))
    assert "Verdict: PASSED" in passed
    assert "alias champion" in passed
    assert "Verdict: REJECTED" in refused
    assert "no alias moved" in refused
    assert "enough records" in refused


def test_every_version_carries_where_it_comes_from(place: Path) -> None:
    registration = read(of(place, "passes") / "registration.json")
    tags = client(place).get_model_version(registration["model"], "1").tags
    told = " ".join(f"{key}={value}" for key, value in tags.items())
    for part in (
        "git_revision",
        "policy_sha256",
        "base_sha256",
        "kfp_run_id",
        "image_digest",
        "dvc_md5",
        "seed",
    ):
        assert part in told, f"{part} is missing in {sorted(tags)}"


def test_the_data_of_two_runs_with_the_same_params_is_the_same_to_the_byte(place: Path) -> None:
    from twelvelead.data.digest import dvc_md5

    for artifact in ("records", "validation", "pages", "instructions"):
        one, two = (
            dvc_md5((of(place, name) / "artifacts" / artifact).resolve()) for name in ("passes", "refused")
        )
        assert one == two, artifact


def test_every_model_is_scored_on_every_record_of_fold_10_and_no_other(place: Path) -> None:
    folder = of(place, "refused")
    predictions = pd.read_parquet(folder / "predictions.parquet")
    index = pd.read_parquet(folder / "artifacts" / "validation" / "index.parquet")
    fold_10 = set(index.loc[index["fold"] == 10, "record_id"])
    assert set(predictions["model"]) == {"cnn", "page_cnn", "lora", "base"}
    for _, rows in predictions.groupby("model"):
        assert set(rows["record_id"]) == fold_10
    assert predictions["probability"].between(0, 1).all()


def test_the_report_is_one_file_that_fetches_nothing(place: Path) -> None:
    page = (of(place, "refused") / "report.html").read_text(encoding="utf-8")
    assert "not a medical device" in page.lower()
    assert "simulated" in page.lower()
    assert 'src="http' not in page
    assert 'href="http' not in page
