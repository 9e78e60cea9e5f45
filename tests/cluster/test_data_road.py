"""The road of the data in a cluster, on real servers: raw data by DVC revision, S3, and MLflow behind
passwords.

The bucket is SeaweedFS, MLflow has basic auth, PostgreSQL behind it and its artifacts on S3, whose keys it
alone has.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.data import weed
from tests.registry import mlflow_server
from tests.registry.mlflow_server import PIPELINE, READER

from twelvelead.data.digest import dvc_md5
from twelvelead.params import parse
from twelvelead.stages.run import run as make

pytestmark = pytest.mark.slow
LENIENT = """
name: lenient, for a test
promotes: true
candidate: lora
baseline: cnn
checks:
  - {name: has learnt something, metric: models.lora.macro_auc, at_least: 0.0, why: a test}
"""
SMALL = (
    "validate.min_train_positives=3", "train_baseline.epochs=1", "train_lora.epochs=1",
    "train_page_baseline.epochs=1", "evaluate.robustness_pages=0", "instruct.measurement_questions=0",
    "evaluate.bootstrap=50", "evaluate.min_positives=1",
)  # fmt: skip
STORES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION")


@dataclass(frozen=True)
class Road:
    """Where things are, and the environment of each identity."""

    folder: Path
    repo: Path
    s3: weed.Server
    mlflow: mlflow_server.Server
    root: Path

    def pipelines(self, *words: str, user: tuple[str, str] = PIPELINE, keys: bool = True) -> Any:
        """`python -m pipelines run` as a user, with or without the keys of the bucket."""
        environment = {key: value for key, value in os.environ.items() if key not in STORES}
        environment |= self.mlflow.environment(user) | {"TWELVELEAD_GIT_REVISION": "abc123"}
        if keys:
            environment |= self.s3.environment()
            environment["TWELVELEAD_DVC_REMOTE"] = "s3://ecg/dvc"
        sets = [
            word for item in (*SMALL, f"gate.policy={self.folder / 'gate.yaml'}") for word in ("--set", item)
        ]
        command = [
            sys.executable, "-m", "pipelines", "run", "--params", "params.smoke.yaml", "--runs",
            str(self.folder / "runs"), *sets, *words,
        ]  # fmt: skip
        return subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True, check=False
        )

    @property
    def latest(self) -> Path:
        return (self.folder / "runs" / "latest").resolve()

    def version(self, number: int) -> Any:
        import mlflow

        with pytest.MonkeyPatch.context() as patch:
            for key, value in self.mlflow.environment(READER).items():
                patch.setenv(key, value)
            client = mlflow.MlflowClient(self.mlflow.uri)
            holder = client.get_registered_model("twelvelead-reader").aliases
            return client.get_model_version("twelvelead-reader", str(number)), holder


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[Road]:
    folder = tmp_path_factory.mktemp("road")
    try:
        with weed.running() as s3:
            for bucket in ("ecg", "mlflow"):
                s3.client().create_bucket(Bucket=bucket)
            keys = s3.environment() | {"MLFLOW_S3_ENDPOINT_URL": s3.url}
            with (
                mlflow_server.postgres() as database,
                mlflow_server.running(database, folder, "s3://mlflow/artifacts", keys) as server,
            ):
                (folder / "gate.yaml").write_text(LENIENT, encoding="utf-8")
                yield Road(folder, raw_repository(folder, s3), s3, server, root)
    except (weed.Unavailable, mlflow_server.Unavailable) as reason:
        pytest.skip(str(reason))


def raw_repository(folder: Path, s3: weed.Server) -> Path:
    """A git repository whose DVC remote holds an archive in PTB-XL's layout, tagged v1."""
    repo = folder / "raw-repo"
    repo.mkdir()
    make("ingest", {}, folder / "records", parse({"ingest": {"records": 120, "rate_hz": 100}}, where="here"))
    shutil.copytree(folder / "records", repo / "ptb-xl", ignore=shutil.ignore_patterns("*.parquet", "*.json"))
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    dvc = [str(Path(sys.executable).with_name("dvc"))]
    for command in (
        ["git", "init", "-q", "-b", "main"], [*dvc, "init", "-q"],
        [*dvc, "remote", "add", "-q", "-d", "s3", "s3://ecg/raw"], [*dvc, "add", "-q", "ptb-xl"],
        [*dvc, "push", "-q"], ["git", "add", "."], ["git", *who, "commit", "-q", "-m", "raw"],
        ["git", "tag", "v1"],
    ):  # fmt: skip
        environment = os.environ | s3.environment() | {"DVC_NO_ANALYTICS": "1"}
        subprocess.run(command, cwd=repo, env=environment, check=True, capture_output=True)
    return repo


@pytest.fixture(scope="module")
def trained(road: Road) -> Path:
    """The training pipeline from a DVC revision to a published version of the data and a champion."""
    done = road.pipelines("--source", f"dvc:{road.repo}#v1:ptb-xl", "--remote", "s3://ecg/dvc")
    assert done.returncode == 0, done.stdout + done.stderr
    return road.latest


def test_the_version_names_the_raw_commit_the_data_and_where_they_are(road: Road, trained: Path) -> None:
    version, holder = road.version(1)
    commit = subprocess.run(
        ["git", "-C", str(road.repo), "rev-parse", "v1"], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert version.tags["raw.commit"] == commit
    assert version.tags["raw.dvc_md5"] == dvc_md5(road.repo / "ptb-xl")
    assert version.tags["dvc_remote"] == "s3://ecg/dvc"
    assert version.tags["kfp_run_id"] == trained.name
    assert version.tags["git_revision"] == "abc123"
    published = json.loads((trained / "publication.json").read_text(encoding="utf-8"))
    for name in ("records", "pages", "instructions"):
        assert version.tags[f"dvc_md5.{name}"] == published["artifacts"][name]
    assert holder == {"champion": "1"}


def test_the_published_data_come_back_from_the_bucket_alone(road: Road, trained: Path) -> None:
    place = trained / "artifacts" / "publication" / "publication.json"
    command = [
        sys.executable,
        "-m",
        "twelvelead",
        "fetch",
        "pages",
        str(place),
        "-o",
        str(road.folder / "back"),
    ]
    subprocess.run(command, env=os.environ | road.s3.environment(), check=True, capture_output=True)
    assert dvc_md5(road.folder / "back") == dvc_md5((trained / "artifacts" / "pages").resolve())


def test_a_registration_needs_no_key_of_the_bucket_its_artifacts_lie_in(road: Road, trained: Path) -> None:
    """MLflow's server hands artifacts on; the step that registers has its password and nothing else."""
    before = road.s3.client().list_objects_v2(Bucket="mlflow")["KeyCount"]
    done = road.pipelines(
        "--pipeline", "evaluation", "--place", str(trained), "--set", "evaluate.seed=2", keys=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert road.s3.client().list_objects_v2(Bucket="mlflow")["KeyCount"] > before
    version, _ = road.version(2)
    assert version.tags["raw.commit"] == road.version(1)[0].tags["raw.commit"], "lineage goes along"
    assert version.tags["dvc_md5.adapter"] == road.version(1)[0].tags["dvc_md5.adapter"]


def test_only_the_pipelines_identity_moves_the_champion(road: Road, trained: Path) -> None:
    """Runs after the second version is there."""
    _, before = road.version(2)
    other = "1" if before["champion"] == "2" else "2"
    refused = road.pipelines("--pipeline", "promotion", "--version", other, user=READER, keys=False)
    assert refused.returncode == 5, refused.stderr
    assert "ermission" in refused.stderr
    assert road.version(2)[1]["champion"] == before["champion"]

    done = road.pipelines("--pipeline", "promotion", "--version", other, keys=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert road.version(2)[1]["champion"] == other


def test_a_bucket_that_refuses_is_named_and_nothing_is_half_published(road: Road, trained: Path) -> None:
    wrong = os.environ | road.s3.environment() | {"AWS_SECRET_ACCESS_KEY": "wrong"}
    command = [
        sys.executable, "-m", "twelvelead", "publish", "pages", "--at", str(trained / "artifacts"), "-o",
        str(road.folder / "refused"), "--remote", "s3://ecg/dvc",
    ]  # fmt: skip
    done = subprocess.run(command, env=wrong, capture_output=True, text=True, check=False)
    assert done.returncode == 5
    assert "s3://ecg/dvc" in done.stderr
    assert "AWS_SECRET_ACCESS_KEY" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (road.folder / "refused" / "publication.json").exists()
