"""The multimodal Llama base: loading, tokens of a conversation, pictures to tensors.

The same code loads the embedded tiny base and a `meta-llama/Llama-3.2-11B-Vision-Instruct` folder or
S3 prefix; nothing is ever fetched from a model hub.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from twelvelead.errors import DataError, SetupError
from twelvelead.models.packed import Question

YES, NO = "Yes", "No"
Messages = list[dict[str, Any]]


@dataclass(frozen=True)
class Base:
    """A loaded base model with all it needs to turn pages and conversations into tensors."""

    model: Any  # MllamaForConditionalGeneration, or its PEFT wrapper
    tokenizer: Any
    image_processor: Any
    path: str
    sha256: str
    _questions: dict[str, tuple[tuple[int, ...], tuple[Question, ...]]] = field(
        default_factory=dict, repr=False
    )

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        device: torch.device = next(self.model.parameters()).device
        return device

    def question(self, messages: Messages) -> tuple[tuple[int, ...], Question]:
        """Token ids of a single-turn conversation: prefix up to the image token, and what is behind it.

        Raises:
            DataError: The conversation has no picture first, or more than one answer.
        """
        prefix, questions = self.dialogue(messages)
        if len(questions) != 1:
            raise DataError(
                f"a conversation of {len(questions)} answers", expected="one question, one answer"
            )
        return prefix, questions[0]

    def dialogue(self, messages: Messages) -> tuple[tuple[int, ...], tuple[Question, ...]]:
        """Token ids of a conversation: prefix up to the image token, and one question an answer.

        The prompt of a later question holds the turns before it, so each answer is learnt once, and packed
        beside the others it is the same as in a sequence of its own.

        Raises:
            DataError: The conversation does not show exactly one picture, or two answers follow each other.
        """
        key = json.dumps(messages, sort_keys=True)
        if key not in self._questions:
            self._questions[key] = self._tokenize(messages)
        return self._questions[key]

    def _tokenize(self, messages: Messages) -> tuple[tuple[int, ...], tuple[Question, ...]]:
        # add_special_tokens=False: the template already wrote the begin-of-text token (llama-cookbook #840)
        encode = functools.partial(self.tokenizer.encode, add_special_tokens=False)
        template = functools.partial(self.tokenizer.apply_chat_template, tokenize=False)
        answers = [number for number, turn in enumerate(messages) if turn["role"] == "assistant"]
        prefix: tuple[int, ...] = ()
        questions = []
        for number in answers or [len(messages)]:
            text = template(list(messages[:number]), add_generation_prompt=True)
            head, image, tail = text.partition("<|image|>")
            if not image or "<|image|>" in tail:
                raise DataError("a conversation must show exactly one picture", where=text[:80])
            if number and messages[number - 1]["role"] == "assistant":
                raise DataError("an answer follows an answer", where=tail[:80])
            prefix = tuple(encode(head + image))
            said = "".join(part["text"] for turn in messages[number : number + 1] for part in turn["content"])
            ended = tuple(encode(f"{said}<|eot_id|>")) if said else ()
            questions.append(Question(tuple(encode(tail)), ended))
        return prefix, tuple(questions)

    @functools.cached_property
    def verbalisers(self) -> tuple[int, int]:
        """Token ids of "Yes" and "No" at an answer slot.

        Raises:
            SetupError: The tokenizer splits them, so no single slot could hold the answer.
        """
        ids = [self.tokenizer.encode(word, add_special_tokens=False) for word in (YES, NO)]
        if any(len(pieces) != 1 for pieces in ids):
            raise SetupError("the tokenizer splits 'Yes' or 'No' into pieces", where=self.path)
        return ids[0][0], ids[1][0]

    def pixels(self, pictures: Sequence[bytes], device: torch.device | None = None) -> dict[str, Tensor]:
        """Model inputs of encoded pictures (PNG, JPEG), on the model's device if no other is named.

        Returns:
            `pixel_values` (B, 1, T, 3, S, S), `aspect_ratio_ids` (B, 1), `aspect_ratio_mask` (B, 1, T).
        """
        from PIL import Image

        images = [[Image.open(io.BytesIO(data)).convert("RGB")] for data in pictures]
        batch = self.image_processor(images, return_tensors="pt")
        names = ("pixel_values", "aspect_ratio_ids", "aspect_ratio_mask")
        return {name: torch.as_tensor(np.asarray(batch[name])).to(device or self.device) for name in names}


def load_base(path: str, *, dtype: torch.dtype | None = None, device: str | None = None) -> Base:
    """Load a Mllama base from a folder or an s3:// prefix.

    Args:
        path: Folder or prefix in Hugging Face layout (config.json, *.safetensors, tokenizer, preprocessor).
        dtype: Weights' type; default bfloat16 on a machine with a GPU, else float32.
        device: Where the weights go; default the GPU where there is one.

    Raises:
        SetupError: The folder is missing, has no weights, or is no Mllama.
    """
    import transformers
    from transformers.models.mllama.image_processing_pil_mllama import MllamaImageProcessorPil

    folder = local_folder(path)
    config = _check_folder(folder, path)
    cuda = torch.cuda.is_available()
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    model = transformers.MllamaForConditionalGeneration.from_pretrained(
        folder, dtype=dtype or (torch.bfloat16 if cuda else torch.float32), local_files_only=True
    )
    if cuda and device != "cpu":
        torch.nn.Module.to(model, device or "cuda")
    model.eval().requires_grad_(False)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    processor = MllamaImageProcessorPil.from_pretrained(folder, local_files_only=True)
    size = dict(processor.size)
    if size.get("height") != config["vision_config"]["image_size"]:
        raise SetupError(
            f"the image processor makes tiles of {size} px",
            where=str(folder / "preprocessor_config.json"),
            expected=f"{config['vision_config']['image_size']} px, as the vision tower has",
        )
    return Base(model, tokenizer, processor, path, folder_sha256(folder))


def folder_sha256(folder: Path) -> str:
    """One hash of a base: its config, weights and tokenizer files, by name."""
    whole = hashlib.sha256()
    for item in sorted(folder.glob("*")):
        if item.suffix in {".safetensors", ".json", ".jinja"} and item.name not in {
            "pretraining.json",
            "lineage.json",
        }:
            with item.open("rb") as stream:
                whole.update(item.name.encode() + hashlib.file_digest(stream, "sha256").digest())
    return whole.hexdigest()


def local_folder(path: str) -> Path:
    """The folder of a base; an s3:// prefix is fetched into the cache first."""
    if not path.startswith("s3://"):
        return Path(path)
    from twelvelead.data.storage import download_prefix

    return download_prefix(path, cache_folder() / "bases")


def cache_folder() -> Path:
    """Where things lie that can be had again: TWELVELEAD_CACHE, else ~/.cache/twelvelead."""
    return Path(os.environ.get("TWELVELEAD_CACHE", Path.home() / ".cache" / "twelvelead"))


def _check_folder(folder: Path, path: str) -> dict[str, Any]:
    layout = "a folder with config.json, *.safetensors, tokenizer.json and preprocessor_config.json"
    if not folder.is_dir():
        raise SetupError(
            "base model folder not found", where=path, expected=layout, fix="set train_lora.base"
        )
    if not (folder / "config.json").is_file():
        raise SetupError("base model folder has no config.json", where=path, expected=layout)
    config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config.get("model_type") != "mllama":
        raise SetupError(
            f"base model is a {config.get('model_type')!r}",
            where=path,
            expected="'mllama' (Llama 3.2 Vision)",
        )
    if not list(folder.glob("*.safetensors")):
        raise SetupError(
            "base model folder has no weights",
            where=path,
            expected=layout,
            fix="copy the *.safetensors files there",
        )
    for name in ("tokenizer.json", "preprocessor_config.json"):
        if not (folder / name).is_file():
            raise SetupError(f"base model folder has no {name}", where=path, expected=layout)
    return config
