"""One course of training a classifier: AdamW, one cycle, BCE, a checkpoint and a line every epoch.

The recipe is that of the PTB-XL benchmark (Strodthoff et al. 2021): unweighted BCE, Smith's one cycle with
fastai's constants, decoupled weight decay, no early stop. Every epoch seeds its own random streams, so a
checkpoint needs no generator state and a course that was killed goes on to the very same weights.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from twelvelead.errors import Error
from twelvelead.evaluation.metrics import aucs, macro
from twelvelead.progress import say
from twelvelead.training.tracker import NullTracker, Tracker

EPOCHS_BETWEEN_LOOKS = 5


@dataclass(frozen=True, slots=True)
class Course:
    """What a course is told.

    Attributes:
        name: What its lines begin with.
        section: The params section its messages name.
        stream: First number of its random streams' spawn key.
        epochs, batch, lr_max, weight_decay, seed: Of the section.
        unit: What it counts per second.
    """

    name: str
    section: str
    stream: int
    epochs: int
    batch: int
    lr_max: float
    weight_decay: float
    seed: int
    unit: str


def run(
    course: Course,
    model: nn.Module,
    batches: Callable[[NDArray[np.int64], np.random.Generator], Callable[[int, int], Tensor]],
    targets: NDArray[np.float32],
    truth: NDArray[np.uint8],
    predict: Callable[[], NDArray[np.float32]],
    checkpoint: Path,
    tracker: Tracker | None = None,
) -> list[dict[str, Any]]:
    """Train a model in place.

    Args:
        course: The settings.
        model: On the device it is to be trained on.
        batches: Given an epoch's order of items and its generator, a function that makes the batch of the
            places begin to end in that order.
        targets: (items, outputs) of 0 and 1.
        truth: Labels of the watched items.
        predict: The model's probabilities of the watched items.
        checkpoint: Written after every epoch; one found there is continued exactly.
        tracker: Takes the loss of every epoch and the AUC of every look.

    Returns:
        One entry an epoch: epoch, loss, macro_auc (None where it was not looked at).

    Raises:
        Error: The loss is no longer a number.
    """
    device, tracker = next(model.parameters()).device, tracker or NullTracker()
    optimizer = torch.optim.AdamW(model.parameters(), lr=course.lr_max, weight_decay=course.weight_decay)
    bounds = _batch_bounds(len(targets), course.batch)
    steps = course.epochs * len(bounds)
    history: list[dict[str, Any]] = []
    if checkpoint.is_file():
        state = torch.load(checkpoint, weights_only=True, map_location=device)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        history = state["history"]
        say(f"{course.name}: continues after epoch {len(history)}")
    begun, first = time.monotonic(), len(history)
    for epoch in range(first, course.epochs):
        rng = np.random.Generator(
            np.random.PCG64(np.random.SeedSequence(course.seed, spawn_key=(course.stream, epoch)))
        )
        torch.manual_seed(int(rng.integers(2**62)))
        order = rng.permutation(len(targets))
        batch = batches(order, rng)
        model.train()
        total = 0.0
        for number, (begin, end) in enumerate(bounds):
            lr, moment = one_cycle(epoch * len(bounds) + number, steps, course.lr_max)
            for group in optimizer.param_groups:
                group["lr"], group["betas"] = lr, (moment, 0.999)
            wanted = torch.from_numpy(targets[order[begin:end]]).to(device)
            loss = nn.functional.binary_cross_entropy_with_logits(
                model(batch(begin, end).to(device)).float(), wanted
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * (end - begin)
        if not math.isfinite(total):
            raise Error(
                "the loss is no longer a number",
                where=f"{course.name} epoch {epoch + 1}",
                fix=f"lower {course.section}.lr_max",
            )
        look = (epoch + 1) % EPOCHS_BETWEEN_LOOKS == 0 or epoch + 1 == course.epochs
        auc = macro(aucs(truth, predict())) if look else math.nan
        loss_mean = total / len(targets)
        history.append({"epoch": epoch + 1, "loss": loss_mean, "macro_auc": None if math.isnan(auc) else auc})
        _save(
            {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "history": history}, checkpoint
        )
        figures = {f"{course.name}.loss": loss_mean} | (
            {f"{course.name}.macro_auc": auc} if auc == auc else {}
        )
        tracker.log(figures, step=epoch + 1)
        seconds = (time.monotonic() - begun) / (epoch + 1 - first)
        say(
            f"{course.name}: epoch {epoch + 1}/{course.epochs} · loss {loss_mean:.4f}"
            + (f" · fold-9 macro AUC {auc:.4f}" if look else "")
            + f" · {len(targets) / seconds:.0f} {course.unit}/s"
            + f" · {(course.epochs - epoch - 1) * seconds:.0f} s left"
        )
    return history


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


def device() -> torch.device:
    """A GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@contextmanager
def settled(threads: int, seed: int) -> Iterator[None]:
    """Threads, seed and deterministic kernels for one stage; whatever the process had before comes back."""
    before, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # torch asks for it on a GPU
    with torch.random.fork_rng(devices=[]):
        torch.set_num_threads(threads or os.cpu_count() or 1)
        torch.use_deterministic_algorithms(True)
        torch.manual_seed(seed)
        try:
            yield
        finally:
            torch.set_num_threads(before)
            torch.use_deterministic_algorithms(strict)


def _batch_bounds(n: int, batch: int) -> list[tuple[int, int]]:
    """Cut n into batches; a last one of a single item joins its neighbour, as batch norm needs two."""
    edges = list(range(0, n, batch))
    if len(edges) > 1 and n - edges[-1] == 1:
        edges.pop()
    return list(zip(edges, [*edges[1:], n], strict=True))


def _save(state: dict[str, Any], checkpoint: Path) -> None:
    """Write beside and rename, so that a kill leaves the old checkpoint or the new one."""
    beside = checkpoint.with_suffix(".tmp")
    torch.save(state, beside)
    beside.replace(checkpoint)
