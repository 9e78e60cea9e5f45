"""Pretrain the embedded base: to see and to measure, never to diagnose.

Three losses share the tower: answers to perception questions through the language model (what is kept), and
two throw-away linear readers of the vision features, one for measured values and one for where beats stand.
The readers make a tower of half a million weights learn in an hour on two cores what answers alone do not
teach it.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from twelvelead.evaluation.metrics import auc
from twelvelead.instruct import perception
from twelvelead.models import checkpoint, tiny
from twelvelead.models.mllama import YES, Base
from twelvelead.models.packed import Question, answer_loss, encode_images, pack, slot_logits
from twelvelead.params import Pretrain
from twelvelead.progress import say
from twelvelead.training.eyesight import COLUMNS, Examples, make_examples

HELD_OUT = 512
CHECKPOINT_STEPS = 250
READER_WEIGHT = 0.5


class Readers(nn.Module):
    """Linear readers of the vision features: values of the page and its leads, slots of each column."""

    def __init__(self, width: int, scalars: int, leads: int, bins: int) -> None:
        super().__init__()
        self.page = nn.Linear(width, scalars)
        self.lead = nn.Linear(width, leads)
        self.slot = nn.Linear(width, bins)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 1+144, D) → page values (B, S), leads (B, W, 12), slots (B, 12, 12, K·bins)."""
        grid = features[:, 1:].unflatten(1, (COLUMNS, COLUMNS))
        return self.page(features.mean(1)), self.lead(grid.mean(2)).transpose(1, 2), self.slot(grid)


def pretrain(params: Pretrain, output: Path, work: Path) -> dict[str, Any]:
    """Make the base in `output`; goes on from the checkpoint in `work`.

    Returns:
        Figures on held-out simulated pages: AUC of closed perception questions, error of rate and intervals.
    """
    torch.set_num_threads(params.threads or os.cpu_count() or 1)
    tokenizer = tiny.build_tokenizer(perception.vocabulary())
    examples = make_examples(params.records + HELD_OUT, params.seed, work / "pages")
    model = tiny.build_model(tokenizer, seed=params.seed)
    base = Base(model, tokenizer, tiny.build_image_processor(), "pretraining", "")
    targets = _Targets(examples)
    readers = Readers(
        model.config.vision_config.vision_output_dim,
        targets.page.shape[1],
        targets.lead.shape[1],
        targets.bins,
    )
    weights = [*model.parameters(), *readers.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=params.lr, weight_decay=0.01, betas=(0.9, 0.98))
    step = _resume(work / "pretrain.pt", model, readers, optimizer)
    say(
        f"pretrain: {sum(w.numel() for w in model.parameters()) / 1e6:.2f} M weights, "
        f"from step {step} of {params.steps}"
    )
    begun, first, recent = time.monotonic(), step, []
    while step < params.steps:
        for group in optimizer.param_groups:
            group["lr"] = params.lr * _schedule(step, params.steps)
        rng = np.random.default_rng(np.random.SeedSequence(params.seed, spawn_key=(8, step)))
        rows = np.sort(rng.choice(params.records, params.pages_per_step, replace=False))
        states, features = _see(model, examples, rows)
        prefix, asked = _ask(base, examples, rows, rng, params.questions_per_page)
        answer = answer_loss(model, pack(prefix, asked, pad=tokenizer.pad_token_id), states)
        value, slot = targets.loss(readers(features), rows)
        loss = answer + READER_WEIGHT * value + READER_WEIGHT * slot
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        step += 1
        recent.append([answer.item(), value.item(), slot.item()])
        if step % 50 == 0:
            means, pace = np.mean(recent[-50:], axis=0), (time.monotonic() - begun) / (step - first)
            say(
                f"pretrain: step {step}/{params.steps} answers {means[0]:.3f} values {means[1]:.3f} "
                f"slots {means[2]:.4f} {params.pages_per_step / pace:.0f} pages/s, "
                f"{(params.steps - step) * pace / 60:.0f} min left"
            )
        if step % CHECKPOINT_STEPS == 0:
            state = {
                "model": model.state_dict(),
                "readers": readers.state_dict(),
                "optimizer": optimizer.state_dict(),
            }
            checkpoint.save(work / "pretrain.pt", {"step": step, **state})
        if step % (4 * CHECKPOINT_STEPS) == 0:
            say(f"pretrain: held out {evaluate(base, readers, examples, targets, params)}")
    figures = evaluate(base, readers, examples, targets, params)
    tiny.save_base(model, tokenizer, output)
    return {"steps": step, "held_out": figures}


@torch.no_grad()
def evaluate(
    base: Base, readers: Readers, examples: Examples, targets: _Targets, params: Pretrain
) -> dict[str, float]:
    """Held-out figures: AUC of Yes/No questions, R² of page values by the reader, by name."""
    rng = np.random.default_rng(0)
    truths, scores, values, rows_seen = [], [], [], []
    yes, no = base.verbalisers
    base.model.eval()
    for start in range(params.records, params.records + HELD_OUT, 32):
        rows = np.arange(start, start + 32)
        states, features = _see(base.model, examples, rows)
        asked = [
            [s for s in perception.samples(examples.seen(int(r)), rng, 40) if s.format == "closed"][:12]
            for r in rows
        ]
        prompts = [[Question(base.question(s.messages())[1].prompt) for s in page] for page in asked]
        prefix = base.question(asked[0][0].messages())[0]
        logits = slot_logits(base.model, pack(prefix, prompts, pad=base.tokenizer.pad_token_id), states)
        scores.append((logits[..., yes] - logits[..., no]).numpy().ravel())
        truths.append([s.answer == YES for page in asked for s in page])
        values.append(readers(features)[0].numpy())
        rows_seen.append(rows)
    base.model.train()
    found = {"closed_auc": round(auc(np.concatenate(truths), np.concatenate(scores)), 4)}
    return found | targets.r2(np.concatenate(values), np.concatenate(rows_seen))


class _Targets:
    """Standardised targets of the readers; missing values cost nothing."""

    def __init__(self, examples: Examples) -> None:
        from twelvelead.training.eyesight import SCALARS

        scalars = examples.scalars.copy()
        axis = np.deg2rad(scalars[:, SCALARS.index("axis_deg")])
        page = np.column_stack([scalars, np.cos(axis), np.sin(axis)])
        self.names = [*SCALARS, "axis_cos", "axis_sin"]
        lead = examples.leads
        self.page = _standard(page)
        self.lead: NDArray[np.float32] = _standard(lead.reshape(len(lead), -1)).reshape(lead.shape)
        self.slot = examples.bins
        self.bins = self.slot.shape[1] * self.slot.shape[2] // COLUMNS

    def loss(self, read: tuple[Tensor, Tensor, Tensor], rows: np.ndarray[Any, Any]) -> tuple[Tensor, Tensor]:
        """Squared error of values and cross-entropy of slots; all rows of a page have the same slots."""
        page, lead, slot = read
        want_page, want_lead = torch.from_numpy(self.page[rows]), torch.from_numpy(self.lead[rows])
        known = ~want_page.isnan()
        value = (page - want_page)[known].square().mean() + (lead - want_lead.nan_to_num()).square().mean()
        bins = torch.from_numpy(self.slot[rows]).float()  # (B, kinds, columns·bins)
        want = bins.unflatten(2, (COLUMNS, -1)).permute(0, 2, 1, 3).flatten(2)[:, None].expand_as(slot)
        return value, nn.functional.binary_cross_entropy_with_logits(slot, want)

    def r2(self, read: np.ndarray[Any, Any], rows: np.ndarray[Any, Any]) -> dict[str, float]:
        """Share of variance of each page value that the reader explains."""
        want = self.page[rows]
        known = ~np.isnan(want)
        found = {}
        for number, name in enumerate(self.names):
            mask = known[:, number]
            rest = np.square(read[mask, number] - want[mask, number]).sum()
            found[name] = round(
                float(1 - rest / np.square(want[mask, number] - want[mask, number].mean()).sum()), 3
            )
        return found


def _standard(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    mean, spread = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    return ((values - mean) / np.maximum(spread, 1e-3)).clip(-4, 4).astype(np.float32)


def _see(model: Any, examples: Examples, rows: np.ndarray[Any, Any]) -> tuple[Tensor, Tensor]:
    """Cross-attention states, and the vision features before the projector."""
    features: list[Tensor] = []
    hook = model.model.multi_modal_projector.register_forward_pre_hook(
        lambda _, args: features.append(args[0])
    )
    states = encode_images(model, pixels(examples.pixels[rows], examples.palette))
    hook.remove()
    return states, features[0].flatten(1, 2)


def pixels(pages: np.ndarray[Any, Any], palette: np.ndarray[Any, Any]) -> dict[str, Tensor]:
    """Model inputs straight from palette pages; the same numbers as through PNG and the image processor."""
    processor = tiny.build_image_processor()
    mean, spread = (np.array(v, np.float32) for v in (processor.image_mean, processor.image_std))
    table = torch.from_numpy(((palette / np.float32(255) - mean) / spread).astype(np.float32))
    values = table[torch.from_numpy(pages.astype(np.int64))].permute(0, 3, 1, 2)
    ones = torch.ones(len(pages), 1, dtype=torch.long)
    return {
        "pixel_values": values[:, None, None],
        "aspect_ratio_ids": ones,
        "aspect_ratio_mask": ones[:, None],
    }


def _ask(
    base: Base, examples: Examples, rows: np.ndarray[Any, Any], rng: np.random.Generator, count: int
) -> tuple[tuple[int, ...], Sequence[Sequence[Question]]]:
    prefix: tuple[int, ...] = ()
    asked = []
    for row in rows:
        page = []
        for sample in perception.samples(examples.seen(int(row)), rng, count):
            prefix, question = base.question(sample.messages())
            page.append(question)
        asked.append(page)
    return prefix, asked


def _schedule(step: int, total: int) -> float:
    warmup = min(300, total // 10 + 1)
    if step < warmup:
        return (step + 1) / warmup
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))


def _resume(path: Path, model: Any, readers: Readers, optimizer: Any) -> int:
    saved = checkpoint.load(path)
    if saved is None:
        return 0
    model.load_state_dict(saved["model"])
    readers.load_state_dict(saved["readers"])
    optimizer.load_state_dict(saved["optimizer"])
    return int(saved["step"])
