"""One optimiser step: its pages, packed within the token budget, shared among the processes."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from twelvelead.errors import DataError
from twelvelead.models.lora import whole
from twelvelead.models.mllama import Base
from twelvelead.models.packed import Packed, Question, answer_loss, answer_losses, bare, pack
from twelvelead.params import TrainLora
from twelvelead.training.feed import Feed
from twelvelead.training.forecast import Forecast, forecast
from twelvelead.training.meter import Meter
from twelvelead.training.pages import Page
from twelvelead.training.ranks import Ranks
from twelvelead.training.sampler import choose, micro_batches, rows_of, stream
from twelvelead.training.states import VisionStates

GRADIENT_NORM = 1.0


@dataclass(frozen=True, slots=True)
class Share:
    """Pages of a step that are computed at once, with their questions.

    Attributes:
        rows: Numbers of the pages.
        asked: The questions of each.
        counts: False for work that only keeps step with other processes.
    """

    rows: tuple[int, ...]
    asked: tuple[tuple[Question, ...], ...]
    counts: bool = True

    @property
    def answers(self) -> int:
        """How many answers count."""
        return sum(map(len, self.asked)) if self.counts else 0


@dataclass(frozen=True, slots=True)
class Ready:
    """A share as it is handed to the device: packed tokens, and what is kept of the pages."""

    batch: Packed
    seen: Tensor | dict[str, Tensor]
    counts: bool


class Step:
    """Takes steps: what a step learns is a function of its number, the seed and the pages."""

    def __init__(
        self, base: Base, prefix: Sequence[int], states: VisionStates, params: TrainLora, ranks: Ranks
    ) -> None:
        self.base, self.prefix, self.states = base, prefix, states
        self.params, self.ranks = params, ranks
        self.pages: Sequence[Page] = states.pages
        self.pad: int = base.tokenizer.pad_token_id
        self.weights = [weight for weight in base.model.parameters() if weight.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.weights, lr=params.lr, weight_decay=params.weight_decay, betas=(0.9, 0.99)
        )

    def feed(self, first: int, total: int) -> Feed[Share, Ready]:
        """Everything from step `first` on, loaded ahead."""
        return Feed(self.plan, self.load, first, total)

    def plan(self, step: int) -> list[Share]:
        """This process's shares of a step.

        On a sharded base every process computes equally often, because each computation is one of all.
        """
        params, ranks = self.params, self.ranks
        rows = rows_of(step, len(self.pages), params.pages_per_step, params.seed)
        asked = [
            (row, tuple(choose(self.pages[row], params.questions_per_page, stream(params.seed, step, place))))
            for place, row in enumerate(rows)
        ]
        mine = self._cut(ranks.mine(asked))
        if not self.base_is_sharded:
            return mine
        most = max(len(self._cut(asked[rank :: ranks.world])) for rank in range(ranks.world))
        spare = Share(tuple(rows[:1]), (asked[0][1],), counts=False)
        return mine + [spare] * (most - len(mine))

    def load(self, share: Share) -> Ready:
        """Pack the questions and fetch what is kept of the pages; safe in a thread."""
        return Ready(pack(self.prefix, share.asked, pad=self.pad), self.states.load(share.rows), share.counts)

    def take(self, step: int, lr: float, feed: Feed[Share, Ready], meter: Meter) -> None:
        """Learn from the pages of a step.

        Raises:
            DataError: The loss is no number.
        """
        params, ranks, device = self.params, self.ranks, self.base.device
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        # dropout of this step, the same after a resume
        torch.manual_seed(int(stream(params.seed, step, params.pages_per_step + ranks.rank).integers(2**31)))
        answers = ranks.total(sum(share.answers for share in feed.jobs(step)))
        self.optimizer.zero_grad(set_to_none=True)
        loss = torch.zeros((), device=device)
        tokens = 0
        for ready in meter.waits(feed.of(step)):
            with precision(self.base):
                batch, states = ready.batch.to(device), self.states.encode(ready.seen)
                part, _ = answer_losses(bare(self.base.model), batch, states)
            part = part * float(ready.counts)
            (part / answers).backward()
            loss += part.detach()
            tokens += batch.tokens.numel() * ready.counts
        told = ranks.total(float(loss)) / answers
        if not math.isfinite(told):
            raise DataError(f"the loss is {told} at step {step}", fix="lower train_lora.lr")
        if not self.base_is_sharded:
            ranks.sum_gradients(self.weights)
        norm = float(whole(torch.nn.utils.clip_grad_norm_(self.weights, GRADIENT_NORM)))
        self.optimizer.step()
        meter.add(step + 1, told, lr, norm, answers, ranks.total(tokens))

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
        batch = pack(self.prefix, [longest[row]], pad=self.pad).to(self.base.device)

        def loss() -> Tensor:
            with precision(self.base):
                return answer_loss(bare(self.base.model), batch, self.states.of([row]))

        a_rank = math.ceil(params.pages_per_step / self.ranks.world)
        budget = min(params.token_budget or lengths[row] * a_rank, lengths[row] * a_rank)
        need = forecast(loss, self.weights, lengths[row], budget)
        need.check(budget, lengths[row])
        return need, float(np.mean(lengths)) * a_rank

    @property
    def base_is_sharded(self) -> bool:
        """Whether the layers lie spread over the processes."""
        return self.params.shard and self.ranks.world > 1

    def _cut(self, asked: Sequence[tuple[int, tuple[Question, ...]]]) -> list[Share]:
        lengths = [self._length(questions) for _, questions in asked]
        cuts = micro_batches(lengths, self.params.token_budget)
        return [Share(tuple(asked[n][0] for n in cut), tuple(asked[n][1] for n in cut)) for cut in cuts]

    def _length(self, asked: Sequence[Question]) -> int:
        return len(self.prefix) + sum(len(q.prompt) + len(q.answer) for q in asked)


def precision(base: Base) -> contextlib.AbstractContextManager[Any]:
    """bfloat16 products on a GPU over float32 adapters; a CPU computes in float32 as it stands."""
    if base.device.type != "cuda":
        return contextlib.nullcontext()
    return torch.autocast("cuda", torch.bfloat16)
