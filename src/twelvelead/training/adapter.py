"""Train and write one adapter, as one of several processes or alone."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np

from twelvelead.data.digest import model_sha256
from twelvelead.errors import Error, Interrupted, SetupError
from twelvelead.models import lora
from twelvelead.models.mllama import load_base
from twelvelead.params import TrainLora
from twelvelead.progress import say
from twelvelead.training.job import CURVES, FAULT, STATUS, SUMMARY, put
from twelvelead.training.lora import train
from twelvelead.training.pages import read_training_pages
from twelvelead.training.ranks import Ranks
from twelvelead.training.sampler import steps_per_epoch
from twelvelead.training.status import StatusTracker
from twelvelead.training.tracker import FileTracker, Tracker, Trackers

FOLDERS = ("instructions", "pages", "output", "work")


def make_adapter(
    instructions: Path,
    pages: Path,
    output: Path,
    params: TrainLora,
    work: Path,
    tracker: Tracker | None = None,
    ranks: Ranks | None = None,
    base_folder: Path | None = None,
) -> dict[str, Any]:
    """Write the PEFT adapter, its module list, the base it belongs to, metrics.json and curves.jsonl.

    Args:
        instructions, pages: The artifacts.
        output: Folder to fill; the leading process alone writes.
        params: The train_lora section.
        work: Folder of checkpoints and curves.
        tracker: Takes the figures too, as training goes on.
        ranks: This process among its peers.
        base_folder: Where the base lies here, if not at `params.base`; the adapter names that all the same.

    Returns:
        What the stage says of it; {} on processes that do not lead.
    """
    ranks = ranks or Ranks()
    # a base to be spread may be larger than a GPU: each process takes its layers from main memory
    base = load_base(
        str(base_folder or params.base), device="cpu" if params.shard and ranks.world > 1 else None
    )
    prefix, training = read_training_pages(base, instructions, pages, "train", params.families)
    _, selection = read_training_pages(base, instructions, pages, "validation", params.families)
    labels = np.array([[n in page.present for n in range(len(page.statements))] for page in selection])
    total = steps_per_epoch(len(training), params.pages_per_step) * params.epochs
    told: list[Tracker] = [FileTracker(work / CURVES), StatusTracker(work / STATUS, total)]
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
    file = Path(sys.argv[1])
    try:
        _work(file)
    except Error as fault:
        say(f"twelvelead: {type(fault).__name__}: {fault}")
        if file.is_file() and not isinstance(fault, Interrupted):
            left = json.dumps({"exit_code": fault.exit_code, "message": str(fault)})
            put(file.with_name(FAULT), left)
        # Threads of a broken process group may wait for peers for half an hour.
        sys.stderr.flush()
        os._exit(fault.exit_code)


def _work(file: Path) -> None:
    """Do the job; its paths count from the file's folder, which nodes may see at another place."""
    if not file.is_file():
        raise SetupError(
            "the file of the job is not here",
            where=str(file),
            expected="the volume on which the launching step wrote it",
            fix="mount the same volume in both, at TWELVELEAD_WORK and in the training runtime",
        )
    job = json.loads(file.read_text(encoding="utf-8"))
    ranks = Ranks.join()
    instructions, pages, output, work = (file.parent / job[name] for name in FOLDERS)
    params = TrainLora.model_validate_json(json.dumps(job["params"]))  # JSON mode: lists for tuples
    base = file.parent / job["base"] if job.get("base") else None
    if ranks.leads:  # what an earlier attempt left half written is no part of this one
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir(parents=True)
    summary = make_adapter(instructions, pages, output, params, work, ranks=ranks, base_folder=base)
    if ranks.leads:  # last of all: whoever finds it finds all that it speaks of
        put(file.with_name(SUMMARY), json.dumps({"summary": summary, "sha256": model_sha256(output)}))
    ranks.leave()


if __name__ == "__main__":
    main()
