"""Stage train_baseline: the signal CNN that the adapter must match."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twelvelead.params import TrainBaseline
from twelvelead.stages.live import live


def train_baseline(
    inputs: Mapping[str, Path], output: Path, params: TrainBaseline, work: Path
) -> dict[str, Any]:
    """Train every seed on the usable records of folds 1-8.

    Args:
        inputs: "validation" and "records".
        output: Folder to fill with model.safetensors, config.json, metrics.json and the other seeds.
        params: The section.
        work: Where the checkpoint of every epoch lies.

    Returns:
        Fold-9 macro AUC and counts.

    Raises:
        DataError: Folds 1-8 or fold 9 are empty, or no statement can be learned.
    """
    from twelvelead.data.index import read_validated
    from twelvelead.training.baseline import train

    frame, codes = read_validated(inputs["validation"])
    with live("train_baseline") as tracker:
        metrics = train(inputs["records"], frame, codes, params, output, work, tracker)
    return {key: value for key, value in metrics.items() if key != "history"}
