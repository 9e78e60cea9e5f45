"""Train and write one adapter, as one of several processes or alone."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np

from twelvelead.models import lora
from twelvelead.models.mllama import load_base
from twelvelead.params import TrainLora
from twelvelead.training.lora import train
from twelvelead.training.pages import read_training_pages
from twelvelead.training.ranks import Ranks
from twelvelead.training.tracker import FileTracker, Tracker, Trackers

FOLDERS = ("instructions", "pages", "output", "work")
CURVES = "curves.jsonl"


def make_adapter(
    instructions: Path,
    pages: Path,
    output: Path,
    params: TrainLora,
    work: Path,
    tracker: Tracker | None = None,
    ranks: Ranks | None = None,
) -> dict[str, Any]:
    """Write the PEFT adapter, its module list, the base it belongs to, metrics.json and curves.jsonl.

    Args:
        instructions, pages: The artifacts.
        output: Folder to fill; the leading process alone writes.
        params: The train_lora section.
        work: Folder of checkpoints and curves.
        tracker: Takes the figures too, as training goes on.
        ranks: This process among its peers.

    Returns:
        What the stage says of it; {} on processes that do not lead.
    """
    ranks = ranks or Ranks()
    # a base to be spread may be larger than a GPU: each process takes its layers from main memory
    base = load_base(params.base, device="cpu" if params.shard and ranks.world > 1 else None)
    prefix, training = read_training_pages(base, instructions, pages, "train", params.families)
    _, selection = read_training_pages(base, instructions, pages, "validation", params.families)
    labels = np.array([[n in page.present for n in range(len(page.statements))] for page in selection])
    told: list[Tracker] = [FileTracker(work / CURVES)]
    if tracker:
        told.append(tracker)
    trained = train(base, prefix, training, selection, labels, params, work, Trackers(told), ranks)
    if not ranks.leads:
        return {}
    lora.save(trained.model, output, base_path=params.base, base_sha256=base.sha256, weights=trained.weights)
    (output / "metrics.json").write_text(
        json.dumps(trained.metrics, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
    if (work / CURVES).is_file():
        shutil.copyfile(work / CURVES, output / CURVES)
    listing = json.loads((output / "modules.json").read_text(encoding="utf-8"))
    return {
        "fold9_macro_auc": round(trained.metrics["fold9_macro_auc"], 4),
        "pages": len(training),
        "adapted_modules": len(listing["modules"]),
        "trainable_parameters": listing["trainable_parameters"],
    }


def main() -> None:
    """One of the processes that `torchrun` starts; its only argument is the file of its job."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    ranks = Ranks.join()
    instructions, pages, output, work = (Path(job[name]) for name in FOLDERS)
    params = TrainLora.model_validate_json(json.dumps(job["params"]))  # JSON mode: lists for tuples
    summary = make_adapter(instructions, pages, output, params, work, ranks=ranks)
    if ranks.leads:
        Path(job["summary"]).write_text(json.dumps(summary), encoding="utf-8")
    ranks.leave()


if __name__ == "__main__":
    main()
