"""LoRA training on packed pages: every question of a page behind one picture, one answer one vote.

The loop knows nothing of MLflow or KFP; it reports through a tracker. Killed at any step, or asked to stop,
it goes on from its last checkpoint to the same weights (CPU, one thread count). Several processes share a
step's pages and come to the weights of one process, up to the order of sums.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from twelvelead.errors import DataError, Interrupted
from twelvelead.evaluation.metrics import aucs, macro
from twelvelead.models import checkpoint, lora
from twelvelead.models.mllama import Base
from twelvelead.models.packed import Question, answer_loss, answer_losses, bare, pack, slot_logits
from twelvelead.params import TrainLora
from twelvelead.progress import say
from twelvelead.training.forecast import Forecast, forecast, peak_flops
from twelvelead.training.meter import Meter
from twelvelead.training.pages import Page, VisionStates
from twelvelead.training.ranks import Ranks
from twelvelead.training.sampler import choose, micro_batches, rows_of, steps_per_epoch, stream
from twelvelead.training.stopping import Stop
from twelvelead.training.tracker import Tracker

GRADIENT_NORM = 1.0
SCORE_BATCH = 16
CHECKPOINT = "lora.pt"
ALONE = Ranks()


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
    torch.set_num_threads(params.threads or max((os.cpu_count() or 1) // ranks.world, 1))
    torch.manual_seed(params.seed)
    before = lora.frozen_sha256(base.model)
    model = lora.attach(base.model, params)
    adapted = Base(model, base.tokenizer, base.image_processor, base.path, base.sha256)
    frozen = not (params.vision or params.projector)
    step = _Step(adapted, prefix, training, VisionStates(adapted, training, frozen=frozen), params, ranks)
    pick_states = VisionStates(adapted, selection, frozen=frozen)
    per_epoch = steps_per_epoch(len(training), params.pages_per_step)
    total = per_epoch * params.epochs
    state = _resume(work / CHECKPOINT, model, step.optimizer)
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
    with Stop() as stop:
        while not state.done(total, params.patience):
            step.take(state.step, params.lr * schedule(state.step, total, params.warmup_share), meter)
            state.step += 1
            if state.step % per_epoch == 0:
                model.eval()
                auc = fold_auc(adapted, prefix, selection, pick_states, labels, ranks)
                model.train()
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
            if ranks.leads and (
                stopped or state.step % per_epoch == 0 or state.step % params.checkpoint_every_steps == 0
            ):
                _save(work / CHECKPOINT, model, step.optimizer, state)
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
    ranks: Ranks = ALONE,
) -> float:
    """Macro AUC of the statement questions over pages, by the same packed forward that trains."""
    yes, no = base.verbalisers
    mine = ranks.mine(range(len(pages)))
    scores: list[np.ndarray[Any, Any]] = []
    with torch.no_grad(), _precision(base):
        for start in range(0, len(mine), SCORE_BATCH):
            rows = mine[start : start + SCORE_BATCH]
            asked = [[Question(q.prompt) for q in pages[row].statements] for row in rows]
            batch = pack(prefix, asked, pad=base.tokenizer.pad_token_id).to(base.device)
            logits = slot_logits(bare(base.model), batch, states.of(pages, rows))
            scores.extend((logits[..., yes] - logits[..., no]).cpu().numpy())
    return macro(aucs(labels, np.stack(ranks.gather(scores))))


class _Step:
    """One optimiser step: its pages, packed within the token budget, shared among the processes."""

    def __init__(
        self,
        base: Base,
        prefix: Sequence[int],
        pages: Sequence[Page],
        states: VisionStates,
        params: TrainLora,
        ranks: Ranks,
    ) -> None:
        self.base, self.prefix, self.pages, self.states = base, prefix, pages, states
        self.params, self.ranks = params, ranks
        self.weights = [weight for weight in base.model.parameters() if weight.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.weights, lr=params.lr, weight_decay=params.weight_decay, betas=(0.9, 0.99)
        )

    def take(self, step: int, lr: float, meter: Meter) -> None:
        """Learn from the pages of a step.

        Raises:
            DataError: The loss is no number.
        """
        params, ranks = self.params, self.ranks
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        rows = rows_of(step, len(self.pages), params.pages_per_step, params.seed)
        mine = [
            (row, choose(self.pages[row], params.questions_per_page, stream(params.seed, step, place)))
            for place, row in ranks.mine(list(enumerate(rows)))
        ]
        # dropout of this step, the same after a resume
        torch.manual_seed(int(stream(params.seed, step, len(rows) + ranks.rank).integers(2**31)))
        answers = ranks.total(sum(len(asked) for _, asked in mine))
        self.optimizer.zero_grad(set_to_none=True)
        loss, tokens = 0.0, 0
        for numbers in micro_batches([self._length(asked) for _, asked in mine], params.token_budget):
            chosen = [mine[number] for number in numbers]
            with meter.waiting():
                batch = pack(self.prefix, [asked for _, asked in chosen], pad=self._pad).to(self.base.device)
                seen = self.states.fetch(self.pages, [row for row, _ in chosen])
            with _precision(self.base):
                part, _ = answer_losses(bare(self.base.model), batch, self.states.encode(seen))
            (part / answers).backward()
            loss += float(part.detach())
            tokens += batch.tokens.numel()
        loss = ranks.total(loss) / answers
        if not math.isfinite(loss):
            raise DataError(f"the loss is {loss} at step {step}", fix="lower train_lora.lr")
        ranks.sum_gradients(self.weights)
        norm = float(torch.nn.utils.clip_grad_norm_(self.weights, GRADIENT_NORM))
        self.optimizer.step()
        meter.add(step + 1, loss, lr, norm, answers, ranks.total(tokens))

    def forecast(self) -> tuple[Forecast, float]:
        """What a step needs, tried on the longest page, and the tokens of a step on this process.

        Raises:
            SetupError: It would not fit.
        """
        params = self.params
        longest: list[list[Question]] = [
            sorted(page.statements + page.others, key=lambda q: -len(q.prompt + q.answer))[
                : params.questions_per_page
            ]
            for page in self.pages
        ]
        lengths = [self._length(asked) for asked in longest]
        row = int(np.argmax(lengths))
        batch = pack(self.prefix, [longest[row]], pad=self._pad).to(self.base.device)

        def loss() -> Tensor:
            seen = self.states.fetch(self.pages, [row])
            with _precision(self.base):
                return answer_loss(bare(self.base.model), batch, self.states.encode(seen))

        a_rank = math.ceil(params.pages_per_step / self.ranks.world)
        budget = min(params.token_budget or lengths[row] * a_rank, lengths[row] * a_rank)
        need = forecast(loss, self.weights, lengths[row], budget)
        need.check(budget, lengths[row])
        return need, float(np.mean(lengths)) * a_rank

    @property
    def _pad(self) -> int:
        pad: int = self.base.tokenizer.pad_token_id
        return pad

    def _length(self, asked: Sequence[Question]) -> int:
        return len(self.prefix) + sum(len(q.prompt) + len(q.answer) for q in asked)


def _precision(base: Base) -> contextlib.AbstractContextManager[Any]:
    """bfloat16 products on a GPU over float32 adapters; a CPU computes in float32 as it stands."""
    if base.device.type != "cuda":
        return contextlib.nullcontext()
    return torch.autocast("cuda", torch.bfloat16)


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
