"""The base spread over GPUs that could not hold it alone (FSDP2): each keeps a share of every large layer.

A layer is put together for its own forward and backward pass only, and gradients are summed on the way back.
Where a GPU holds the base, plain data parallelism is faster: adapters are all there is to exchange.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from twelvelead.models.lora import whole
from twelvelead.models.packed import bare


def units(model: Any, *, vision: bool, projector: bool) -> Iterator[nn.Module]:
    """What is spread and put together as one piece: exactly the modules that the packed forward calls.

    A frozen tower stays whole, so that each process encodes its own pages without asking the others.
    """
    inner = bare(model).model
    language = inner.language_model
    for number, layer in enumerate(language.layers):
        if number in language.cross_attention_layers:  # the packed forward calls its parts
            yield from (layer.cross_attn, layer.mlp)
        else:
            yield layer
    if vision:
        yield from inner.vision_model.transformer.layers
        yield from inner.vision_model.global_transformer.layers
    if projector:
        yield inner.multi_modal_projector


def shard(model: Any, *, vision: bool, projector: bool) -> None:
    """Spread a model over all processes; what is not spread goes to this process's device."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    kind = "cuda" if torch.cuda.is_available() else "cpu"
    mesh = init_device_mesh(kind, (int(os.environ["WORLD_SIZE"]),))
    for unit in units(model, vision=vision, projector=projector):
        spread = fully_shard(unit, mesh=mesh)
        spread.set_gradient_divide_factor(1.0)  # a sum: the step itself divides by its answers
        spread.set_force_sum_reduction_for_comms(True)
    if kind == "cpu":
        return
    for weight in [*model.parameters(), *model.buffers()]:
        if not hasattr(weight, "full_tensor"):
            weight.data = weight.data.to(kind)


def full_state(state: dict[str, Any]) -> dict[str, Any]:
    """An optimizer's state with every tensor whole, as a single process has it. All processes call it."""
    return {
        **state,
        "state": {
            number: {name: whole(v) if isinstance(v, Tensor) else v for name, v in moments.items()}
            for number, moments in state["state"].items()
        },
    }


def like(value: Tensor, weight: Tensor) -> Tensor:
    """A whole tensor, spread as `weight` is."""
    if not hasattr(weight, "full_tensor"):
        return value
    from torch.distributed.tensor import distribute_tensor

    spread: Any = weight
    return distribute_tensor(value.to(spread.device), spread.device_mesh, spread.placements)


def own_state(state: dict[str, Any], weights: list[nn.Parameter]) -> dict[str, Any]:
    """The inverse of `full_state`, for an optimizer over `weights`."""
    return {
        **state,
        "state": {
            number: {
                name: like(v, weights[number])
                if isinstance(v, Tensor) and v.shape == weights[number].shape
                else v
                for name, v in moments.items()
            }
            for number, moments in state["state"].items()
        },
    }
