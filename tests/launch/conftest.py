"""A cluster on loopback, and a small job for it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.data.weed import Server
from tests.launch.emulator import Cluster

from twelvelead.launch import cluster as client
from twelvelead.launch import log, trainjob
from twelvelead.launch.backend import Job
from twelvelead.params import TrainLora


@pytest.fixture
def cluster(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A cluster whose pods mount this test's volume at /work; the launcher sees it elsewhere."""
    volume = tmp_path / "volume"
    volume.mkdir()
    made = Cluster((root / "k8s/base/runtime.yaml").read_text(encoding="utf-8"), {"/work": volume})
    made.program = [sys.executable, str(Path(__file__).with_name("fake_node.py"))]
    made.environment = {"PYTHONPATH": str(root / "src")}
    monkeypatch.setenv("KUBECONFIG", str(made.kubeconfig(tmp_path / "kubeconfig")))
    monkeypatch.setenv("TWELVELEAD_WORK", str(volume))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.delenv("TWELVELEAD_PLACEMENT", raising=False)
    monkeypatch.setattr(trainjob, "SECONDS_BETWEEN_LOOKS", 0.05)
    monkeypatch.setattr(trainjob, "SECONDS_BETWEEN_FETCHES", 0.1)
    monkeypatch.setattr(trainjob, "SECONDS_BETWEEN_NOTES", 0.1)
    monkeypatch.setattr(trainjob, "SECONDS_FOR_A_VOLUME", 1.0)
    monkeypatch.setattr(client, "FIRST_WAIT_S", 0.05)
    monkeypatch.setattr(log, "PAUSE_S", 0.05)
    yield made
    made.close()


@pytest.fixture
def bucket(s3_server: Server, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket of the test's own, with the launcher's address and keys in the environment."""
    name = re.sub("[^a-z0-9]+", "-", request.node.name.removeprefix("test_"))[:50].strip("-")
    name = f"{name}-{uuid.uuid4().hex[:6]}"
    s3_server.client().create_bucket(Bucket=name)
    for variable in [variable for variable in os.environ if variable.startswith("AWS_")]:
        monkeypatch.delenv(variable)
    for variable, value in s3_server.environment().items():
        monkeypatch.setenv(variable, value)
    return name


@pytest.fixture
def apart(
    cluster: Cluster,
    bucket: str,
    s3_server: Server,
    tmp_path: Path,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Cluster:
    """The cluster whose pods share no volume with the launcher or each other: k8s/components/bucket."""
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    beneath = os.path.relpath(root.resolve() / "k8s", overlay.resolve())
    kinds = {"resources": [f"{beneath}/base"], "components": [f"{beneath}/components/bucket"]}
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(kinds), encoding="utf-8")
    command = [Path(sys.executable).with_name("kubectl"), "kustomize", overlay]
    rendered = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (cluster.runtime,) = [
        one for one in yaml.safe_load_all(rendered) if one["kind"] == "ClusterTrainingRuntime"
    ]
    cluster.mounts, cluster.disks = {}, tmp_path / "disks"
    keys = s3_server.environment()
    cluster.values = {
        "s3": {"access_key": keys["AWS_ACCESS_KEY_ID"], "secret_key": keys["AWS_SECRET_ACCESS_KEY"]},
        "twelvelead": {"s3_endpoint_url": keys["AWS_ENDPOINT_URL"]},
    }
    cluster.environment["AWS_DEFAULT_REGION"] = keys["AWS_DEFAULT_REGION"]
    monkeypatch.setenv("TWELVELEAD_PLACEMENT", json.dumps({"exchange": f"s3://{bucket}/trainings"}))
    monkeypatch.delenv("TWELVELEAD_WORK")
    return cluster


class Listener:
    """A tracker that remembers."""

    def __init__(self) -> None:
        self.steps: list[int] = []

    def log(self, metrics: dict[str, float], step: int) -> None:
        """Remember the step."""
        self.steps.append(step)


@pytest.fixture
def job(tmp_path: Path, root: Path) -> Callable[..., Job]:
    """Makes the same job anew, as a launcher that was started again would."""
    for name in ("instructions", "pages"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.parquet").write_text(name, encoding="utf-8")

    def make(key: str = "train_lora-0123456789abcdef", **launch: Any) -> Job:
        inputs = {name: tmp_path / name for name in ("instructions", "pages")}
        output = tmp_path / "adapter"
        output.mkdir(exist_ok=True)
        work = tmp_path / "volume" / key
        work.mkdir(exist_ok=True)
        wanted = {"backend": "trainjob", "gpus_per_node": 0, **launch}
        params = TrainLora.model_validate_json(
            json.dumps({"base": str(root / "models/tiny"), "rank": 7, "launch": wanted})
        )
        return Job(inputs, output, params, work, Listener())

    return make
