"""Run one stage so that its output appears whole or not at all, and carries its lineage."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import twelvelead
from twelvelead.data.digest import dvc_md5
from twelvelead.data.revision import ORIGIN
from twelvelead.errors import DataError, Error, SetupError
from twelvelead.params import Params, Section
from twelvelead.progress import say
from twelvelead.stages import Stage, find

Summary = dict[str, Any]
LINEAGE = "lineage.json"
PIECES_KEY = "made-by"  # in a folder of pieces: what they may be gathered into
FILES_THAT_SHAPE = {"base", "policy"}  # hashed like inputs; a source folder is not, its copy in records/ is
StageFunction = Callable[[Mapping[str, Path], Path, Any, Path], Summary]


def run(
    name: str, inputs: Mapping[str, Path], output: Path, params: Params, pieces: Iterable[Path] = ()
) -> Summary:
    """Run a stage.

    Args:
        name: The stage's name.
        inputs: Path of each input artifact, by artifact name.
        output: Where the artifact shall appear; what is there is replaced, once the new one is whole.
        params: The whole tree; the stage sees its section.
        pieces: Folders of work that was done elsewhere (`draw`); the stage finds it as its own.

    Returns:
        What the stage says of itself: JSON-ready counts and figures.

    Raises:
        SetupError: An input or a named file is missing.
        Error: Whatever the stage raises; what it had written by then is kept beside as `<output>.rejected`.
    """
    # Read when torch is first imported. Threads that spin while they wait made the CNN 30 times slower
    # (31 against 921 crops a CPU-second) wherever another process wanted the cores too.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    stage = find(name)
    section = params.section(name)
    for artifact in stage.inputs:
        if not inputs[artifact].exists():
            raise SetupError(
                f"input {artifact!r} is missing",
                where=str(inputs[artifact]),
                fix="run the stage that makes it first",
            )
    lineage = _lineage(stage, inputs, section)
    work = _work_folder(output, lineage["key"])
    work.mkdir(parents=True, exist_ok=True)
    for piece in pieces:
        take_pieces(piece, work, lineage["key"])
    output.parent.mkdir(parents=True, exist_ok=True)
    whole = output.with_name(f".tmp-{os.getpid()}-{output.name}")
    _remove(whole)
    if not Path(stage.output).suffix:
        whole.mkdir()
    say(f"── {stage.name}: {stage.about}")
    begun = time.monotonic()
    try:
        summary = _function(stage)(inputs, whole, section, work)
    except DataError:
        if whole.exists():
            _replace(whole, output.with_name(f"{output.name}.rejected"))
        raise
    except BaseException:
        _remove(whole)
        raise
    if not whole.exists():
        raise Error(f"stage {stage.name} ended without writing its output", where=str(output))
    if whole.is_dir():
        if (origin := whole / ORIGIN).is_file():
            lineage["entries"][stage.name]["origin"] = json.loads(origin.read_text(encoding="utf-8"))
        (whole / LINEAGE).write_text(
            json.dumps(lineage["entries"], indent=1, sort_keys=True) + "\n", encoding="utf-8"
        )
    _replace(whole, output)
    shutil.rmtree(work, ignore_errors=True)
    say(f"── {stage.name}: done in {time.monotonic() - begun:.1f} s → {output.name}")
    return summary


def _function(stage: Stage) -> StageFunction:
    module, _, function = stage.target.partition(":")
    found: StageFunction = getattr(importlib.import_module(module), function)
    return found


def _lineage(stage: Stage, inputs: Mapping[str, Path], section: Section) -> dict[str, Any]:
    """What the output is made of: this stage's entry after everything upstream. No time, no place."""
    entries: dict[str, Any] = {}
    digests = {}
    for key in stage.files:
        named = Path(str(getattr(section, key)))
        if key in FILES_THAT_SHAPE and named.exists():
            digests[key] = dvc_md5(named)
    for artifact in stage.inputs:
        digests[artifact] = dvc_md5(inputs[artifact])
        upstream = inputs[artifact] / LINEAGE
        if upstream.is_file():
            entries |= json.loads(upstream.read_text(encoding="utf-8"))
    shaping = section.model_dump(mode="json", exclude=set(section.not_shaping))
    entries[stage.name] = {"params": shaping, "inputs": digests}
    key = hashlib.sha256(json.dumps([code_fingerprint(), entries], sort_keys=True).encode()).hexdigest()
    return {"entries": entries, "key": f"{stage.name}-{key[:16]}"}


def code_fingerprint(root: Path = Path(twelvelead.__file__).parent) -> str:
    """SHA-256 of the package's Python sources, shortened: half-done work of older code is never continued."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _work_folder(output: Path, key: str) -> Path:
    root = os.environ.get("TWELVELEAD_WORK")
    return (Path(root) if root else output.parent / ".work") / key


def work_of(name: str, inputs: Mapping[str, Path], output: Path, params: Params) -> tuple[Path, str]:
    """The work folder of a stage, and the key that tells its half-done work from that of other inputs."""
    stage = find(name)
    key = str(_lineage(stage, inputs, params.section(name))["key"])
    return _work_folder(output, key), key


def leave_pieces(files: Iterable[Path], folder: Path, key: str) -> None:
    """Copy finished pieces of work into a folder that `run` takes as `pieces`."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in files:
        _copy_whole(path, folder / path.name)
    (folder / PIECES_KEY).write_text(key, encoding="utf-8")


def take_pieces(piece: Path, work: Path, key: str) -> None:
    """Copy the pieces of a folder into the work folder.

    Raises:
        DataError: They were made from other inputs, params or code.
    """
    mark = piece / PIECES_KEY
    made = mark.read_text(encoding="utf-8") if mark.is_file() else "nothing known"
    if made != key:
        raise DataError(
            "pieces of other inputs, params or code",
            where=str(piece),
            expected=key,
            fix=f"draw again: {made}",
        )
    for path in sorted(item for item in piece.iterdir() if item.name != PIECES_KEY):
        if not (work / path.name).exists():
            _copy_whole(path, work / path.name)


def _copy_whole(path: Path, to: Path) -> None:
    half = to.with_name(f".tmp-{os.getpid()}-{to.name}")
    shutil.copyfile(path, half)
    half.rename(to)


def _replace(new: Path, old: Path) -> None:
    """Put `new` where `old` is. No folder can be renamed over a full one, so the old one steps aside."""
    os.sync()  # one call: syncing twelve thousand records one by one takes longer than making them
    aside = old.with_name(f".tmp-old-{os.getpid()}-{old.name}")
    if old.exists():
        old.rename(aside)
    new.rename(old)
    _remove(aside)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
