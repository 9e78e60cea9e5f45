"""What a node does for a job that lies in a bucket: fetch it to its own disk, and put there what is made.

The processes know nothing of it: they find a job's folder, as on a volume. A thread looks at the folder of
the leading process and puts each new checkpoint, the curves and how far it is; the adapter goes last.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from twelvelead.errors import Error, Interrupted, SetupError
from twelvelead.progress import say
from twelvelead.training.job import CHECKPOINT, CURVES, FAULT, JOB, OUTPUT, STATUS, SUMMARY, put
from twelvelead.training.shelf import RESULT, Shelf
from twelvelead.training.stopping import Stop, at_once

SECONDS_BETWEEN_LOOKS = 10.0
Mark = tuple[int, int, int]


class Carrier:
    """Carries one job to a node and back.

    Args:
        url: Its job.json, `EXCHANGE/jobs/KEY/job.json`.
        disk: Folder of this node; what a killed carrier fetched there is not fetched again.
    """

    def __init__(self, url: str, disk: Path) -> None:
        self.shelf = Shelf(url.rpartition("/")[0])
        node = os.environ.get("PET_NODE_RANK", "0")
        self.folder, self._leads = disk / f"{self.shelf.key}-{node}", node == "0"
        self._marks: dict[str, Mark | None] = {}
        self._number = 0
        self._over = threading.Event()

    def carry(self, work: Callable[[Path], int]) -> int:
        """Fetch the job, have it done, and put what was made.

        Args:
            work: Does the job of this file and says its exit code.

        Returns:
            The exit code.

        Raises:
            SetupError: An input is missing or damaged, or S3 refuses.
            Error: S3 stayed away.
            Interrupted: SIGTERM came before the work began.
        """
        asked = Interrupted("asked to stop before the training began", where="train_lora", fix="start again")
        try:
            with at_once(asked):
                file = self.fetch()
        except Error as fault:
            if not isinstance(fault, Interrupted):
                put(self.folder / FAULT, json.dumps({"exit_code": fault.exit_code, "message": str(fault)}))
                with contextlib.suppress(Error):
                    self.shelf.own.put(FAULT, self.folder / FAULT)
            raise
        watcher = threading.Thread(target=self._watch, name="checkpoints to the bucket", daemon=True)
        watcher.start()
        try:
            code = work(file)
        finally:
            self._over.set()
        with Stop():  # all nodes end now, and the end of the first may have this pod asked to stop once more
            watcher.join()
            try:
                self.put_all()
            except Error as fault:
                if not code:
                    raise
                say(f"lora: what came after the last checkpoint in the bucket is lost: {fault}")
        if not code:
            shutil.rmtree(self.folder, ignore_errors=True)
        return code

    def fetch(self) -> Path:
        """Bring the job, its inputs and its newest whole checkpoint to this node.

        Returns:
            Its job.json here.
        """
        if self._leads:
            self.shelf.own.delete([FAULT])  # an earlier attempt's, which tells nothing of this one
        text = self.shelf.own.read(JOB)
        if text is None:
            raise SetupError(
                "the job is not in the bucket",
                where=f"{self.shelf.own.url}/{JOB}",
                fix="start again: the launching step puts it there",
            )
        job = json.loads(text)
        shutil.rmtree(self.folder / OUTPUT, ignore_errors=True)
        for name in (SUMMARY, FAULT, STATUS, CURVES):
            (self.folder / name).unlink(missing_ok=True)
        self.shelf.bring(job["objects"], self.folder, inputs=True)
        self._number = self.shelf.take_checkpoint(self.folder)
        if curves := self.shelf.own.read(CURVES):
            put(self.folder / CURVES, curves.decode())
        put(self.folder / JOB, json.dumps(job))
        self._marks = {name: self._mark(name) for name in (CHECKPOINT, CURVES)}
        return self.folder / JOB

    def put_new(self) -> None:
        """Put what changed since the last time: curves before the checkpoint, so that they reach as far."""
        checkpoint, frozen = self._mark(CHECKPOINT), self.folder / f".put-{CHECKPOINT}"
        fresh = checkpoint is not None and checkpoint != self._marks.get(CHECKPOINT)
        if fresh:
            frozen.unlink(missing_ok=True)
            os.link(self.folder / CHECKPOINT, frozen)  # the next one takes its name, not its file
            checkpoint = self._mark(frozen.name)
        for name in (CURVES, STATUS):
            mark = self._mark(name)
            if mark is not None and mark != self._marks.get(name):
                lines = (self.folder / name).read_bytes().rpartition(b"\n")  # the last may be half written
                self.shelf.own.put(name, lines[0] + lines[1])
                self._marks[name] = mark
        if fresh:
            self.shelf.put_checkpoint(frozen, self._number + 1)
            self._number += 1
            self._marks[CHECKPOINT] = checkpoint
            frozen.unlink()

    def put_all(self) -> None:
        """Put the rest when the work has ended: why it failed, or the adapter, its manifest last."""
        self.put_new()
        if (self.folder / FAULT).is_file():
            self.shelf.own.put(FAULT, self.folder / FAULT)
        if (self.folder / SUMMARY).is_file():
            told = (self.folder / SUMMARY).read_text(encoding="utf-8")
            made = sorted(file for file in (self.folder / OUTPUT).rglob("*") if file.is_file())
            files = {file.relative_to(self.folder).as_posix(): file for file in made}
            self.shelf.put_whole(RESULT, files, told=told)

    def _watch(self) -> None:
        said = ""
        while not self._over.wait(SECONDS_BETWEEN_LOOKS):
            try:
                self.put_new()
            except Error as fault:
                if str(fault) != said:
                    say(f"lora: a checkpoint is not in the bucket yet: {fault}")
                said = str(fault)

    def _mark(self, name: str) -> Mark | None:
        """What tells a file from the one that was there before, or None."""
        try:
            found = (self.folder / name).stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size
