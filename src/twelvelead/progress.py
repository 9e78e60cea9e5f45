"""Progress on stderr: a bar on a terminal, a line every few seconds elsewhere (logs, pods, CI)."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
SECONDS_BETWEEN_LINES = 5.0


def say(text: str) -> None:
    """Print one line for people; results for machines go to stdout or to files."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def track(items: Iterable[Item], *, total: int, title: str, unit: str = "") -> Iterator[Item]:
    """Yield the items while showing how many are done, how fast, and how long the rest takes."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import track as bar

        yield from bar(items, description=title, total=total, console=Console(stderr=True))
        return
    begun = last = time.monotonic()
    done = 0
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_LINES and done < total:
            rate = done / (now - begun)
            say(
                f"{title}: {done}/{total} {unit} ({done / total:.0%}), "
                f"{rate:.1f}/s, {(total - done) / rate:.0f} s left"
            )
            last = now
    say(f"{title}: {done}/{total} {unit} in {time.monotonic() - begun:.1f} s")
