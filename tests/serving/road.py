"""What the stages would have left behind, as small as it can be: adapter, scorecard, verdict, CNN."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from twelvelead.data.digest import model_sha256
from twelvelead.params import Synthesize, TrainBaseline
from twelvelead.serving.identity import Asked, Identity
from twelvelead.serving.reader import Reader

CODES = ("NORM", "AFIB", "SR")
ASKED = (("NORM", 1.0, 0.0, 0.5), ("AFIB", 1.0, 0.0, 0.2), ("SR", 1.0, 0.0, None))
REASONS = ["lora's macro AUC is 0.040 below cnn's"]


def identity(folder: Path = Path(), **changes: Any) -> Identity:
    """Who a made-up reader is."""
    fields: dict[str, Any] = {
        "name": "twelvelead-reader", "version": "3", "alias": "champion", "source": "registry",
        "decision": "rejected", "reasons": tuple(REASONS),
        "policy_name": "a policy", "policy_sha256": "c" * 64,
        "base": "models/tiny", "base_sha256": "b" * 64, "adapter_sha256": "a" * 64,
        "data_source": "simulated", "lineage": {"seed.synthesize": "0"},
        "statements": tuple(Asked(*one) for one in ASKED),
        "cnn": None, "page": Synthesize().model_dump(mode="json"),
        "adapter": folder, "cnn_folder": None,
    }  # fmt: skip
    return Identity(**{**fields, **changes})


class Scorer:
    """Says of a picture how dark it is; NORM is what is not AFIB."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def score(self, pictures: list[bytes]) -> Any:
        from PIL import Image

        self.batches.append(len(pictures))
        dark = [
            1 - np.asarray(Image.open(io.BytesIO(data)).convert("L"), float).mean() / 255 for data in pictures
        ]
        return np.array([[1 - value, value, 0.9] for value in dark], np.float32)


def reader(**changes: Any) -> Reader:
    """A reader without weights."""
    return Reader(identity(**changes), Scorer(), None)


def page(layout: str = "3x4+1r", seed: int = 1) -> bytes:
    """A page of ours as PNG."""
    from archive import signal_uv

    from twelvelead.paper.encode import png_bytes
    from twelvelead.paper.page import PageStyle, render

    style = PageStyle.paper("a4", 101.6, layout=layout)
    return png_bytes(render(signal_uv(seed).T / 1000, 500.0, style))


def wfdb(seed: int = 1, name: str = "00001_hr") -> tuple[bytes, bytes]:
    """Header and signals of a record."""
    from archive import signal_uv

    from twelvelead.data.wfdb import encode

    return encode(name, signal_uv(seed), 500.0)


def write_road(folder: Path, base: Any, base_path: Path) -> Path:
    """A road with a real adapter of random weights on a base, and a real CNN."""
    from safetensors.torch import save_file

    from twelvelead.models import lora
    from twelvelead.models.cnn1d import build
    from twelvelead.params import TrainLora

    adapter, cnn = folder / "adapter", folder / "baseline"
    for each in (adapter, cnn, folder / "evaluation"):
        each.mkdir(parents=True)
    wrapped = lora.attach(base.model, TrainLora(rank=2, alpha=4))
    lora.save(wrapped, adapter, base_path=str(base_path), base_sha256=base.sha256)
    architecture = TrainBaseline().architecture
    save_file(build(architecture, len(CODES)).state_dict(), cnn / "model.safetensors")
    config = {"architecture": architecture, "codes": list(CODES), "fs_hz": 100, "crop": 250, "mean": 0.0,
              "std": 1.0, "seed": 1, "seeds": [1]}  # fmt: skip
    fitted = {code: {"slope": 1.5, "intercept": -0.5, "threshold": 0.4} for code in CODES}
    fitted["SR"]["threshold"] = None  # type: ignore[assignment]
    card = {
        "data": {"source": "simulated", "statements": list(CODES)},
        "models": {"lora": {"statements": fitted}, "cnn": {"statements": fitted}},
        "comparison": {"candidate": "lora", "baseline": "cnn"},
        "evidence": {"adapter": model_sha256(adapter)},
    }  # fmt: skip
    verdict = {"passed": False, "promotes": True, "candidate": "lora", "policy_name": "a policy",
               "policy_sha256": "c" * 64, "reasons": REASONS}  # fmt: skip
    stages = {
        "synthesize": {"params": Synthesize(seed=4).model_dump(mode="json"), "inputs": {"records": "1" * 32}}
    }
    for path, tree in ((cnn / "config.json", config), (folder / "evaluation" / "scorecard.json", card),
                       (folder / "verdict.json", verdict), (adapter / "lineage.json", stages)):  # fmt: skip
        path.write_text(json.dumps(tree), encoding="utf-8")
    return folder
