"""Stage train_page_baseline: a CNN on the very pages that the language model reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twelvelead.params import TrainPageBaseline
from twelvelead.stages.live import live


def train_page_baseline(
    inputs: Mapping[str, Path], output: Path, params: TrainPageBaseline, work: Path
) -> dict[str, Any]:
    """Train on the pages of usable records of folds 1-8.

    Args:
        inputs: "validation" and "pages".
        output: Folder to fill with model.safetensors, config.json and metrics.json.
        params: The section.
        work: Where the checkpoint of every epoch lies.

    Returns:
        Fold-9 macro AUC and counts.

    Raises:
        DataError: Folds 1-8 or fold 9 are empty, or no statement can be learned.
    """
    from twelvelead.data.index import read_validated
    from twelvelead.training.page_baseline import train

    frame, codes = read_validated(inputs["validation"])
    with live("train_page_baseline") as tracker:
        metrics = train(inputs["pages"], frame, codes, params, output, work, tracker)
    return {key: value for key, value in metrics.items() if key not in ("history", "seeds")}
