"""Loading ahead: while the device works on one batch, threads prepare the next ones.

What a step needs is a function of its number alone, so loading ahead changes nothing but the wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

Job = TypeVar("Job")
Loaded = TypeVar("Loaded")


class Feed(Generic[Job, Loaded]):
    """The loaded batches of each step, in order.

    Args:
        plan: The jobs of a step.
        load: Does one; runs in a thread.
        first, total: Number of the first step, and of the one after the last.
        ahead: Batches that may lie ready, which bounds the memory that they take.
        threads: How many are loaded at once.
    """

    def __init__(
        self,
        plan: Callable[[int], list[Job]],
        load: Callable[[Job], Loaded],
        first: int,
        total: int,
        *,
        ahead: int = 3,
        threads: int = 2,
    ) -> None:
        self._plan, self._load, self._ahead = plan, load, ahead
        self._next, self._total = first, total
        self._plans: dict[int, list[Job]] = {}
        self._coming: deque[tuple[int, Job]] = deque()
        self._ready: deque[tuple[int, Future[Loaded]]] = deque()
        self._pool = ThreadPoolExecutor(threads, "feed")

    def jobs(self, step: int) -> list[Job]:
        """The plan of a step that was not asked for yet."""
        if step not in self._plans:
            self._plans[step] = self._plan(step)
        return self._plans[step]

    def of(self, step: int) -> Iterator[Loaded]:
        """What the step needs, one after the other; steps must be asked for in order.

        Raises:
            Whatever loading raised.
        """
        self._fill()
        while self._ready and self._ready[0][0] == step:
            loaded = self._ready[0][1].result()
            self._ready.popleft()
            self._fill()
            yield loaded
        self._plans.pop(step, None)

    def _fill(self) -> None:
        while len(self._ready) < self._ahead:
            while not self._coming and self._next < self._total:
                self._coming.extend((self._next, job) for job in self.jobs(self._next))
                self._next += 1
            if not self._coming:
                return
            step, job = self._coming.popleft()
            self._ready.append((step, self._pool.submit(self._load, job)))

    def __enter__(self) -> Feed[Job, Loaded]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
