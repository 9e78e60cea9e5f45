"""What a training tells of itself as it goes: one dense line every few seconds, curves to the tracker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TypeVar

import numpy as np

from twelvelead.progress import say
from twelvelead.training.forecast import GIB, used_bytes
from twelvelead.training.tracker import Tracker

SECONDS_BETWEEN_LINES = 5.0
STEPS_BETWEEN_POINTS = 10
Item = TypeVar("Item")


class Meter:
    """Step, share, loss, learning rate, speed, use of the device, wait for data, time left, memory."""

    def __init__(
        self, total: int, first: int, flops_a_token: float, peak_flops: float, tracker: Tracker | None
    ) -> None:
        self.total, self.first = total, first
        self.flops_a_token, self.peak_flops, self.tracker = flops_a_token, peak_flops, tracker
        self.begun = self.last = time.monotonic()
        self.questions = self.tokens = 0.0
        self.waited_s = 0.0
        self.losses: list[float] = []

    def waits(self, items: Iterator[Item]) -> Iterator[Item]:
        """The items; the time until each comes is time without work for the device."""
        while True:
            begun = time.monotonic()
            item = next(items, None)
            self.waited_s += time.monotonic() - begun
            if item is None:
                return
            yield item

    def add(self, step: int, loss: float, lr: float, norm: float, questions: float, tokens: float) -> None:
        """One step is done; `step` counts from 1, the figures are those of all processes."""
        self.losses.append(loss)
        self.questions += questions
        self.tokens += tokens
        now = time.monotonic()
        spent = max(now - self.begun, 1e-9)
        use = self.tokens * self.flops_a_token / spent / self.peak_flops
        wait = self.waited_s / spent
        if self.tracker is None:
            return
        if step % STEPS_BETWEEN_POINTS == 0:
            self.tracker.log(
                {
                    "loss": float(np.mean(self.losses[-STEPS_BETWEEN_POINTS:])),
                    "lr": lr,
                    "gradient_norm": norm,
                    "questions_per_s": self.questions / spent,
                    "tokens_per_s": self.tokens / spent,
                    "mfu": use,
                    "data_wait": wait,
                    "memory_gib": used_bytes() / GIB,
                },
                step=step,
            )
        if now - self.last >= SECONDS_BETWEEN_LINES:
            left = (self.total - step) * spent / (step - self.first)
            say(
                f"lora: step {step}/{self.total} ({step / self.total:.0%}) "
                f"loss {float(np.mean(self.losses[-50:])):.4f} lr {lr:.1e} "
                f"{self.questions / spent:.0f} questions/s {self.tokens / spent / 1e3:.1f} k tokens/s "
                f"mfu {use:.0%} data-wait {wait:.0%} {used_bytes() / GIB:.1f} GiB, {left:.0f} s left"
            )
            self.last = now

    def mean_loss(self) -> float:
        """Mean loss since the last call; NaN if no step ran."""
        mean = float(np.mean(self.losses)) if self.losses else float("nan")
        self.losses = []
        return mean
