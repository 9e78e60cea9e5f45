"""Work spread over processes, with results in the order of the tasks, whatever the number of workers."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import BaseContext
from typing import TypeVar

from twelvelead.errors import Error, ParamsError

Task = TypeVar("Task")
Result = TypeVar("Result")
WORKERS = "TWELVELEAD_WORKERS"


def workers() -> int:
    """How many processes to use: TWELVELEAD_WORKERS, else one a core.

    Raises:
        ParamsError: The variable is set and no positive integer.
    """
    text = os.environ.get(WORKERS, "").strip()
    if not text:
        return os.cpu_count() or 1
    if not text.isdecimal() or int(text) < 1:
        raise ParamsError(f"{text!r} is no number of workers", where=WORKERS, expected="an integer from 1")
    return int(text)


def in_order(function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
    """Yield `function(task)` for each task, in order.

    One worker, or one task, runs in this process. Otherwise the children start fresh (fork would copy the
    locks of threads that torch, pyarrow or GX may hold), so the function must be module-level and the tasks
    picklable.

    Raises:
        Error: A worker process died (out of memory, killed).
    """
    count = min(workers(), len(tasks))
    if count <= 1:
        yield from map(function, tasks)
        return
    executor = ProcessPoolExecutor(count, mp_context=_context(function.__module__))
    try:
        waiting: list[Future[Result]] = []
        for task in tasks:  # a few ahead, not all: results of a large data set would pile up in memory
            waiting.append(executor.submit(function, task))
            if len(waiting) > 2 * count:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()
    except BrokenProcessPool:
        raise Error(
            "a worker process died", expected="enough memory for every worker", fix=f"try {WORKERS}=1"
        ) from None
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _context(module: str) -> BaseContext:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", module])  # imported once, not once a worker
    return context
