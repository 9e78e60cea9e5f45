"""LoRA training on packed pages: every question of a page behind one picture, one answer one vote.

The loop knows nothing of MLflow or KFP; it reports through a tracker. It can be killed at any step and goes
on from its last checkpoint to the same weights (CPU, one thread count).
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from twelvelead.errors import DataError
from twelvelead.evaluation.metrics import aucs, macro
from twelvelead.models import checkpoint, lora
from twelvelead.models.mllama import Base
from twelvelead.models.packed import Question, answer_loss, bare, pack, slot_logits
from twelvelead.params import TrainLora
from twelvelead.progress import say
from twelvelead.training.pages import Page, VisionStates, choose, steps
from twelvelead.training.tracker import Tracker

GRADIENT_NORM = 1.0
SECONDS_BETWEEN_LINES = 5.0
SCORE_BATCH = 16


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training leaves behind: the wrapped model with its best adapter in place, and the story."""

    model: Any
    metrics: dict[str, Any]


@dataclass(slots=True)
class _State:
    step: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best: float = -1.0
    best_weights: dict[str, torch.Tensor] | None = None


def train(
    base: Base,
    prefix: Sequence[int],
    training: Sequence[Page],
    selection: Sequence[Page],
    labels: np.ndarray[Any, Any],
    params: TrainLora,
    work: Path,
    tracker: Tracker,
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

    Raises:
        DataError: There is nothing to train on, or the loss is no number.
    """
    if not training or not selection:
        raise DataError("nothing to train on or to choose by", expected="pages in folds 1–8 and in fold 9")
    torch.set_num_threads(params.threads or os.cpu_count() or 1)
    torch.manual_seed(params.seed)
    before = lora.frozen_sha256(base.model)
    model = lora.attach(base.model, params)
    adapted = Base(model, base.tokenizer, base.image_processor, base.path, base.sha256)
    train_states = VisionStates(adapted, training, frozen=not params.vision)
    pick_states = VisionStates(adapted, selection, frozen=not params.vision)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=params.lr, weight_decay=params.weight_decay, betas=(0.9, 0.99))
    per_epoch = math.ceil(len(training) / params.pages_per_step)
    total = per_epoch * params.epochs
    state = _resume(work / "lora.pt", model, optimizer)
    trainable = sum(weight.numel() for weight in weights)
    say(
        f"lora: {len(training)} pages, {total} steps, {trainable / 1e3:.0f} k trainable parameters, "
        f"from step {state.step}"
    )
    model.train()
    meter = _Meter(total)
    for epoch in range(state.step // per_epoch, params.epochs):
        batches = list(steps(len(training), params.pages_per_step, epoch, params.seed))
        for number, rows in enumerate(batches):
            if epoch * per_epoch + number < state.step:
                continue
            for group in optimizer.param_groups:
                group["lr"] = params.lr * schedule(state.step, total, params.warmup_share)
            rng = np.random.default_rng(np.random.SeedSequence(params.seed, spawn_key=(6, 1, state.step)))
            torch.manual_seed(int(rng.integers(2**31)))  # dropout of this step, the same after a resume
            asked = [choose(training[row], params.questions_per_page, rng) for row in rows]
            batch = pack(prefix, asked, pad=base.tokenizer.pad_token_id).to(base.device)
            loss = answer_loss(bare(model), batch, train_states.of(training, rows))
            if not torch.isfinite(loss):
                raise DataError(
                    f"the loss is {float(loss.detach())} at step {state.step}", fix="lower train_lora.lr"
                )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, GRADIENT_NORM)
            optimizer.step()
            state.step += 1
            meter.add(
                state.step,
                float(loss.detach()),
                optimizer.param_groups[0]["lr"],
                sum(map(len, asked)),
                batch.tokens.numel(),
            )
            if state.step % params.checkpoint_every_steps == 0 and state.step % per_epoch:
                _save(work / "lora.pt", model, optimizer, state)
        model.eval()
        auc = fold_auc(adapted, prefix, selection, pick_states, labels)
        model.train()
        record = {"epoch": epoch + 1, "step": state.step, "loss": meter.mean_loss(), "fold9_macro_auc": auc}
        state.history.append(record)
        tracker.log({"loss": record["loss"], "fold9_macro_auc": auc}, step=state.step)
        say(
            f"lora: epoch {epoch + 1}/{params.epochs} done, loss {record['loss']:.4f}, "
            f"fold-9 macro AUC {auc:.4f}"
        )
        if auc > state.best or state.best_weights is None:
            state.best, state.best_weights = auc, _adapter_weights(model)
        _save(work / "lora.pt", model, optimizer, state)
    _put_back(model, state.best_weights or {})
    model.eval()
    if (after := lora.frozen_sha256(model)) != before:
        raise DataError("a frozen weight changed during training", expected=before[:12], where=after[:12])
    metrics = {
        "fold9_macro_auc": state.best,
        "history": state.history,
        "frozen_sha256": before,
        "steps": total,
    }
    return Trained(model, metrics)


def schedule(step: int, total: int, warmup_share: float) -> float:
    """Learning-rate factor: linear warm-up, then a cosine to one twentieth."""
    warmup = max(1, int(total * warmup_share))
    if step < warmup:
        return (step + 1) / warmup
    progress = (step - warmup) / max(1, total - warmup)
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * progress))


def fold_auc(
    base: Base,
    prefix: Sequence[int],
    pages: Sequence[Page],
    states: VisionStates,
    labels: np.ndarray[Any, Any],
) -> float:
    """Macro AUC of the statement questions over pages, by the same packed forward that trains."""
    yes, no = base.verbalisers
    scores = []
    with torch.no_grad():
        for start in range(0, len(pages), SCORE_BATCH):
            rows = list(range(start, min(start + SCORE_BATCH, len(pages))))
            asked = [[Question(q.prompt) for q in pages[row].statements] for row in rows]
            batch = pack(prefix, asked, pad=base.tokenizer.pad_token_id).to(base.device)
            logits = slot_logits(bare(base.model), batch, states.of(pages, rows))
            scores.append((logits[..., yes] - logits[..., no]).cpu().numpy())
    return macro(aucs(labels, np.concatenate(scores)))


def _adapter_weights(model: Any) -> dict[str, torch.Tensor]:
    return {
        name: weight.detach().cpu().clone()
        for name, weight in model.named_parameters()
        if weight.requires_grad
    }


def _put_back(model: Any, weights: dict[str, torch.Tensor]) -> None:
    own = dict(model.named_parameters())
    with torch.no_grad():
        for name, weight in weights.items():
            own[name].copy_(weight)


def _save(path: Path, model: Any, optimizer: Any, state: _State) -> None:
    checkpoint.save(
        path,
        {
            "step": state.step,
            "history": state.history,
            "best": state.best,
            "best_weights": state.best_weights,
            "weights": _adapter_weights(model),
            "optimizer": optimizer.state_dict(),
        },
    )


def _resume(path: Path, model: Any, optimizer: Any) -> _State:
    saved = checkpoint.load(path)
    if saved is None:
        return _State()
    _put_back(model, saved["weights"])
    optimizer.load_state_dict(saved["optimizer"])
    return _State(saved["step"], saved["history"], saved["best"], saved["best_weights"])


class _Meter:
    """One dense line every few seconds: step, share, loss, learning rate, speed, time left."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.begun = self.last = time.monotonic()
        self.first: int | None = None
        self.questions = self.tokens = 0
        self.losses: list[float] = []

    def add(self, step: int, loss: float, lr: float, questions: int, tokens: int) -> None:
        self.first = step - 1 if self.first is None else self.first
        self.losses.append(loss)
        self.questions += questions
        self.tokens += tokens
        now = time.monotonic()
        if now - self.last >= SECONDS_BETWEEN_LINES:
            spent, done = now - self.begun, step - self.first
            left = (self.total - step) * spent / done
            recent = float(np.mean(self.losses[-50:]))
            say(
                f"lora: step {step}/{self.total} ({step / self.total:.0%}) loss {recent:.4f} lr {lr:.1e} "
                f"{self.questions / spent:.0f} questions/s {self.tokens / spent / 1e3:.1f} k tokens/s, "
                f"{left:.0f} s left"
            )
            self.last = now

    def mean_loss(self) -> float:
        """Mean loss since the last call; NaN if no step ran."""
        mean = float(np.mean(self.losses)) if self.losses else float("nan")
        self.losses = []
        return mean
