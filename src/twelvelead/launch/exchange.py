"""Where a launcher and the nodes of a TrainJob hand each other things: a volume of both, or a bucket."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Protocol

from twelvelead.errors import SetupError
from twelvelead.launch.backend import INPUTS, Job, Summary
from twelvelead.launch.folder import bring, finished, lay, told
from twelvelead.launch.placement import Placement
from twelvelead.training.job import CHECKPOINT, CURVES, FAULT, JOB, OUTPUT, STATUS, SUMMARY, put
from twelvelead.training.shelf import RESULT, Shelf, Whole

BASE = "inputs/base"


class Exchange(Protocol):
    """Holds all that there is of a job, so that any launcher may take the place of another.

    What nodes tell and make is found in the job's work folder: it lies there, or is brought there.
    """

    file: str  # job.json, as nodes find it

    def lay(self) -> None:
        """Put there what nodes need and would not find elsewhere."""

    def look(self) -> None:
        """Bring curves, progress and faults that are new."""

    def finished(self) -> Summary | None:
        """The summary, if the adapter is in the work folder and whole."""

    def clear(self) -> None:
        """Delete what is no longer needed when the adapter has been taken."""


def exchange(job: Job, placed: Placement) -> Exchange:
    """The one that the placement names.

    Raises:
        SetupError: It shall be a volume, and the job's folder is on none that the nodes see.
    """
    return Bucket(job, placed) if placed.exchange else Volume(job, placed)


class Volume:
    """The nodes mount the volume on which the job's work folder is."""

    def __init__(self, job: Job, placed: Placement) -> None:
        self.job, self.placed = job, placed
        root, work = os.environ.get("TWELVELEAD_WORK"), job.work.resolve()
        if not root or not work.is_relative_to(Path(root).resolve()):
            raise SetupError(
                "the job's folder is on no volume that the nodes see",
                where=str(job.work),
                expected="a folder under TWELVELEAD_WORK, or an `exchange` in TWELVELEAD_PLACEMENT",
                fix=f"mount the nodes' {placed.work} here too, and name it by TWELVELEAD_WORK",
            )
        self.file = str(Path(placed.work) / work.relative_to(Path(root).resolve()) / JOB)

    def lay(self) -> None:
        """See Exchange."""
        job, places = self.job, {name: f"inputs/{name}" for name in INPUTS} | {"output": OUTPUT}
        for name in INPUTS:
            bring(job.inputs[name], job.work / places[name])
        base = job.params.base
        if "://" not in base and not Path(base).is_relative_to(self.placed.models):
            bring(_base(base), job.work / BASE)
            places["base"] = BASE
        lay(job.work, places, job.params)

    def look(self) -> None:
        """See Exchange."""

    def finished(self) -> Summary | None:
        """See Exchange."""
        return finished(self.job.work, self.job.work / OUTPUT)

    def clear(self) -> None:
        """See Exchange; the work folder goes with its stage."""


class Bucket:
    """The nodes have disks of their own; all goes through a prefix of S3. See training/shelf.py."""

    def __init__(self, job: Job, placed: Placement) -> None:
        self.job = job
        self.shelf = Shelf(f"{placed.exchange}/jobs/{job.work.name}")
        self.file = f"{self.shelf.own.url}/{JOB}"
        self._seen: dict[str, str] = {}

    def lay(self) -> None:
        """See Exchange."""
        job, places = self.job, {name: f"inputs/{name}" for name in INPUTS} | {"output": OUTPUT}
        objects: Whole = {}
        for name in INPUTS:
            objects |= self.shelf.send(job.inputs[name], places[name])
        if "://" not in job.params.base:
            objects |= self.shelf.send(_base(job.params.base), BASE)
            places["base"] = BASE
        for stale in (FAULT, SUMMARY):
            (job.work / stale).unlink(missing_ok=True)
        self.shelf.own.delete([FAULT])
        if (job.work / CHECKPOINT).is_file() and not self.shelf.checkpoints():  # it was begun elsewhere
            self.shelf.put_checkpoint(job.work / CHECKPOINT, 1)
        self.shelf.own.put(JOB, told(places, job.params, objects=objects).encode())

    def look(self) -> None:
        """See Exchange."""
        there = self.shelf.own.list()
        if FAULT not in there:  # an earlier attempt's, which the present one took away
            (self.job.work / FAULT).unlink(missing_ok=True)
        for name in (CURVES, STATUS, FAULT):
            if name in there and there[name].etag != self._seen.get(name):
                if (text := self.shelf.own.read(name)) is not None:
                    put(self.job.work / name, text.decode())
                self._seen[name] = there[name].etag

    def finished(self) -> Summary | None:
        """See Exchange.

        Raises:
            SetupError: A part of the adapter is missing or damaged.
        """
        work = self.job.work
        if (here := finished(work, work / OUTPUT)) is not None:
            return here
        whole = self.shelf.whole(RESULT)
        if whole is None:
            return None
        shutil.rmtree(work / OUTPUT, ignore_errors=True)
        self.shelf.bring(whole["files"], work)
        put(work / SUMMARY, whole["told"])
        return finished(work, work / OUTPUT)

    def clear(self) -> None:
        """See Exchange."""
        self.shelf.clear()


def _base(path: str) -> Path:
    if not Path(path).is_dir():
        raise SetupError("base model folder not found", where=path, fix="set train_lora.base")
    return Path(path)
