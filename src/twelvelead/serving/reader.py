"""A loaded reader: pictures in, calibrated probabilities out, and the CNN's where a signal came along."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twelvelead.errors import SetupError
from twelvelead.serving.export import export_reader
from twelvelead.serving.identity import UNJUDGED, Asked, Identity, read_identity

__all__ = ["Reader", "export_reader", "load_reader"]

BATCH = 16
Probabilities = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """A model that can be asked.

    Attributes:
        identity: Who it is.
        scorer: The base with its adapter.
        cnn: The signal CNN and its config, or None.
    """

    identity: Identity
    scorer: Any
    cnn: tuple[Any, dict[str, Any]] | None

    def read(self, pictures: Sequence[bytes]) -> Probabilities:
        """Calibrated probabilities (pictures, statements), in the order of `identity.statements`.

        Args:
            pictures: PNG or JPEG files; sixteen share a forward pass.
        """
        parts = [
            self.scorer.score(list(pictures[start : start + BATCH]))
            for start in range(0, len(pictures), BATCH)
        ]
        raw = np.concatenate(parts) if parts else np.zeros((0, len(self.identity.statements)), np.float32)
        return _calibrated(raw, self.identity.statements)

    def read_signal(self, signal_mv: NDArray[np.floating], fs_hz: float) -> Probabilities | None:
        """The CNN's calibrated probabilities (statements of `identity.cnn`,) of a record, or None."""
        if self.cnn is None or self.identity.cnn is None:
            return None
        from twelvelead.models.cnn1d import predict
        from twelvelead.training.signals import at_fs, standardise

        model, config = self.cnn
        signal = at_fs(np.nan_to_num(signal_mv), fs_hz)
        standardise([signal], config["mean"], config["std"])
        raw = predict(model, [signal], config["crop"])
        columns = [config["codes"].index(one.code) for one in self.identity.cnn]
        return _calibrated(raw[:, columns], self.identity.cnn)[0]


def load_reader(folder: Path | Identity, *, source: str = "folder", threads: int = 0) -> Reader:
    """Load base, adapter and CNN.

    Args:
        folder: A reader's, run's or adapter's folder, or who it is.
        source: What the answers call its origin.
        threads: Torch threads; 0 for all cores.

    Raises:
        SetupError: Something is missing or does not belong together.
    """
    import os

    waiting_threads_sleep()
    import torch

    from twelvelead.evaluation.score import load_scorer

    identity = folder if isinstance(folder, Identity) else read_identity(folder, source)
    torch.set_num_threads(threads or os.cpu_count() or 1)
    scorer = load_scorer(identity.base_path, identity.adapter, identity.codes)
    return Reader(identity, scorer, _cnn(identity))


def waiting_threads_sleep() -> None:
    """Tell OpenMP, before torch is first imported, that threads sleep while they wait.

    As in stages.run: spinning ones starve the processes that open uploads. Beside other work a page took
    71 ms instead of 534 ms on two cores.
    """
    import os

    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def adapter_reader(
    base: str, adapter: Path, codes: Sequence[str], slope: Sequence[float], intercept: Sequence[float]
) -> Reader:
    """A reader of which only adapter and calibration are known, as MLflow's model file has them.

    Args:
        base: Folder or s3:// prefix of the base.
        adapter: Folder of the adapter.
        codes: Statements to ask.
        slope, intercept: Their calibration.
    """
    waiting_threads_sleep()
    from twelvelead.evaluation.score import load_scorer

    asked = tuple(Asked(*row, None) for row in zip(codes, slope, intercept, strict=True))
    identity = Identity(
        name="", version="", alias="", source="registry", decision=UNJUDGED, reasons=(), policy_name="",
        policy_sha256="", base=base, base_sha256="", adapter_sha256="", data_source="unknown",
        statements=asked, cnn=None, page={}, lineage={}, adapter=adapter, cnn_folder=None,
    )  # fmt: skip
    return Reader(identity, load_scorer(base, adapter, codes), None)


def _cnn(identity: Identity) -> tuple[Any, dict[str, Any]] | None:
    if identity.cnn_folder is None or identity.cnn is None:
        return None
    import json

    from safetensors.torch import load_file

    from twelvelead.models.cnn1d import build

    config = json.loads((identity.cnn_folder / "config.json").read_text(encoding="utf-8"))
    missing = [one.code for one in identity.cnn if one.code not in config["codes"]]
    if missing:
        raise SetupError(f"the CNN does not know {', '.join(missing[:5])}", where=str(identity.cnn_folder))
    model = build(config["architecture"], len(config["codes"]))
    model.load_state_dict(load_file(identity.cnn_folder / "model.safetensors"))
    return model.eval(), config


def _calibrated(raw: Probabilities, asked: Sequence[Asked]) -> Probabilities:
    from twelvelead.evaluation.calibration import Calibration

    slope, intercept = (np.array([getattr(one, key) for one in asked]) for key in ("slope", "intercept"))
    return Calibration(slope, intercept).of(raw)


def positive(probability: float, threshold: float | None) -> bool:
    """Whether a statement is called."""
    return threshold is not None and not math.isnan(threshold) and probability >= threshold
