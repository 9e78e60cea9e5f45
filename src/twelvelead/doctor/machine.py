"""This machine: interpreter, packages, base model, room, and who could run containers."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from twelvelead.doctor.finding import Finding, each, good, judged
from twelvelead.params import Params

# Extra of pyproject.toml → modules that show it is installed, and what it is for.
EXTRAS = {
    "data": (("boto3", "great_expectations", "pydicom"), "ingest, validate, S3"),
    "train": (("torch", "transformers", "peft"), "train-baseline, train-lora, evaluate"),
    "evaluate": (("sklearn", "matplotlib"), "evaluate, report"),
    "track": (("mlflow",), "register, promote"),
    "pipeline": (("kfp",), "python -m pipelines"),
    "serve": (("starlette", "uvicorn"), "serve"),
}
ROOM_GB = 5.0  # a default run keeps 0.3 GB; records of all of PTB-XL with their pages take about 4


def examine(params: Params, runs: Path = Path("runs")) -> list[Finding]:
    """Look at this machine.

    Args:
        params: Their base model is looked for.
        runs: Where runs are kept.
    """
    looks: list[Callable[[], Finding]] = [
        _python,
        *(partial(_extra, name) for name in EXTRAS),
        _device,
        partial(_base, params.train_lora.base),
        partial(_room, runs),
        _engine,
    ]
    return each("this machine", looks)


def _python() -> Finding:
    version = sys.version.split()[0]
    return judged("Python", (3, 11) <= sys.version_info[:2] < (3, 13), version, "use Python 3.11 or 3.12")


def _extra(name: str) -> Finding:
    modules, uses = EXTRAS[name]
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    said = f"without {', '.join(missing)}" if missing else "installed"
    return judged(f"extra {name} ({uses})", not missing, said, f"pip install 'twelvelead[{name}]'")


def _device() -> Finding:
    if importlib.util.find_spec("torch") is None:
        return Finding("device", "unseen", "torch is not installed")
    from twelvelead.training.ranks import gpus

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return good("device", f"{gpus()} GPUs, {cores} cores")


def _base(base: str) -> Finding:
    name, fix = f"base model {base}", "set train_lora.base to a folder or s3:// prefix of a Mllama"
    if base.startswith("s3://"):
        return Finding(name, "unseen", "on S3; it is fetched when it is needed")
    needed = [Path(base) / file for file in ("config.json", "tokenizer.json", "preprocessor_config.json")]
    missing = [path.name for path in needed if not path.is_file()]
    return judged(name, not missing, f"lacks {', '.join(missing)}" if missing else "there", fix)


def _room(runs: Path) -> Finding:
    place = next(folder for folder in (runs.resolve(), *runs.resolve().parents) if folder.exists())
    free = shutil.disk_usage(place).free / 1e9
    if not os.access(place, os.W_OK):
        return Finding("room for runs", "bad", f"{place} cannot be written", "choose another --runs")
    return judged("room for runs", free >= ROOM_GB, f"{free:.0f} GB free", f"make {ROOM_GB:.0f} GB free")


def _engine() -> Finding:
    found = [name for name in ("podman", "docker") if shutil.which(name)]
    if not found:
        return Finding("container engine", "unseen", "none; only `make images` and `run --image` want one")
    return good("container engine", f"{found[0]} at {os.environ.get('DOCKER_HOST', 'its own socket')}")
