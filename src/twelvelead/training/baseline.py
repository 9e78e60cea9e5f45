"""Train the signal CNN on folds 1-8, watch it on fold 9, and score records with it.

The recipe is that of the PTB-XL benchmark: 100 Hz, one global mean and deviation, one random crop a record
and epoch; a score is the largest sigmoid over half-overlapping windows. course.py has the rest of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from twelvelead.data.index import SELECT_FOLD, TRAIN_FOLDS, labels
from twelvelead.models.cnn1d import build, cut, predict
from twelvelead.params import TrainBaseline
from twelvelead.training import course
from twelvelead.training.seeds import Trained, read_config, refuse_empty, train_seeds, weights_of
from twelvelead.training.signals import FS_HZ, load_signals, moments, standardise
from twelvelead.training.tracker import Tracker

STAGE_NUMBER = 4  # position of train_baseline in the stage list; keeps its random streams its own


def train(
    records: Path,
    frame: pd.DataFrame,
    codes: Sequence[str],
    params: TrainBaseline,
    output: Path,
    work: Path,
    tracker: Tracker | None = None,
) -> dict[str, Any]:
    """Train every seed and write the models, config.json and metrics.json to `output`.

    Args:
        records: The records folder.
        frame: Usable rows of the validated index; folds 1-8 train, 9 is looked at, 10 is left alone.
        codes: Statements to learn, in output order.
        params: The section.
        output: Folder that exists.
        work: Folder for the checkpoint written after every epoch; one found there is continued exactly.
        tracker: Takes the curves.

    Returns:
        The metrics.

    Raises:
        DataError: No statement, fewer than two training records, or an empty fold 9.
    """
    learned, watched = frame[frame["fold"].isin(TRAIN_FOLDS)], frame[frame["fold"] == SELECT_FOLD]
    refuse_empty("train_baseline", "usable records", len(learned), len(watched), len(codes))
    signals, watched_signals = load_signals(records, learned), load_signals(records, watched)
    mean_mv, std_mv = moments(signals)
    standardise(signals + watched_signals, mean_mv, std_mv)
    crop, truth = max(round(params.crop_s * FS_HZ), 1), labels(watched, codes)
    targets = labels(learned, codes).astype(np.float32)
    config = {
        "architecture": params.architecture, "codes": list(codes), "fs_hz": FS_HZ, "crop": crop,
        "mean": mean_mv, "std": std_mv,
    }  # fmt: skip

    def batches(order: NDArray[np.int64], rng: np.random.Generator) -> Callable[[int, int], Tensor]:
        starts = [int(rng.integers(max(signals[i].shape[1] - crop, 0) + 1)) for i in order]
        return lambda begin, end: torch.from_numpy(
            np.stack(
                [
                    cut(signals[i], start, crop)
                    for i, start in zip(order[begin:end], starts[begin:end], strict=True)
                ]
            )
        )

    def one(seed: int, name: str, checkpoint: Path) -> Trained:
        plan = course.Course(
            name, "train_baseline", STAGE_NUMBER, params.epochs, params.batch, params.lr_max,
            params.weight_decay, seed, "crops",
        )  # fmt: skip
        with course.settled(params.threads, seed):
            model = build(params.architecture, len(codes)).to(course.device())
            watch = partial(predict, model, watched_signals, crop)
            return model, course.run(plan, model, batches, targets, truth, watch, checkpoint, tracker)

    facts = {
        "train_records": len(learned), "fold9_records": len(watched), "statements": len(codes),
    }  # fmt: skip
    return train_seeds("cnn", params.seed, params.seeds, one, config, facts, output, work)


def score_records(
    baseline: Path, records: Path, frame: pd.DataFrame, threads: int = 0, *, seed: int | None = None
) -> pd.DataFrame:
    """Probabilities of every statement the CNN knows, one row a record and statement.

    Args:
        baseline: Folder that `train` wrote.
        records: The records folder.
        frame: Index rows to score.
        threads: Torch threads; 0 = all cores.
        seed: Score with this seed's weights; None for the standing one.

    Returns:
        Columns record_id, patient_id, fold, code, probability (float32), in the order of frame and codes.

    Raises:
        SetupError: The folder holds no model, or none of that seed.
    """
    config = read_config(baseline)
    codes, weights = config["codes"], weights_of(baseline, config["seed"] if seed is None else seed)
    signals = load_signals(records, frame)
    standardise(signals, config["mean"], config["std"])
    rows = frame[["record_id", "patient_id", "fold"]].iloc[np.repeat(np.arange(len(frame)), len(codes))]
    rows = rows.reset_index(drop=True).assign(code=list(codes) * len(frame))
    with course.settled(threads, 0):
        model = build(config["architecture"], len(codes)).to(course.device())
        model.load_state_dict(load_file(weights))
        found = predict(model, signals, config["crop"]) if signals else np.empty((0, len(codes)), np.float32)
    return rows.assign(probability=found.ravel())
