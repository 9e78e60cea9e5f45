"""Train the signal CNN on folds 1-8, watch it on fold 9, and score records with it.

The recipe is that of the PTB-XL benchmark: 100 Hz, one global mean and deviation, one random crop a record
and epoch, unweighted BCE, AdamW, one cycle; a score is the largest sigmoid over half-overlapping windows.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import nn

from twelvelead.data.index import SELECT_FOLD, TRAIN_FOLDS, labels
from twelvelead.errors import DataError, Error, SetupError
from twelvelead.evaluation.metrics import aucs, macro
from twelvelead.models.cnn1d import XResNet1d, cut, predict
from twelvelead.params import TrainBaseline
from twelvelead.progress import say
from twelvelead.training.signals import FS_HZ, Signal, load_signals, moments, standardise

STAGE_NUMBER = 4  # position of train_baseline in the stage list; keeps its random streams its own
EPOCHS_BETWEEN_LOOKS = 5
CHECKPOINT = "checkpoint.pt"


def train(
    records: Path, frame: pd.DataFrame, codes: Sequence[str], params: TrainBaseline, output: Path, work: Path
) -> dict[str, Any]:
    """Train and write model.safetensors, config.json and metrics.json to `output`.

    Args:
        records: The records folder.
        frame: Usable rows of the validated index; folds 1-8 train, 9 is looked at, 10 is left alone.
        codes: Statements to learn, in output order.
        params: The section.
        output: Folder that exists.
        work: Folder for the checkpoint written after every epoch; one found there is continued exactly.

    Returns:
        The metrics.

    Raises:
        DataError: No statement, fewer than two training records, or an empty fold 9.
    """
    learned, watched = frame[frame["fold"].isin(TRAIN_FOLDS)], frame[frame["fold"] == SELECT_FOLD]
    if not len(codes) or len(learned) < 2 or not len(watched):
        raise DataError(
            f"{len(learned)} usable records in folds 1-8, {len(watched)} in fold 9, {len(codes)} statements",
            where="train_baseline",
            expected="at least 2 training records, 1 in fold 9 and 1 statement",
            fix="ingest more records, or lower validate.min_train_positives",
        )
    signals, watched_signals = load_signals(records, learned), load_signals(records, watched)
    mean_mv, std_mv = moments(signals)
    standardise(signals + watched_signals, mean_mv, std_mv)
    crop = max(round(params.crop_s * FS_HZ), 1)
    config = {
        "architecture": f"xresnet1d{params.depth}",
        "depth": params.depth,
        "codes": list(codes),
        "fs_hz": FS_HZ,
        "crop": crop,
        "mean": mean_mv,
        "std": std_mv,
    }
    with _torch(params.threads, params.seed):
        model = XResNet1d(params.depth, len(codes))
        history = _fit(
            model,
            (signals, labels(learned, codes).astype(np.float32)),
            (watched_signals, labels(watched, codes)),
            crop,
            params,
            work / CHECKPOINT,
        )
    metrics = {
        "macro_auc": history[-1]["macro_auc"],
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "train_records": len(learned),
        "fold9_records": len(watched),
        "statements": len(codes),
        "history": history,
    }
    save_file(model.state_dict(), output / "model.safetensors")
    for name, tree in (("config", config), ("metrics", metrics)):
        (output / f"{name}.json").write_text(json.dumps(tree, indent=1) + "\n", encoding="utf-8")
    return metrics


def score_records(baseline: Path, records: Path, frame: pd.DataFrame, threads: int = 0) -> pd.DataFrame:
    """Probabilities of every statement the CNN knows, one row a record and statement.

    Args:
        baseline: Folder that `train` wrote.
        records: The records folder.
        frame: Index rows to score.
        threads: Torch threads; 0 = all cores.

    Returns:
        Columns record_id, patient_id, fold, code, probability (float32), in the order of frame and codes.

    Raises:
        SetupError: The folder holds no model.
    """
    if not (baseline / "model.safetensors").is_file():
        raise SetupError(
            "holds no CNN",
            where=str(baseline),
            expected="model.safetensors and config.json",
            fix="run train-baseline",
        )
    config = json.loads((baseline / "config.json").read_text(encoding="utf-8"))
    codes = config["codes"]
    signals = load_signals(records, frame)
    standardise(signals, config["mean"], config["std"])
    with _torch(threads, 0):
        model = XResNet1d(config["depth"], len(codes))
        model.load_state_dict(load_file(baseline / "model.safetensors"))
        found = predict(model, signals, config["crop"]) if signals else np.empty((0, len(codes)), np.float32)
    rows = frame[["record_id", "patient_id", "fold"]].iloc[np.repeat(np.arange(len(frame)), len(codes))]
    return rows.reset_index(drop=True).assign(code=list(codes) * len(frame), probability=found.ravel())


def one_cycle(step: int, steps: int, lr_max: float) -> tuple[float, float]:
    """Learning rate and first Adam moment at a step: Smith's one cycle with fastai's constants and cosines.

    The rate climbs from lr_max/25 for 30 % of the steps, then falls to lr_max/250,000; the moment mirrors it
    between .95 and .85.
    """
    peak = 0.3 * steps
    if step < peak:
        share = (1 - math.cos(math.pi * step / peak)) / 2
        low = lr_max / 25
    else:
        share = (1 + math.cos(math.pi * (step - peak) / max(steps - peak, 1))) / 2
        low = lr_max / 250_000
    return low + (lr_max - low) * share, 0.95 - 0.1 * share


def _fit(
    model: XResNet1d,
    learned: tuple[list[Signal], NDArray[np.float32]],
    watched: tuple[list[Signal], NDArray[np.uint8]],
    crop: int,
    params: TrainBaseline,
    checkpoint: Path,
) -> list[dict[str, Any]]:
    """Run the epochs. Every epoch seeds its own random streams, so a checkpoint needs no generator state."""
    signals, targets = learned
    optimizer = torch.optim.AdamW(model.parameters(), lr=params.lr_max, weight_decay=params.weight_decay)
    bounds = _batch_bounds(len(signals), params.batch)
    steps = params.epochs * len(bounds)
    history: list[dict[str, Any]] = []
    if checkpoint.is_file():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        history = state["history"]
        say(f"cnn: continues after epoch {len(history)}")
    begun, first = time.monotonic(), len(history)
    for epoch in range(first, params.epochs):
        rng = np.random.Generator(
            np.random.PCG64(np.random.SeedSequence(params.seed, spawn_key=(STAGE_NUMBER, epoch)))
        )
        torch.manual_seed(int(rng.integers(2**62)))
        order = rng.permutation(len(signals))
        starts = [int(rng.integers(max(signals[i].shape[1] - crop, 0) + 1)) for i in order]
        model.train()
        total = 0.0
        for batch, (begin, end) in enumerate(bounds):
            lr, moment = one_cycle(epoch * len(bounds) + batch, steps, params.lr_max)
            for group in optimizer.param_groups:
                group["lr"], group["betas"] = lr, (moment, 0.999)
            crops = np.stack(
                [
                    cut(signals[i], start, crop)
                    for i, start in zip(order[begin:end], starts[begin:end], strict=True)
                ]
            )
            truth = torch.from_numpy(targets[order[begin:end]])
            loss = nn.functional.binary_cross_entropy_with_logits(model(torch.from_numpy(crops)), truth)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * (end - begin)
        if not math.isfinite(total):
            raise Error(
                "the loss is no longer a number",
                where=f"cnn epoch {epoch + 1}",
                fix="lower train_baseline.lr_max",
            )
        look = (epoch + 1) % EPOCHS_BETWEEN_LOOKS == 0 or epoch + 1 == params.epochs
        auc = macro(aucs(watched[1], predict(model, watched[0], crop))) if look else math.nan
        history.append(
            {"epoch": epoch + 1, "loss": total / len(signals), "macro_auc": None if math.isnan(auc) else auc}
        )
        _save(
            {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "history": history}, checkpoint
        )
        seconds = (time.monotonic() - begun) / (epoch + 1 - first)
        say(
            f"cnn: epoch {epoch + 1}/{params.epochs} · loss {total / len(signals):.4f}"
            + (f" · fold-9 macro AUC {auc:.4f}" if look else "")
            + f" · {len(signals) / seconds:.0f} crops/s · {(params.epochs - epoch - 1) * seconds:.0f} s left"
        )
    return history


def _batch_bounds(n: int, batch: int) -> list[tuple[int, int]]:
    """Cut n into batches; a last one of a single record joins its neighbour, as batch norm needs two."""
    edges = list(range(0, n, batch))
    if len(edges) > 1 and n - edges[-1] == 1:
        edges.pop()
    return list(zip(edges, [*edges[1:], n], strict=True))


def _save(state: dict[str, Any], checkpoint: Path) -> None:
    """Write beside and rename, so that a kill leaves the old checkpoint or the new one."""
    beside = checkpoint.with_suffix(".tmp")
    torch.save(state, beside)
    beside.replace(checkpoint)


@contextmanager
def _torch(threads: int, seed: int) -> Iterator[None]:
    """Threads, seed and deterministic kernels for one stage; whatever the process had before comes back."""
    before, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[]):
        torch.set_num_threads(threads or os.cpu_count() or 1)
        torch.use_deterministic_algorithms(True)
        torch.manual_seed(seed)
        try:
            yield
        finally:
            torch.set_num_threads(before)
            torch.use_deterministic_algorithms(strict)
