"""An adapter added to its base: the command `merge`."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from twelvelead.errors import SetupError


def merge(adapter: Path, to: Path, base: str = "") -> dict[str, Any]:
    """Write a model that plain transformers loads, and that answers as base and adapter do.

    Args:
        adapter: Folder of the adapter.
        to: Folder to make; it appears whole or not at all.
        base: Folder or s3:// prefix of the base; "" = where the adapter was trained.

    Raises:
        SetupError: There is no adapter or base, they do not belong together, or `to` is there already.
    """
    from twelvelead.models import lora
    from twelvelead.models.mllama import load_base, local_folder

    if to.exists():
        raise SetupError("is there already", where=str(to), fix="name another folder, or remove it")
    origin = adapter / "base.json"
    if not origin.is_file():
        raise SetupError("holds no adapter", where=str(adapter), expected="base.json and adapter weights")
    try:
        path = base or str(json.loads(origin.read_text(encoding="utf-8"))["base"])
    except (ValueError, TypeError, KeyError):
        raise SetupError("names no base", where=str(origin), fix="say it: --base FOLDER") from None
    loaded = load_base(path)
    wrapped = lora.load(loaded.model, adapter, base_sha256=loaded.sha256)
    aside = to.with_name(f".tmp-{os.getpid()}-{to.name}")
    shutil.rmtree(aside, ignore_errors=True)  # of a killed process of the same number, as pods have them
    aside.mkdir(parents=True)
    try:
        lora.merge(wrapped, aside, local_folder(path))
        shutil.copyfile(origin, aside / "lineage.json")
        aside.rename(to)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return {"model": str(to), "base": path, "sha256_of_base": loaded.sha256}
