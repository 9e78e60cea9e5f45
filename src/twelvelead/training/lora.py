"""LoRA training on packed pages: every question of a page behind one picture, one answer one vote.

The loop knows nothing of MLflow or KFP; it reports through a tracker. Killed at any step, or asked to stop,
it goes on from its last checkpoint to the same weights (CPU, one thread count). Several processes share a
step's pages and come to the weights of one process, up to the order of sums.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from twelvelead.errors import DataError, Error, Interrupted
from twelvelead.models import checkpoint, lora
from twelvelead.models.mllama import Base
from twelvelead.params import TrainLora
from twelvelead.progress import say
from twelvelead.training import sharding
from twelvelead.training.forecast import peak_flops
from twelvelead.training.job import CHECKPOINT
from twelvelead.training.meter import Meter
from twelvelead.training.pages import Page
from twelvelead.training.ranks import Ranks
from twelvelead.training.sampler import steps_per_epoch, stream
from twelvelead.training.selection import GATE_PAGES, fold_auc, same_answers, scores
from twelvelead.training.states import VisionStates
from twelvelead.training.step import Step
from twelvelead.training.stopping import Stop
from twelvelead.training.tracker import Tracker

ALONE = Ranks()


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training leaves behind.

    Attributes:
        model: The wrapped model with its best adapter in place.
        weights: The best adapter's weights, whole, by name.
        metrics: The story.
    """

    model: Any
    weights: dict[str, Tensor]
    metrics: dict[str, Any]


@dataclass(slots=True)
class _State:
    step: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best: float = -1.0
    best_weights: dict[str, Tensor] | None = None

    def done(self, total: int, patience: int) -> bool:
        """Whether all steps are done, or fold 9 did not get better for `patience` epochs."""
        scores = [entry["fold9_macro_auc"] for entry in self.history]
        waited = len(scores) - 1 - int(np.argmax(scores)) if scores else 0
        return self.step >= total or bool(patience and waited >= patience)


def train(
    base: Base,
    prefix: Sequence[int],
    training: Sequence[Page],
    selection: Sequence[Page],
    labels: np.ndarray[Any, Any],
    params: TrainLora,
    work: Path,
    tracker: Tracker,
    ranks: Ranks = ALONE,
) -> Trained:
    """Train an adapter; the epoch with the best macro AUC on fold 9 is kept.

    Args:
        base: The frozen base.
        prefix: Token ids up to the image token.
        training: Pages of folds 1–8.
        selection: Pages of fold 9, which choose the epoch.
        labels: (pages of fold 9, statements) 0/1 in the order of each page's statement questions.
        params: The train_lora section.
        work: Where checkpoints go and are looked for.
        tracker: Takes the metrics of steps and epochs.
        ranks: This process among its peers.

    Raises:
        DataError: There is nothing to train on, or the loss is no number.
        SetupError: It would not fit into memory.
        Interrupted: SIGTERM came; a checkpoint was written.
    """
    if not training or not selection:
        raise DataError("nothing to train on or to choose by", expected="pages in folds 1–8 and in fold 9")
    torch.set_num_threads(params.threads or max((os.cpu_count() or 1) // ranks.neighbours, 1))
    torch.manual_seed(params.seed)
    before = lora.frozen_sha256(base.model)
    model = lora.attach(base.model, params)
    if params.shard and ranks.world > 1:
        sharding.shard(model, vision=params.vision, projector=params.projector)
    adapted = Base(model, base.tokenizer, base.image_processor, base.path, base.sha256)
    states, pick_states = _states(adapted, prefix, training, selection, labels, params, ranks)
    step = Step(adapted, prefix, states, params, ranks)
    per_epoch = steps_per_epoch(len(training), params.pages_per_step)
    total = per_epoch * params.epochs
    state = _resume(work / CHECKPOINT, model, step)
    _agree(ranks.gather([state.step]))
    model.train()
    need, tokens = step.forecast()
    if ranks.leads:
        trainable = sum(weight.numel() for weight in step.weights)
        say(
            f"lora: {len(training)} pages, {total} steps, {trainable / 1e3:.0f} k trainable parameters, "
            f"from step {state.step}" + f", {ranks.world} processes" * (ranks.world > 1)
        )
        say(need.line(tokens * (total - state.step)))
    peak = peak_flops() * ranks.world
    meter = Meter(total, state.step, need.flops_a_token, peak, tracker if ranks.leads else None)
    with Stop() as stop, step.feed(state.step, total) as feed:
        while not state.done(total, params.patience):
            lr = params.lr * schedule(state.step, total, params.warmup_share)
            step.take(state.step, lr, feed, meter)
            state.step += 1
            if state.step % per_epoch == 0:
                model.eval()
                auc = fold_auc(adapted, prefix, pick_states, labels, ranks)
                model.train()
                at_random = stream(params.seed, state.step, params.pages_per_step)
                states.verify(int(at_random.integers(len(training))))
                loss = meter.mean_loss()
                epoch = state.step // per_epoch
                state.history.append(
                    {"epoch": epoch, "step": state.step, "loss": loss, "fold9_macro_auc": auc}
                )
                if auc > state.best or state.best_weights is None:
                    state.best, state.best_weights = auc, _adapter_weights(model)
                if ranks.leads:
                    tracker.log({"epoch_loss": loss, "fold9_macro_auc": auc}, step=state.step)
                    say(
                        f"lora: epoch {epoch}/{params.epochs} done, loss {loss:.4f}, "
                        f"fold-9 macro AUC {auc:.4f}"
                    )
            stopped = ranks.any(stop.asked)
            if stopped or state.step % per_epoch == 0 or state.step % params.checkpoint_every_steps == 0:
                kept = _kept(model, step.optimizer, state)
                if ranks.leads:
                    checkpoint.save(work / CHECKPOINT, kept)
                if stopped:
                    ranks.any(False)  # whoever left now would have the one that writes killed
            if stopped and not state.done(total, params.patience):
                raise Interrupted(
                    f"asked to stop after step {state.step} of {total}; it is kept",
                    where="train_lora",
                    fix="start the same command again: it goes on from there",
                )
    _put_back(model, state.best_weights or {})
    model.eval()
    if (after := lora.frozen_sha256(model)) != before:
        raise DataError("a frozen weight changed during training", expected=before[:12], where=after[:12])
    metrics = {
        "fold9_macro_auc": state.best,
        "history": state.history,
        "frozen_sha256": before,
        "steps": state.step,
    }
    return Trained(model, state.best_weights or {}, metrics)


def schedule(step: int, total: int, warmup_share: float) -> float:
    """Learning-rate factor: linear warm-up, then a cosine to one twentieth."""
    warmup = max(1, int(total * warmup_share))
    if step < warmup:
        return (step + 1) / warmup
    progress = (step - warmup) / max(1, total - warmup)
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * progress))


def _states(
    base: Base,
    prefix: Sequence[int],
    training: Sequence[Page],
    selection: Sequence[Page],
    labels: np.ndarray[Any, Any],
    params: TrainLora,
    ranks: Ranks,
) -> tuple[VisionStates, VisionStates]:
    """States of both splits; in one byte a number only if fold 9 is answered the same from them."""
    frozen = not (params.vision or params.projector)
    int8 = params.vision_int8 and frozen

    def states(pages: Sequence[Page], epochs: int) -> VisionStates:
        return VisionStates(
            base, pages, frozen=frozen, keep=params.vision_cache, int8=int8, epochs=epochs, ranks=ranks
        )

    if int8:
        base.model.eval()
        some, rows = selection[:GATE_PAGES], range(min(len(selection), GATE_PAGES))
        exact = VisionStates(base, some, frozen=True, keep="nowhere")
        short = VisionStates(base, some, frozen=True, keep="memory", int8=True)
        int8, words = same_answers(
            scores(base, prefix, exact, rows), scores(base, prefix, short, rows), labels[: len(some)]
        )
        if ranks.leads:
            say(f"vision states in one byte a number: {words}: {'taken' if int8 else 'not taken'}")
    return states(training, params.epochs), states(selection, params.epochs)


def _adapter_weights(model: Any) -> dict[str, Tensor]:
    """Whole, on the CPU; all processes call it."""
    return {
        name: lora.whole(weight.detach()).cpu().clone()
        for name, weight in model.named_parameters()
        if weight.requires_grad
    }


def _put_back(model: Any, weights: dict[str, Tensor]) -> None:
    own = dict(model.named_parameters())
    with torch.no_grad():
        for name, weight in weights.items():
            own[name].copy_(sharding.like(weight, own[name]))


def _kept(model: Any, optimizer: torch.optim.Optimizer, state: _State) -> dict[str, Any]:
    """What a checkpoint holds: whole tensors, so that any number of processes may go on from it."""
    return {
        "step": state.step,
        "history": state.history,
        "best": state.best,
        "best_weights": state.best_weights,
        "weights": _adapter_weights(model),
        "optimizer": sharding.full_state(optimizer.state_dict()),
    }


def _agree(steps: Sequence[int]) -> None:
    """Refuse to go on from different checkpoints: a network disk may show one machine an older file."""
    if len(set(steps)) > 1:
        raise Error(
            f"the processes would go on from steps {', '.join(map(str, steps))}",
            where=CHECKPOINT,
            expected="one checkpoint, the same for all",
            fix="start again in a minute: a network disk may show an older file for so long",
        )


def _resume(path: Path, model: Any, step: Step) -> _State:
    saved = checkpoint.load(path)
    if saved is None:
        return _State()
    _put_back(model, saved["weights"])
    step.optimizer.load_state_dict(sharding.own_state(saved["optimizer"], step.weights))
    return _State(saved["step"], saved["history"], saved["best"], saved["best_weights"])
