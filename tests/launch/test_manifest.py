"""The TrainJob is what the Trainer knows, and says what was asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kubeflow_trainer_api.models import TrainerV1alpha1TrainJob

from twelvelead.errors import ParamsError
from twelvelead.launch.manifest import name_of, trainjob
from twelvelead.launch.placement import Placement, placement
from twelvelead.params import TrainLora

PLACED = {
    "namespace": "ecg",
    "image": "registry.example/gpu@sha256:0",
    "node_selector": {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"},
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    "labels": {"kueue.x-k8s.io/queue-name": "gpus"},
    "claim": "fast",
}


def made(launch: dict[str, Any], placed: dict[str, Any], **params: Any) -> dict[str, Any]:
    where = Placement.model_validate_json(json.dumps(placed))
    return trainjob("x", "/work/x/job.json", TrainLora.model_validate({"launch": launch} | params), where)


@pytest.mark.parametrize("launch", [{}, {"nodes": 4, "gpus_per_node": 8, "hours": 3}, {"gpus_per_node": 0}])
@pytest.mark.parametrize("placed", [{"namespace": "ecg"}, PLACED], ids=["bare", "placed"])
def test_the_trainer_knows_every_field(launch: dict[str, Any], placed: dict[str, Any]) -> None:
    manifest = made(launch, placed)
    assert TrainerV1alpha1TrainJob.from_dict(manifest).to_dict() == manifest
    assert not {"podSpecOverrides", "podTemplateOverrides"} & set(manifest["spec"])


def test_nodes_gpus_hours_and_placement_are_where_the_trainer_looks() -> None:
    manifest = made({"nodes": 4, "gpus_per_node": 8, "hours": 3}, PLACED)
    spec, trainer = manifest["spec"], manifest["spec"]["trainer"]
    assert (trainer["numNodes"], trainer["numProcPerNode"], spec["activeDeadlineSeconds"]) == (4, 8, 10800)
    assert trainer["resourcesPerNode"]["limits"] == {"nvidia.com/gpu": "8", "cpu": "16", "memory": "128Gi"}
    assert trainer["image"] == PLACED["image"]
    (patch,) = spec["runtimePatches"]
    (job,) = patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    assert job["name"] == "node"
    assert job["template"]["spec"]["template"]["spec"] == {
        "nodeSelector": PLACED["node_selector"],
        "tolerations": PLACED["tolerations"],
        "volumes": [{"name": "work", "persistentVolumeClaim": {"claimName": "fast"}}],
    }
    assert manifest["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "gpus"


def test_without_gpus_the_runtimes_own_resources_stay() -> None:
    trainer = made({"gpus_per_node": 0}, {"namespace": "ecg"}, processes=3)["spec"]["trainer"]
    assert "resourcesPerNode" not in trainer
    assert trainer["numProcPerNode"] == 3


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("train_lora-0123456789abcdef", "train-lora-0123456789abcdef"),
        ("Work.1", "work-1"),
        ("7", "job-7"),
        ("_" + "a" * 80, "a" * 48),
    ],
)
def test_the_name_is_the_jobs_own_and_one_that_hosts_may_have(key: str, name: str) -> None:
    assert name_of(key) == name


def test_a_placement_that_cannot_be_read_is_refused_with_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWELVELEAD_PLACEMENT", '{"tolerance": []}')
    with pytest.raises(ParamsError, match=r"TWELVELEAD_PLACEMENT: tolerance: .*\n.*Expected: .*tolerations"):
        placement()
    monkeypatch.setenv("TWELVELEAD_PLACEMENT", "")
    assert placement().namespace == "twelvelead"
    monkeypatch.setenv("TWELVELEAD_PLACEMENT", '{"namespace": "ecg"}')
    assert placement().namespace == "ecg"
