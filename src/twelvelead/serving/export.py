"""A run's adapter, packed as a reader: one folder with all that is needed beside the base."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from twelvelead.data.digest import LINEAGE_FILE
from twelvelead.errors import SetupError
from twelvelead.serving.identity import ADAPTER, CNN, READER, read_identity, to_tree

CNN_FILES = ("config.json", "model.safetensors")


def export_reader(run: Path, to: Path, *, cnn: bool = True, base: str = "") -> dict[str, Any]:
    """Pack a reader; it appears whole or not at all, and an older one at `to` is replaced.

    Args:
        run: A run's folder, its artifacts, or another reader; see `identity`.
        to: The folder to make.
        cnn: Whether the signal CNN comes along, if there is one.
        base: Path of the base to record; "" keeps the one recorded in training.

    Returns:
        The folder, its verdict, how many statements, bytes.

    Raises:
        SetupError: There is no reader, its files do not belong together, or `to` holds something else.
    """
    identity = read_identity(run)
    if to.exists() and not (to / READER).is_file():
        raise SetupError("is there already and holds no reader", where=str(to), fix="name another folder")
    with_cnn = cnn and identity.cnn_folder is not None
    identity = replace(
        identity, base=base or identity.base, cnn=identity.cnn if with_cnn else None,
        name=identity.name if identity.name != "artifacts" else "twelvelead-reader",
    )  # fmt: skip
    aside = to.with_name(f".tmp-{os.getpid()}-{to.name}")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        left_out = shutil.ignore_patterns(LINEAGE_FILE)  # reader.json has what matters of it
        shutil.copytree(identity.adapter, aside / ADAPTER, ignore=left_out)
        if with_cnn and identity.cnn_folder is not None:
            (aside / CNN).mkdir()
            for name in CNN_FILES:
                shutil.copyfile(identity.cnn_folder / name, aside / CNN / name)
        text = json.dumps(to_tree(identity), indent=1, allow_nan=False) + "\n"
        (aside / READER).write_text(text, encoding="utf-8")
        read_identity(aside)
        if to.exists():
            shutil.rmtree(to)
        aside.rename(to)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    size = sum(item.stat().st_size for item in to.rglob("*") if item.is_file())
    return {
        "reader": str(to), "decision": identity.decision, "statements": len(identity.statements),
        "cnn": with_cnn, "base": identity.base, "bytes": size,
    }  # fmt: skip
