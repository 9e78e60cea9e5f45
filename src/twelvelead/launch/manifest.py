"""A training as a TrainJob of Kubeflow Trainer 2.3. Pure: what goes in decides what comes out."""

from __future__ import annotations

import re
from typing import Any

from twelvelead.launch.placement import Placement
from twelvelead.params import TrainLora

GROUP, VERSION, PLURAL = "trainer.kubeflow.org", "v1alpha1", "trainjobs"
JOB_ANNOTATION, PROGRESS_ANNOTATION = "twelvelead/job", "twelvelead/progress"
LONGEST_NAME = 48  # pods are called <name>-node-0-0-xxxxx, and a host's name has 63 characters
STEP = "node"  # the runtime's replicated job, and its container


def name_of(key: str) -> str:
    """The TrainJob's name: the work folder's, which names stage, code, inputs and params.

    So whoever starts the same training finds the one that is running.
    """
    name = re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-")
    return (name if name[:1].isalpha() else f"job-{name}")[-LONGEST_NAME:].strip("-")


def trainjob(name: str, file: str, params: TrainLora, placed: Placement) -> dict[str, Any]:
    """The TrainJob.

    Args:
        name: Its name.
        file: job.json, as nodes find it.
        params: The train_lora section.
        placed: Where it stands.
    """
    launch = params.launch
    trainer: dict[str, Any] = {
        "numNodes": launch.nodes,
        "numProcPerNode": launch.gpus_per_node or params.processes,
        "command": ["python3", "-m", "twelvelead.training.node"],
        "args": [file],
    }
    if placed.image:
        trainer["image"] = placed.image
    if launch.gpus_per_node:
        # These stand in place of the runtime's, they are not merged: without CPU and memory the namespace's
        # LimitRange would give a GPU node one core and 2 GiB.
        limits = {"cpu": placed.cpu, "memory": placed.memory, placed.gpu: str(launch.gpus_per_node)}
        trainer["resourcesPerNode"] = {"limits": limits, "requests": dict(limits)}
    spec: dict[str, Any] = {
        "runtimeRef": {"apiGroup": GROUP, "kind": "ClusterTrainingRuntime", "name": launch.runtime},
        "trainer": trainer,
        "activeDeadlineSeconds": launch.hours * 3600,
    }
    if pod := _pod(placed):
        template = {"spec": {"replicatedJobs": [{"name": STEP, "template": {"spec": {"template": pod}}}]}}
        spec["runtimePatches"] = [
            {"manager": "twelvelead/launch", "trainingRuntimeSpec": {"template": template}}
        ]
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "TrainJob",
        "metadata": {
            "name": name,
            "namespace": placed.namespace,
            "labels": {"app.kubernetes.io/part-of": "twelvelead", **placed.labels},
            "annotations": {JOB_ANNOTATION: file},
        },
        "spec": spec,
    }


def _pod(placed: Placement) -> dict[str, Any]:
    """What of a pod the placement changes; `podSpecOverrides` of older Trainers is unknown to 2.3."""
    spec: dict[str, Any] = {}
    if placed.node_selector:
        spec["nodeSelector"] = dict(placed.node_selector)
    if placed.tolerations:
        spec["tolerations"] = [dict(one) for one in placed.tolerations]
    if placed.claim and not placed.exchange:
        spec["volumes"] = [{"name": "work", "persistentVolumeClaim": {"claimName": placed.claim}}]
    return {"spec": spec} if spec else {}
