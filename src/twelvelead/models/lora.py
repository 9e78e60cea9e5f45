"""LoRA on a Mllama: which modules are adapted, and proof that nothing else is.

Adapters never touch `lm_head` or `embed_tokens`. PEFT has no defaults for Mllama and its suffix lists would
also hit the vision tower, so the targets are one anchored pattern and the resolved list is kept beside
the adapter.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twelvelead.errors import SetupError
from twelvelead.params import TrainLora

if TYPE_CHECKING:
    from torch import Tensor

LANGUAGE = r"model\.language_model\.layers\.\d+\.(self_attn|cross_attn|mlp)\.(q|k|v|o|gate|up|down)_proj"
VISION = (
    r"model\.vision_model\.(transformer|global_transformer)\.layers\.\d+"
    r"\.(self_attn\.(q|k|v|o)_proj|mlp\.fc[12])"
)
PROJECTOR = r"model\.multi_modal_projector"
FORBIDDEN = ("lm_head", "embed_tokens")


def targets(model: Any, *, vision: bool = False, projector: bool = False) -> list[str]:
    """Names of the linear layers to adapt, in the model's order.

    Raises:
        SetupError: None matches, which means the model is not built as expected.
    """
    wanted = [LANGUAGE] + [VISION] * vision + [PROJECTOR] * projector
    names: list[str] = []
    for pattern in map(re.compile, wanted):
        found = [name for name, _ in model.named_modules() if pattern.fullmatch(name)]
        if not found:
            raise SetupError("no layer of the base matches the LoRA pattern", expected=pattern.pattern)
        names += found
    return names


def attach(model: Any, params: TrainLora) -> Any:
    """Wrap the base with fresh adapters; everything else stays frozen."""
    import peft

    config = peft.LoraConfig(
        r=params.rank,
        lora_alpha=params.alpha,
        lora_dropout=params.dropout,
        target_modules=targets(model, vision=params.vision, projector=params.projector),
        use_rslora=params.rslora,
        use_dora=params.dora,
        bias="none",
    )
    with _known_noise():
        wrapped = peft.get_peft_model(model, config)
    assert_only_adapters_train(wrapped)
    return wrapped


def assert_only_adapters_train(model: Any) -> None:
    """Look at the built model, not at its configuration.

    Raises:
        SetupError: Something but LoRA weights trains, or an adapter sits on lm_head or embed_tokens.
    """
    for name, weight in model.named_parameters():
        adapter = ".lora_" in name
        if adapter and any(part in name for part in FORBIDDEN):
            raise SetupError(
                "an adapter sits where it must not", where=name, expected="never on lm_head or embed_tokens"
            )
        if weight.requires_grad and not adapter:
            raise SetupError("a base weight would be trained", where=name, expected="only LoRA weights train")


def whole(weight: Tensor) -> Tensor:
    """A weight that lies spread over processes, put together; all of them call it. Others as they are."""
    return weight.full_tensor() if hasattr(weight, "full_tensor") else weight


def frozen_sha256(model: Any) -> str:
    """Hash of every weight that is not an adapter; equal before and after training."""
    import torch

    hashed = hashlib.sha256()
    for name, weight in model.named_parameters():
        if ".lora_" not in name:
            plain = name.removeprefix("base_model.model.").replace(".base_layer", "")
            hashed.update(plain.encode())
            values = whole(weight.detach()).contiguous()
            hashed.update(values.view(torch.uint8).cpu().numpy().tobytes())
    return hashed.hexdigest()


def save(
    model: Any,
    folder: Path,
    *,
    base_path: str,
    base_sha256: str,
    weights: dict[str, Tensor] | None = None,
) -> None:
    """Write the adapter in PEFT's format, with the resolved module list and the base it belongs to.

    Args:
        model: The PEFT wrapper.
        folder: Where to write.
        base_path, base_sha256: The base.
        weights: The adapter's weights by name, where the model's own lie spread over processes.
    """
    model.peft_config["default"].base_model_name_or_path = base_path
    # False: "auto" would look the base up on a hub to see whether its vocabulary was resized
    model.save_pretrained(folder, save_embedding_layers=False, state_dict=weights)
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    if isinstance(config["target_modules"], list):  # a set's order changes from process to process
        config["target_modules"].sort()
        _write_json(folder / "adapter_config.json", config)
    (folder / "README.md").unlink(missing_ok=True)  # PEFT's empty template; the registry writes the real card
    modules = sorted(
        n.removeprefix("base_model.model.") for n, m in model.named_modules() if hasattr(m, "lora_A")
    )
    trainable = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    total = sum(weight.numel() for weight in model.parameters())
    listing = {"modules": modules, "trainable_parameters": trainable, "all_parameters": total}
    _write_json(folder / "modules.json", listing)
    _write_json(folder / "base.json", {"base": base_path, "sha256": base_sha256})


def load(model: Any, folder: Path, *, base_sha256: str) -> Any:
    """Wrap a base with a saved adapter.

    Raises:
        SetupError: The adapter was trained on another base, or is incomplete.
    """
    import peft

    if not (folder / "adapter_model.safetensors").is_file():
        raise SetupError("adapter folder has no adapter_model.safetensors", where=str(folder))
    trained_on = json.loads((folder / "base.json").read_text(encoding="utf-8"))["sha256"]
    if trained_on != base_sha256:
        raise SetupError(
            "the adapter was trained on another base",
            where=str(folder),
            expected=f"base with sha256 {trained_on[:12]}…",
        )
    with _known_noise():
        return peft.PeftModel.from_pretrained(model, str(folder)).eval()


def merge(model: Any, folder: Path, base: Path) -> None:
    """Write the base with the adapter's weights added, as a model that plain transformers loads.

    Args:
        model: The PEFT wrapper that `load` or `attach` gave; it is taken apart.
        folder: Where to write; tokenizer and image processor are copied beside the weights.
        base: Folder of the base.
    """
    merged = model.merge_and_unload(safe_merge=True)
    merged.save_pretrained(folder)
    for item in sorted(base.glob("*.json")) + sorted(base.glob("*.jinja")):
        if not (folder / item.name).exists() and "index" not in item.name and item.name != "pretraining.json":
            shutil.copyfile(item, folder / item.name)


@contextlib.contextmanager
def _known_noise() -> Iterator[None]:
    """PEFT 0.21 asks transformers 5.23 for a property by its old name."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message=".is_gradient_checkpointing. is deprecated", category=FutureWarning
        )
        yield


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")
