"""A cluster on loopback, and a small job for it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
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
    made = Cluster(root / "k8s/base/runtime.yaml", {"/work": volume})
    made.program = [sys.executable, str(Path(__file__).with_name("fake_node.py"))]
    made.environment = {"PYTHONPATH": str(root / "src")}
    monkeypatch.setenv("KUBECONFIG", str(made.kubeconfig(tmp_path / "kubeconfig")))
    monkeypatch.setenv("TWELVELEAD_WORK", str(volume))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.delenv("TWELVELEAD_PLACEMENT", raising=False)
    monkeypatch.setattr(trainjob, "SECONDS_BETWEEN_LOOKS", 0.05)
    monkeypatch.setattr(trainjob, "SECONDS_BETWEEN_NOTES", 0.1)
    monkeypatch.setattr(client, "FIRST_WAIT_S", 0.05)
    monkeypatch.setattr(log, "PAUSE_S", 0.05)
    yield made
    made.close()


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
