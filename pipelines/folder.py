"""The folder of one run: found again after a kill, locked while in use, checked and tidied at the end."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from components import identifier

from pipelines.variants import PIPELINES, Pipeline
from twelvelead.errors import Error, SetupError
from twelvelead.progress import say

# What people look for first lies at the top of the run folder: name → (artifact, file within it).
TOP = {
    "verdict.json": ("verdict.json", ""),
    "registration.json": ("registration.json", ""),
    "report.html": ("report.html", ""),
    "scorecard.json": ("evaluation", "scorecard.json"),
    "predictions.parquet": ("evaluation", "predictions.parquet"),
    "publication.json": ("publication", "publication.json"),
    "promotion.json": ("promotion.json", ""),
}
ATTEMPTS = "twelvelead-*"  # the local runner makes one such folder each time it is started


class StepError(Error):
    """A step of the pipeline failed; carries the exit code of the stage's own error."""

    def __init__(self, folder: Path, what: str, *, exit_code: int = 1) -> None:
        log = shown(folder / "log.txt")
        super().__init__(f"{what}\n  What is done is kept; the same command goes on from there. Log: {log}")
        self.exit_code = exit_code


@contextlib.contextmanager
def opened(runs: Path, key: str, params: str, name: str, *, fresh: bool) -> Iterator[Path]:
    """The folder to run in, locked: that of a killed or failed run with the same key, else a new one.

    Args:
        runs: Folder that holds one folder a run.
        key: What the two must have in common.
        params: Text kept as params.json.
        name: Last part of a new folder's name.
        fresh: Do not look for an old one.
    """
    for old in [] if fresh else sorted(runs.glob("*/run.json"), reverse=True):
        noted = json.loads(old.read_text(encoding="utf-8"))
        if noted["key"] == key and noted["state"] != "done" and (lock := _lock(old.parent)):
            with lock:
                kept = ", ".join(made_artifacts(old.parent)) or "nothing yet"
                say(f"Resuming {shown(old.parent)} (kept: {kept}); --fresh starts anew")
                yield old.parent
            return
    folder = _new(runs, name)
    lock = _lock(folder)
    if lock is None:
        raise SetupError("another process took the new run folder", where=str(folder))
    with lock:
        _write(folder / "params.json", params)
        note(folder, key, "running")
        say(f"Running in {shown(folder)}")
        yield folder


def note(folder: Path, key: str, state: str, pipeline: str = "") -> None:
    """Remember what is run here and how far it is: running or done."""
    _write(folder / "run.json", json.dumps({"key": key, "state": state, "pipeline": pipeline}) + "\n")


def made_artifacts(folder: Path, pipeline: Pipeline = PIPELINES["training"]) -> dict[str, Path]:
    """Where each artifact of a run lies, the latest of several attempts. What exists is whole."""
    steps = {
        stage.output: (stage.name.replace("_", "-"), identifier(stage.output)) for stage in pipeline.stages
    }
    for number, name in enumerate(pipeline.fetched, start=1):  # KFP numbers tasks of one component
        steps[name] = ("fetch" if number == 1 else f"fetch-{number}", "artifact")
    if pipeline.publishes:
        steps["publication"] = ("publish", "publication")
    if not pipeline.stages:
        steps["promotion.json"] = ("promote", "promotion")
    steps["outcome.json"] = ("outcome", "outcome")
    found = {}
    for artifact, (step, output) in steps.items():
        places = sorted((folder / "kfp").glob(f"{ATTEMPTS}/{step}/{output}"))
        if places:
            found[artifact] = places[-1]
    return found


def gather(folder: Path, pipeline: Pipeline = PIPELINES["training"]) -> None:
    """Check that everything is there, whatever KFP says, and put it where people look.

    Raises:
        StepError: An artifact is missing.
    """
    made = made_artifacts(folder, pipeline)
    attempt = max((folder / "kfp").glob(ATTEMPTS))
    stages = pipeline.stages
    wanted = [*pipeline.fetched, *(stage.output for stage in stages), "outcome.json"]
    wanted += ["publication"] * pipeline.publishes + ["promotion.json"] * (not stages)
    missing = [artifact for artifact in wanted if artifact not in made]
    missing += [
        stage.output
        for stage in stages
        if stage.effects and stage.output in made and attempt not in made[stage.output].parents
    ]
    top = {name: place for name, place in TOP.items() if place[0] in made}
    missing += [
        f"{artifact}/{file}"
        for artifact, file in top.values()
        if file and not (made[artifact] / file).exists()
    ]
    if missing:
        raise StepError(folder, f"the pipeline ended in success but did not make {', '.join(missing)}")
    links = folder / "artifacts"
    links.mkdir(exist_ok=True)
    for artifact, place in made.items():
        point(links / artifact, os.path.relpath(place, links))
    for name, (artifact, file) in top.items():
        half = folder / f".tmp-{name}"
        shutil.copyfile(made[artifact] / file, half)
        half.replace(folder / name)
    shutil.rmtree(folder / ".work", ignore_errors=True)


def point(link: Path, target: str) -> None:
    """Make or move a symbolic link in one step."""
    half = link.with_name(f".tmp-{os.getpid()}-{link.name}")
    half.unlink(missing_ok=True)
    half.symlink_to(target)
    half.replace(link)


def shown(path: Path) -> Path:
    """The path as people like to read and copy it: from where they are, if it lies below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _new(runs: Path, name: str) -> Path:
    stamp = f"{datetime.datetime.now():%Y%m%d-%H%M%S}"
    for suffix in ["", *(f"-{number}" for number in range(2, 100))]:
        folder = runs / f"{stamp}-{name}{suffix}"
        with contextlib.suppress(FileExistsError):
            folder.mkdir(parents=True)
            return folder
    raise SetupError("a hundred runs began in one second", where=str(runs))


def _lock(folder: Path) -> TextIO | None:
    """A lock that dies with this process; None if another process holds it."""
    lock = (folder / ".lock").open("w", encoding="utf-8")
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    return lock


def _write(path: Path, text: str) -> None:
    half = path.with_name(f".tmp-{path.name}")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
