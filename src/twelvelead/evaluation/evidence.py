"""Which bytes a scorecard speaks of, so that a verdict cannot be carried over to another model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from twelvelead.data.digest import file_sha256, model_sha256

TABLES = ("predictions.parquet", "predictions_fold9.parquet", "controls.parquet")


def collect(evaluation: Path, adapter: Path | None, baseline: Path | None) -> dict[str, str]:
    """SHA-256 of the models that were judged and of what they said.

    Args:
        evaluation: Folder with the tables of predictions.
        adapter: Folder of the adapter, if it is at hand.
        baseline: Folder of the CNN, if it is at hand.

    Returns:
        "adapter" and "baseline" (as far as given) and every table that is there.
    """
    folders = {"adapter": adapter, "baseline": baseline}
    models = {name: model_sha256(folder) for name, folder in folders.items() if folder is not None}
    tables = {name: evaluation / name for name in TABLES}
    return models | {name: file_sha256(path) for name, path in tables.items() if path.is_file()}


def differences(named: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """What was found and is not what the scorecard names, one sentence each."""
    return [
        f"{name}: the scorecard speaks of {str(named.get(name, 'none'))[:12]}, here is {digest[:12]}"
        for name, digest in found.items()
        if named.get(name) != digest
    ] + [f"{name}: not here" for name in TABLES if name in named and name not in found]
