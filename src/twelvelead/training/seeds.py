"""A baseline is trained from several seeds, and the one in the middle by fold 9 stands for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import nn

from twelvelead.errors import DataError, SetupError
from twelvelead.progress import say

WEIGHTS, CONFIG, METRICS = "model.safetensors", "config.json", "metrics.json"
Trained = tuple[nn.Module, list[dict[str, Any]]]


def middle(scores: Sequence[float | None]) -> int:
    """Which of the seeds is the median; of an even number the better of the middle two, never the weaker.

    A seed without a score (fold 9 lacks a class) counts as the lowest.
    """
    order = sorted(range(len(scores)), key=lambda i: (scores[i] is not None, scores[i] or 0.0, i))
    return order[len(order) // 2]


def train_seeds(
    name: str,
    first: int,
    count: int,
    one: Callable[[int, str, Path], Trained],
    config: Mapping[str, Any],
    facts: Mapping[str, Any],
    output: Path,
    work: Path,
) -> dict[str, Any]:
    """Train every seed and write them all; the median seed's weights lie at the top.

    Args:
        name: What the lines begin with.
        first: The first seed; the others follow it.
        count: How many.
        one: Trains one seed, given the seed, the name of its course and its checkpoint.
        config: What is needed to use any of them, for config.json.
        facts: What metrics.json tells besides the scores.
        output: Folder to fill: model.safetensors, config.json, metrics.json, and seeds/<seed>.safetensors of
            the others.
        work: Where checkpoints lie.

    Returns:
        The metrics.
    """
    seeds = [first + number for number in range(count)]
    trained = [
        one(seed, name if count == 1 else f"{name}.seed{seed}", work / f"checkpoint-{seed}.pt")
        for seed in seeds
    ]
    scores = [history[-1]["macro_auc"] for _, history in trained]
    chosen = middle(scores)
    for number, (seed, (model, _)) in enumerate(zip(seeds, trained, strict=True)):
        weights = {key: value.cpu().contiguous() for key, value in model.state_dict().items()}
        if number == chosen:
            save_file(weights, output / WEIGHTS)
        else:
            (output / "seeds").mkdir(exist_ok=True)
            save_file(weights, output / "seeds" / f"{seed}.safetensors")
    if count > 1:
        told = ", ".join("–" if score is None else f"{score:.4f}" for score in scores)
        say(f"{name}: fold-9 macro AUC of seeds {seeds[0]} to {seeds[-1]}: {told}; {seeds[chosen]} stands")
    metrics = {
        "macro_auc": scores[chosen],
        "seed": seeds[chosen],
        "seeds": {str(seed): score for seed, score in zip(seeds, scores, strict=True)},
        "parameters": sum(weight.numel() for weight in trained[chosen][0].parameters()),
        **facts,
        "history": trained[chosen][1],
    }
    config = {**config, "seed": seeds[chosen], "seeds": seeds}
    for file, tree in ((CONFIG, config), (METRICS, metrics)):
        (output / file).write_text(json.dumps(tree, indent=1) + "\n", encoding="utf-8")
    return metrics


def read_config(baseline: Path) -> dict[str, Any]:
    """config.json of a baseline's folder.

    Raises:
        SetupError: There is none, or it is of a version that knew one seed only.
    """
    file = baseline / CONFIG
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    if not {"architecture", "seed", "seeds"} <= set(found) or not (baseline / WEIGHTS).is_file():
        raise SetupError(
            "holds no baseline of this version",
            where=str(baseline),
            expected=f"{WEIGHTS}, and {CONFIG} with its architecture and seeds",
            fix="run train-baseline and train-page-baseline",
        )
    return found


def weights_of(baseline: Path, seed: int) -> Path:
    """The file of one seed's weights in a baseline's folder.

    Raises:
        SetupError: It has no such seed.
    """
    config = read_config(baseline)
    if seed not in config["seeds"]:
        raise SetupError(
            f"has no seed {seed}", where=str(baseline), expected=", ".join(map(str, config["seeds"]))
        )
    return baseline / WEIGHTS if seed == config["seed"] else baseline / "seeds" / f"{seed}.safetensors"


def refuse_empty(section: str, what: str, learned: int, watched: int, statements: int) -> None:
    """Refuse to train on nothing.

    Raises:
        DataError: No statement, fewer than two items to learn from, or none in fold 9.
    """
    if not statements or learned < 2 or not watched:
        raise DataError(
            f"{learned} {what} in folds 1-8, {watched} in fold 9, {statements} statements",
            where=section,
            expected="at least 2 to learn from, 1 in fold 9 and 1 statement",
            fix="ingest more records, or lower validate.min_train_positives",
        )
