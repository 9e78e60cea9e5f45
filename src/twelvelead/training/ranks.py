"""Data-parallel processes: which of them we are, and the few things that they say to each other.

A step's pages are dealt out in turn, its gradients summed: with adapters of some ten million weights that is
all there is to share, so no wrapper stands between the loop and the model. `torchrun` starts the processes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch

from twelvelead.errors import SetupError

Item = TypeVar("Item")


def gpus() -> int:
    """How many GPUs this machine has."""
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among its peers.

    Attributes:
        rank: 0 … world - 1; 0 speaks and writes for all.
        world: How many there are.
    """

    rank: int = 0
    world: int = 1

    @classmethod
    def join(cls) -> Ranks:
        """Join the processes that `torchrun` started; alone where it did not."""
        world = int(os.environ.get("WORLD_SIZE", "1"))
        if world == 1:
            return cls()
        from torch import distributed

        if not distributed.is_initialized():
            cuda = torch.cuda.is_available()
            if cuda:
                place, devices = int(os.environ["LOCAL_RANK"]), gpus()
                if place >= devices:
                    raise SetupError(
                        f"there are {devices} GPUs for more processes",
                        where="train_lora.processes",
                        expected=f"{devices} at most",
                    )
                torch.cuda.set_device(place)
            distributed.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo")
        return cls(distributed.get_rank(), world)

    def leave(self) -> None:
        """Take leave of the others; nothing can be said afterwards."""
        if self.world > 1:
            from torch import distributed

            distributed.destroy_process_group()

    @property
    def leads(self) -> bool:
        """Whether we speak and write."""
        return self.rank == 0

    @property
    def neighbours(self) -> int:
        """How many of the processes share this machine, and its memory."""
        return int(os.environ.get("LOCAL_WORLD_SIZE", "1")) if self.world > 1 else 1

    def mine_here(self, items: Sequence[Item]) -> list[Item]:
        """Our share of something that the processes of each machine have of their own."""
        place = int(os.environ.get("LOCAL_RANK", "0")) if self.world > 1 else 0
        return list(items[place :: self.neighbours])

    def mine(self, items: Sequence[Item]) -> list[Item]:
        """Our share of something that all have, dealt out in turn."""
        return list(items[self.rank :: self.world])

    def total(self, value: float) -> float:
        """The sum of a number over all processes."""
        if self.world == 1:
            return value
        from torch import distributed

        one = torch.tensor(value, dtype=torch.float64)
        distributed.all_reduce(one)
        return float(one)

    def first(self, value: Item) -> Item:
        """What the first process holds."""
        if self.world == 1:
            return value
        from torch import distributed

        held = [value]
        distributed.broadcast_object_list(held, src=0)
        return held[0]

    def any(self, flag: bool) -> bool:
        """Whether it is so for at least one process."""
        return self.total(float(flag)) > 0

    def sum_gradients(self, weights: Iterable[torch.nn.Parameter]) -> None:
        """Replace each gradient by the sum over all processes; one message for all of them.

        A process that had no page of a step takes part with zeros.
        """
        if self.world == 1:
            return
        from torch import distributed

        known = list(weights)
        for weight in known:
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
        flat = torch.cat([weight.grad.flatten() for weight in known if weight.grad is not None])
        distributed.all_reduce(flat)
        at = 0
        for weight in known:
            weight.grad = flat[at : at + weight.numel()].view_as(weight)
            at += weight.numel()

    def gather(self, mine: Sequence[Any]) -> list[Any]:
        """What `mine` dealt out, put together again in the old order."""
        if self.world == 1:
            return list(mine)
        from torch import distributed

        parts: list[Any] = [None] * self.world
        distributed.all_gather_object(parts, list(mine))
        whole: list[Any] = [None] * sum(map(len, parts))
        for rank, part in enumerate(parts):
            whole[rank :: self.world] = part
        return whole
