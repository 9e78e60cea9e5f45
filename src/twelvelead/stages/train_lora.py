"""Stage train_lora: an adapter on the base, its epoch chosen on fold 9."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twelvelead.params import TrainLora


def train_lora(inputs: Mapping[str, Path], output: Path, params: TrainLora, work: Path) -> dict[str, Any]:
    """Write the PEFT adapter, its module list, the base it belongs to, and metrics.json."""
    import numpy as np

    from twelvelead.models import lora
    from twelvelead.models.mllama import load_base
    from twelvelead.training.lora import train
    from twelvelead.training.pages import read_training_pages
    from twelvelead.training.tracker import NullTracker

    base = load_base(params.base)
    prefix, training = read_training_pages(base, inputs["instructions"], inputs["pages"], "train")
    _, selection = read_training_pages(base, inputs["instructions"], inputs["pages"], "validation")
    yes, _ = base.verbalisers
    labels = np.array([[question.answer[0] == yes for question in page.statements] for page in selection])
    trained = train(base, prefix, training, selection, labels, params, work, NullTracker())
    lora.save(trained.model, output, base_path=params.base, base_sha256=base.sha256)
    (output / "metrics.json").write_text(
        json.dumps(trained.metrics, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
    listing = json.loads((output / "modules.json").read_text(encoding="utf-8"))
    return {
        "fold9_macro_auc": round(trained.metrics["fold9_macro_auc"], 4),
        "pages": len(training),
        "adapted_modules": len(listing["modules"]),
        "trainable_parameters": listing["trainable_parameters"],
    }
