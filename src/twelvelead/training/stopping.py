"""A request to stop: SIGTERM is noted and obeyed between two steps, or ends what is waiting at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

from twelvelead.errors import Interrupted


class Stop:
    """Note SIGTERM while the block runs; the handler that was there before comes back.

    Args:
        then: Called at once when it comes.

    Signals reach the main thread alone; elsewhere nothing is noted and the process ends as ever.
    """

    def __init__(self, then: Callable[[], object] | None = None) -> None:
        self.asked, self.then = False, then
        self._before: object = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._before)  # type: ignore[arg-type]

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        if self.then:
            self.then()


class Halt(BaseException):
    """Ends what is being done. No Exception: botocore takes one for a fault of its wire, and asks again."""


@contextmanager
def at_once(fault: Interrupted) -> Iterator[Stop]:
    """SIGTERM raises Halt wherever the block is, and `fault` leaves it.

    For waits that may be longer than the time a pod has to end. With its `then` set to None, what is given
    only notes it from there on.
    """

    def halt() -> None:
        raise Halt

    try:
        with Stop(halt) as stop:
            yield stop
    except Halt:
        raise fault from None
