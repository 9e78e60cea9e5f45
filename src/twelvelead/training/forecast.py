"""What a training will need, said before its first step: peak memory and time, from one page tried out.

The longest page is run forward and backward once. What the graph keeps for the way back is counted tensor by
tensor, and the operations are counted by torch's own FLOP counter, so nothing is assumed of the architecture.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from twelvelead.errors import SetupError

ADAM_BYTES = 12  # of a float32 weight: gradient and two moments
SLACK = 1.1  # allocator, workspaces
GIB = 2**30
# Dense bfloat16 matrix products, operations a second, from NVIDIA's data sheets.
DATASHEET = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12, "B200": 2250e12}


@dataclass(frozen=True, slots=True)
class Forecast:
    """What one step will take.

    Attributes:
        peak_bytes: Memory beyond what is held now, at the peak of a step.
        free_bytes: What there is.
        flops_a_token: Floating-point operations of a forward and backward pass, a token.
        seconds_a_token: As the trial took.
    """

    peak_bytes: int
    free_bytes: int
    flops_a_token: float
    seconds_a_token: float

    def line(self, tokens: float) -> str:
        """A sentence for people; `tokens` are those of the whole training on this process."""
        minutes = tokens * self.seconds_a_token / 60
        return (
            f"lora: needs about {self.peak_bytes / GIB:.2f} of {self.free_bytes / GIB:.1f} GiB free, "
            f"{self.flops_a_token / 1e9:.2g} GFLOP a token, about {minutes:.1f} min"
        )

    def check(self, token_budget: int, longest: int) -> None:
        """Refuse what cannot fit.

        Raises:
            SetupError: It needs more memory than there is.
        """
        if self.peak_bytes <= self.free_bytes:
            return
        share = self.free_bytes / self.peak_bytes
        fits = int(max(token_budget, longest) * share) // 256 * 256
        raise SetupError(
            f"a step needs about {self.peak_bytes / GIB:.1f} GiB and {self.free_bytes / GIB:.1f} are free",
            where="train_lora.token_budget",
            fix=f"set train_lora.token_budget to {fits} or less"
            if fits >= longest
            else f"one page alone has {longest} tokens: lower train_lora.questions_per_page or the rank, "
            "or take a larger device",
        )


def forecast(
    loss_of_one: Callable[[], Tensor], weights: list[nn.Parameter], tokens: int, budget: int
) -> Forecast:
    """Try one page out.

    Args:
        loss_of_one: Forward pass of the longest page, a fresh graph at each call.
        weights: What will be trained; their gradients are cleared again.
        tokens: Tokens of that page.
        budget: Tokens of the largest batch.

    Raises:
        SetupError: Not even that page fits.
    """
    base = {_own(weight).untyped_storage().data_ptr() for weight in weights}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in base and not isinstance(tensor, nn.Parameter):
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    seconds = 0.0
    free = free_bytes()
    counter = FlopCounterMode(display=False)
    try:
        for trial in range(2):  # the first also warms kernels up, so the second is timed
            with counter if not trial else nullcontext():
                kept.clear()
                begun = time.monotonic()
                with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
                    loss = loss_of_one()
                loss.backward()
                if torch.cuda.is_available():
                    torch.cuda.synchronize()
                seconds = time.monotonic() - begun
    except torch.OutOfMemoryError:
        raise SetupError(
            f"not even one page of {tokens} tokens fits into {free / GIB:.1f} GiB",
            where="train_lora.questions_per_page",
            fix="ask fewer questions a page, or take a larger device",
        ) from None
    for weight in weights:
        weight.grad = None
    states = ADAM_BYTES * sum(_own(weight).numel() for weight in weights)
    peak = int(SLACK * (states + sum(kept.values()) / tokens * max(budget, tokens)))
    return Forecast(peak, free, counter.get_total_flops() / tokens, seconds / tokens)


def _own(weight: Tensor) -> Tensor:
    """What this process holds of a weight that may lie spread over several."""
    return weight.to_local() if hasattr(weight, "to_local") else weight


def free_bytes() -> int:
    """Memory of the device that is free or can be freed."""
    if torch.cuda.is_available():
        idle = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
        return int(torch.cuda.mem_get_info()[0]) + idle
    return free_host_bytes()


def free_host_bytes() -> int:
    """Main memory that is free or can be freed (elsewhere than Linux a careful guess)."""
    try:
        lines: dict[str, Any] = dict(
            line.split(":") for line in Path("/proc/meminfo").read_text().splitlines()
        )
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError):
        return 2 * GIB


def peak_flops() -> float:
    """Operations a second that the device could do: a GPU's data sheet, else a large product timed here."""
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name()
        if known := [speed for model, speed in DATASHEET.items() if model in name]:
            return known[0]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    side = 8192 if device == "cuda" else 512
    one = torch.ones(side, side, device=device, dtype=torch.bfloat16 if device == "cuda" else torch.float32)
    best = float("inf")
    for _ in range(5):
        begun = time.perf_counter()
        float((one @ one)[0, 0])
        best = min(best, time.perf_counter() - begun)
    return 2 * side**3 / best


def used_bytes() -> int:
    """Peak memory so far: of the GPU, else of the process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
