"""Back-pressure, and the one thread that runs the model.

A request is let in at the door or told at once to come back later; nothing piles up behind it. Pictures that
wait together share a forward pass of up to sixteen. A job keeps the reader that it came in under, so a swap
of models changes nothing for it.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from twelvelead.serving.limits import Limits
from twelvelead.serving.reader import BATCH, Probabilities, Reader
from twelvelead.serving.refusal import Refusal
from twelvelead.serving.sheet import Sheet

Found = tuple[Probabilities, Probabilities | None]
FIRST_GUESS_S = 0.2  # a picture's share of the machine, until one was read
MEMORY = 0.9  # of the running mean
LONGEST_WAIT_S = 60


class Busy(Refusal):
    """There is no room now.

    Attributes:
        retry_after_s: When there may be.
    """

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(
            "busy", "as many pictures wait as may wait", fix=f"send it again in {retry_after_s} s or later"
        )
        self.retry_after_s = retry_after_s


class Door:
    """Counts who is inside, by requests and by bytes."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.inside = self.held_bytes = 0
        self.closed = False
        self.spent_s = FIRST_GUESS_S
        self._lock = threading.Lock()

    @contextmanager
    def passed(self) -> Iterator[Visit]:
        """Be inside for a while.

        Raises:
            Busy: It is full.
            Refusal: The server is going down.
        """
        with self._lock:
            if self.closed:
                raise Refusal("unavailable", "the server is shutting down", fix="send it to another one")
            if self.inside >= self.limits.waiting:
                raise Busy(self.retry_after_s())
            self.inside += 1
        visit, begun = Visit(self), time.monotonic()
        try:
            yield visit
        finally:
            with self._lock:
                self.inside -= 1
                self.held_bytes -= visit.held
                share = (time.monotonic() - begun) / (self.inside + 1)
                self.spent_s = MEMORY * self.spent_s + (1 - MEMORY) * share

    def hold(self, visit: Visit, size: int) -> None:
        """Account for bytes of a body.

        Raises:
            Refusal: They are too many for one request.
            Busy: They are too many for all requests.
        """
        with self._lock:
            if visit.held + size > self.limits.upload_bytes:
                raise Refusal(
                    "too_large",
                    "the upload is too large",
                    expected=f"{self.limits.upload_bytes >> 20} MiB at most",
                )
            if self.held_bytes + size > self.limits.held_bytes:
                raise Busy(self.retry_after_s())
            self.held_bytes += size
            visit.held += size

    def unfold(self, visit: Visit, size: int) -> None:
        """Account for what a body unfolds to; unlike a body it may be larger than an upload.

        Raises:
            Busy: It is too much beside what is held for others.
        """
        with self._lock:
            if self.held_bytes + size > max(self.limits.held_bytes, visit.held + size):
                raise Busy(self.retry_after_s())
            self.held_bytes += size
            visit.held += size

    def retry_after_s(self) -> int:
        """When half of those inside will be out, as things go."""
        return max(1, min(LONGEST_WAIT_S, math.ceil(self.inside * self.spent_s / 2)))


@dataclass(slots=True)
class Visit:
    """One request inside."""

    door: Door
    held: int = 0

    def hold(self, size: int) -> None:
        """See `Door.hold`."""
        self.door.hold(self, size)

    def unfold(self, size: int) -> None:
        """See `Door.unfold`."""
        self.door.unfold(self, size)


@dataclass(slots=True, eq=False)
class Job:
    """A picture on its way through the model."""

    reader: Reader
    sheet: Sheet
    deadline: float
    found: Future[Found] = field(default_factory=Future)


class Worker:
    """The thread that runs the model.

    Args:
        noticed: Told of the size of every batch.
    """

    def __init__(self, noticed: Callable[[int], None] = lambda size: None) -> None:
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._noticed = noticed
        self._thread = threading.Thread(target=self._run, name="model", daemon=True)
        self._thread.start()

    def submit(self, reader: Reader, sheet: Sheet, deadline: float) -> Future[Found]:
        """Have a sheet read; a job whose time is up before its turn is not read any more."""
        job = Job(reader, sheet, deadline)
        self._jobs.put(job)
        return job.found

    def stop(self) -> None:
        """Finish what was submitted, and end."""
        self._jobs.put(None)
        self._thread.join(timeout=30)

    def _run(self) -> None:
        held: list[Job] = []
        while self._turn(held):
            pass

    def _turn(self, held: list[Job]) -> bool:
        """Read what waits, and whether to go on; a job that came too early for its reader is held.

        A function of its own, so that nothing of a job, its picture and its reader outlives its turn.
        """
        first = held.pop() if held else self._jobs.get()
        if first is None:
            return False
        batch = [first]
        while len(batch) < BATCH:
            try:
                following = self._jobs.get_nowait()
            except queue.Empty:
                break
            if following is None:
                self._jobs.put(None)
                break
            if following.reader is not first.reader:
                held.append(following)
                break
            batch.append(following)
        now = time.monotonic()
        for job in batch:
            if job.deadline < now and job.found.set_running_or_notify_cancel():
                job.found.set_exception(Refusal("timeout", "its turn did not come in time"))
        ready = [job for job in batch if job.deadline >= now and job.found.set_running_or_notify_cancel()]
        if ready:
            self._noticed(len(ready))
            self._read(ready)
        return True

    def _read(self, jobs: list[Job]) -> None:
        reader = jobs[0].reader
        try:
            rows = reader.read([job.sheet.picture for job in jobs])
        except Exception as fault:  # one picture must not take fifteen others with it
            if len(jobs) > 1:
                for job in jobs:
                    self._read([job])
            else:
                jobs[0].found.set_exception(fault)
            return
        for job, row in zip(jobs, rows, strict=True):
            try:
                signal = job.sheet.signal_mv
                cnn = None if signal is None else reader.read_signal(signal, job.sheet.fs_hz)
                job.found.set_result((row, cnn))
            except Exception as fault:
                job.found.set_exception(fault)
