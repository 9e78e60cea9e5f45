"""Train the page CNN on the pages of folds 1-8, watch it on fold 9, and score pages with it.

The same pages, folds, statements and course as the others; a page is moved by a few pixels each epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
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
from twelvelead.data.shard import read_pages
from twelvelead.errors import DataError
from twelvelead.models.cnn2d import Ink, PageNet, ink_of, predict, tensor
from twelvelead.params import TrainPageBaseline
from twelvelead.progress import track
from twelvelead.training import course
from twelvelead.training.seeds import WEIGHTS, Trained, read_config, refuse_empty, train_seeds
from twelvelead.training.tracker import Tracker

STREAM = 14  # of its random numbers; the signal CNN's is 4
SHIFT_SHARE = 0.02  # of a side; a printed page is never cut quite the same


def train(
    pages: Path,
    frame: pd.DataFrame,
    codes: Sequence[str],
    params: TrainPageBaseline,
    output: Path,
    work: Path,
    tracker: Tracker | None = None,
) -> dict[str, Any]:
    """Train and write model.safetensors, config.json and metrics.json to `output`.

    Args:
        pages: The pages artifact.
        frame: Usable rows of the validated index; folds 1-8 train, 9 is looked at, 10 is left alone.
        codes: Statements to learn, in output order.
        params: The section.
        output: Folder that exists.
        work: Folder for the checkpoint written after every epoch; one found there is continued exactly.
        tracker: Takes the curves.

    Returns:
        The metrics.

    Raises:
        DataError: No statement, fewer than two training pages, no page in fold 9, or a page is
            no picture.
    """
    size = params.height_px, params.width_px
    learned = _load(pages, frame[frame["fold"].isin(TRAIN_FOLDS)], TRAIN_FOLDS, size)
    watched = _load(pages, frame[frame["fold"] == SELECT_FOLD], (SELECT_FOLD,), size)
    refuse_empty("train_page_baseline", "pages", len(learned[1]), len(watched[1]), len(codes))
    inks = learned[1]
    targets = labels(learned[0], codes).astype(np.float32)
    reach = [max(round(SHIFT_SHARE * side), 1) for side in size]

    def batches(order: NDArray[np.int64], rng: np.random.Generator) -> Callable[[int, int], Tensor]:
        moves = np.stack([rng.integers(-most, most + 1, len(order)) for most in reach], axis=1)

        def batch(begin: int, end: int) -> Tensor:
            moved = [
                shifted(inks[i], *move) for i, move in zip(order[begin:end], moves[begin:end], strict=True)
            ]
            return tensor(moved).contiguous(memory_format=torch.channels_last)

        return batch

    def one(seed: int, name: str, checkpoint: Path) -> Trained:
        plan = course.Course(
            name, "train_page_baseline", STREAM, params.epochs, params.batch, params.lr_max,
            params.weight_decay, seed, "pages",
        )  # fmt: skip
        with course.settled(params.threads, seed):
            model = PageNet(len(codes), *size).to(course.device())
            watch = partial(predict, model, watched[1])
            truth = labels(watched[0], codes)
            return model, course.run(plan, model, batches, targets, truth, watch, checkpoint, tracker)

    config = {
        "architecture": "pagenet", "codes": list(codes), "height_px": size[0], "width_px": size[1],
    }  # fmt: skip
    facts = {"train_pages": len(inks), "fold9_pages": len(watched[1]), "statements": len(codes)}
    return train_seeds("page-cnn", params.seed, 1, one, config, facts, output, work)


def score_pages(baseline: Path, pages: Path, folds: Collection[int], threads: int = 0) -> pd.DataFrame:
    """Probabilities of every statement the page CNN knows, one row a page and statement.

    Args:
        baseline: Folder that `train` wrote.
        pages: The pages artifact.
        folds: Which folds.
        threads: Torch threads; 0 = all cores.

    Returns:
        Columns record_id, patient_id, fold, code, probability (float32).

    Raises:
        SetupError: The folder holds no model.
        DataError: A page is no picture.
    """
    config = read_config(baseline)
    codes, size = config["codes"], (config["height_px"], config["width_px"])
    rows, inks = _load(pages, None, folds, size)
    with course.settled(threads, 0):
        model = PageNet(len(codes), *size).to(course.device())
        model.load_state_dict(load_file(baseline / WEIGHTS))
        found = predict(model, inks) if inks else np.empty((0, len(codes)), np.float32)
    table = rows.iloc[np.repeat(np.arange(len(rows)), len(codes))].reset_index(drop=True)
    return table.assign(code=list(codes) * len(rows), probability=found.ravel())


def shifted(ink: Ink, down_px: int, right_px: int) -> Ink:
    """The page moved on paper that goes on at its edges."""
    height, width = ink.shape
    moved = np.zeros_like(ink)
    rows = slice(max(down_px, 0), height + min(down_px, 0)), slice(max(-down_px, 0), height - max(down_px, 0))
    cols = (
        slice(max(right_px, 0), width + min(right_px, 0)),
        slice(max(-right_px, 0), width - max(right_px, 0)),
    )
    moved[rows[0], cols[0]] = ink[rows[1], cols[1]]
    return moved


def _load(
    pages: Path, frame: pd.DataFrame | None, folds: Collection[int], size: tuple[int, int]
) -> tuple[pd.DataFrame, list[Ink]]:
    """Rows and pictures in the order of the pages; with a frame only its records, and its own columns."""
    known = None if frame is None else {record: row for row, record in enumerate(frame["record_id"])}
    places, rows, inks = [], [], []
    columns = ["record_id", "patient_id", "fold", "image"]
    manifest = pd.read_parquet(pages / "manifest.parquet", columns=["fold"])["fold"]
    total = int(manifest.isin(list(folds)).sum())
    stored = read_pages(pages, folds=folds, columns=columns)
    for page in track(stored, total=total, title="pages", unit="pages"):
        if known is not None and page["record_id"] not in known:
            continue
        try:
            inks.append(ink_of(page["image"]["bytes"], *size))
        except OSError as fault:
            raise DataError(f"a page is no picture: {fault}", where=page["record_id"]) from None
        if known is not None:
            places.append(known[page["record_id"]])
        rows.append({name: page[name] for name in columns[:3]})
    table = pd.DataFrame(rows, columns=columns[:3]) if frame is None else frame.iloc[places]
    return table.reset_index(drop=True), inks
