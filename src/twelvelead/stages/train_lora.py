"""Stage train_lora: an adapter on the base, its epoch chosen on fold 9."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twelvelead.launch.backend import Job
from twelvelead.launch.choose import choose
from twelvelead.params import TrainLora
from twelvelead.stages.live import live


def train_lora(inputs: Mapping[str, Path], output: Path, params: TrainLora, work: Path) -> dict[str, Any]:
    """Write the PEFT adapter, its module list, the base it belongs to, metrics.json and curves.jsonl.

    `launch.backend` says where: in this process, in several of this machine (at most one a GPU), or on the
    nodes of a cluster. Figures also go to MLflow as training runs where `MLFLOW_TRACKING_URI` is set.

    Raises:
        Error: A process failed.
        Interrupted: SIGTERM came; the next start goes on.
    """
    with live("train_lora") as tracker:
        return choose(params).train(Job(inputs, output, params, work, tracker))
