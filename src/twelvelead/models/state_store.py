"""Cross-attention states on disk: one file a page, named by what it was computed from.

A name holds the hash of the picture, a folder the hash of everything else that decides the numbers: weights
of the base, image processor, meaning of the features, number format. So an entry is right for ever, any run
and any process may use it, and a changed base simply misses.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import uuid
from pathlib import Path

import torch
from isal import isal_zlib
from torch import Tensor

from twelvelead.errors import SetupError
from twelvelead.models.mllama import Base
from twelvelead.models.packed import SEMANTICS

LAYOUT = "1"
INT8_LEVELS = 127


class StateStore:
    """States (V, H) by picture, in the model's own number format or in int8 with one scale a token."""

    def __init__(self, folder: Path, base: Base, *, int8: bool = False) -> None:
        self.int8 = int8
        self.dtype: torch.dtype = base.model.dtype
        processor = json.dumps(base.image_processor.to_dict(), sort_keys=True, default=str)
        parts = (LAYOUT, base.sha256, processor, SEMANTICS, str(self.dtype), f"int8={int8}")
        self.folder = folder / hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    def path(self, picture: bytes) -> Path:
        """Where the states of a picture are or would be."""
        name = hashlib.sha256(picture).hexdigest()
        return self.folder / name[:2] / f"{name}.safetensors"

    def write(self, picture: bytes, states: Tensor) -> Path:
        """Keep the states of a picture; the file appears whole or not at all.

        Raises:
            SetupError: The folder cannot be written, or is full.
        """
        from safetensors import SafetensorError
        from safetensors.torch import save_file

        parts = {name: part.cpu().contiguous() for name, part in self.coded(states).items()}
        path = self.path(picture)
        # not the process number: containers that share a cache may have the same
        aside = path.with_name(f".tmp-{uuid.uuid4().hex}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file(parts, aside, metadata={"crc32": str(_crc32(parts))})
            aside.replace(path)
        except (OSError, SafetensorError) as fault:
            raise SetupError(
                f"vision states cannot be kept: {fault}",
                where=str(path.parent),
                fix="make room, set TWELVELEAD_CACHE to another folder, or train_lora.vision_cache=nowhere",
            ) from None
        finally:
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)
        return path

    def read(self, picture: bytes) -> Tensor | None:
        """The states of a picture; None where there are none or the file is damaged."""
        from safetensors import SafetensorError, safe_open

        path = self.path(picture)
        try:
            with safe_open(path, framework="pt") as stored:
                parts = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
                crc32 = (stored.metadata() or {}).get("crc32")
        except (FileNotFoundError, SafetensorError):
            return None
        return self.plain(parts) if str(_crc32(parts)) == crc32 else None

    def coded(self, states: Tensor) -> dict[str, Tensor]:
        """As written: the states, or codes (V, H) of one byte and their scales (V, 1)."""
        if not self.int8:
            return {"states": states}
        scales = states.float().abs().amax(dim=-1, keepdim=True).clamp_min(1e-12) / INT8_LEVELS
        return {"codes": (states.float() / scales).round().to(torch.int8), "scales": scales}

    def plain(self, parts: dict[str, Tensor]) -> Tensor:
        """The states again."""
        if "states" in parts:
            return parts["states"]
        return (parts["codes"].float() * parts["scales"]).to(self.dtype)


def _crc32(parts: dict[str, Tensor]) -> int:
    crc = 0
    for name in sorted(parts):
        crc = isal_zlib.crc32(parts[name].contiguous().view(torch.uint8).numpy(), crc)
    return crc
