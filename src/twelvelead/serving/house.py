"""All that a running service consists of: the seat, the door, the worker, the chambers."""

from __future__ import annotations

import asyncio
import queue
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twelvelead.errors import Error
from twelvelead.serving.chamber import Chamber
from twelvelead.serving.feedback import Book
from twelvelead.serving.interpretation import interpretation
from twelvelead.serving.limits import Limits
from twelvelead.serving.metrics import Metrics
from twelvelead.serving.queue import Door, Worker
from twelvelead.serving.reader import Reader
from twelvelead.serving.refusal import Refusal
from twelvelead.serving.sheet import Sheet, Upload
from twelvelead.serving.swap import Seat, Source
from twelvelead.serving.worst import Worst


@dataclass(frozen=True, slots=True)
class Settings:
    """How a service is run.

    Attributes:
        source: Where its readers come from.
        limits: What is too much.
        token: Asked of clients; "" asks none and answers loopback only.
        feedback: File that feedback is appended to; None keeps none.
        run: Folder of the run whose worst disagreements are shown, or None.
        chambers: Processes that open uploads.
        logged: Whether requests are noted on stderr.
    """

    source: Source
    limits: Limits = field(default_factory=Limits)
    token: str = ""
    feedback: Path | None = None
    run: Path | None = None
    chambers: int = 2
    logged: bool = True


class House:
    """The parts, and the way of an upload through them."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.limits = settings, settings.limits
        self.metrics = Metrics()
        self.door = Door(self.limits)
        self.seat = Seat(settings.source, lambda outcome: self.metrics.swaps.labels(outcome).inc())
        self.book = Book(settings.feedback)
        self.worst = Worst(settings.run)
        self.metrics.trouble.set_function(lambda: bool(self.seat.trouble))
        self.metrics.waiting.set_function(lambda: self.door.inside)
        self.metrics.held.set_function(lambda: self.door.held_bytes)
        self._chambers = [Chamber(self.limits) for _ in range(settings.chambers)]
        self.metrics.children.set_function(lambda: sum(one.started for one in self._chambers))
        self._free: queue.SimpleQueue[Chamber] = queue.SimpleQueue()
        self._threads: ThreadPoolExecutor | None = None
        self._worker: Worker | None = None

    def start(self) -> None:
        """Have everything ready but the model, which comes when it comes; see `/readyz`."""
        self._threads = ThreadPoolExecutor(len(self._chambers) + 2, "chamber")
        self._worker = Worker(self.metrics.batch.observe)
        for chamber in self._chambers:
            self._threads.submit(self._prepare, chamber)
        self.seat.start()

    def stop(self) -> None:
        """End all threads and processes."""
        self.seat.stop()
        for chamber in self._chambers:
            chamber.close()
        if self._worker is not None:
            self._worker.stop()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    def reader(self) -> Reader:
        """The reader in charge.

        Raises:
            Refusal: None was loaded yet.
        """
        reader = self.seat.reader
        if reader is None:
            raise Refusal("unavailable", "no model is loaded yet", fix="ask /readyz and try again")
        return reader

    async def opened(
        self, files: Sequence[Upload], page: Mapping[str, Any], *, only: int, scaled: bool
    ) -> list[Sheet | Refusal]:
        """See `Chamber.open`; whichever chamber is free takes it."""
        assert self._threads is not None
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._open, files, page, only, scaled)

    async def interpreted(
        self, reader: Reader, files: Sequence[Upload], *, only: int = 1, picture: bool = False
    ) -> dict[str, Any]:
        """The answer of a reader about one page of an upload.

        Raises:
            Refusal: It is not read.
        """
        deadline = time.monotonic() + self.limits.request_s
        (sheet,) = await self.opened(files, reader.identity.page, only=only, scaled=picture)
        if isinstance(sheet, Refusal):
            raise sheet
        return await self.answered(reader, sheet, deadline, picture=picture)

    async def answered(
        self, reader: Reader, sheet: Sheet, deadline: float, *, picture: bool = False
    ) -> dict[str, Any]:
        """Through the model."""
        assert self._worker is not None
        found, cnn = await asyncio.wrap_future(self._worker.submit(reader, sheet, deadline))
        self.metrics.pictures.inc()
        if picture:
            return await asyncio.to_thread(interpretation, reader.identity, sheet, found, cnn, picture=True)
        return interpretation(reader.identity, sheet, found, cnn)

    def _prepare(self, chamber: Chamber) -> None:
        try:
            chamber.start()
        except Error:
            pass  # the first upload says it to somebody who can act on it
        finally:
            self._free.put(chamber)

    def _open(
        self, files: Sequence[Upload], page: Mapping[str, Any], only: int, scaled: bool
    ) -> list[Sheet | Refusal]:
        try:
            chamber = self._free.get(timeout=self.limits.request_s)
        except queue.Empty:
            raise Refusal("timeout", "its turn did not come in time") from None
        try:
            return chamber.open(files, page, only=only, scaled=scaled)
        finally:
            self._free.put(chamber)
