"""The reader in charge, and its successor: when the registry's alias moves, the new version takes over whole.

A version that cannot be loaded leaves the old one where it is; `/readyz` and the metrics tell of it. It is
tried again only when the alias moves once more, or after a while; while there is no reader at all, at every
look.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from twelvelead.progress import say
from twelvelead.serving.reader import Reader

AGAIN_S = 300.0


@dataclass(frozen=True, slots=True)
class Source:
    """Where readers come from.

    Attributes:
        look: Names the version that should be in charge now; the same name means the same bytes.
        load: Loads it.
        every_s: Seconds between looks; 0 looks once.
    """

    look: Callable[[], str]
    load: Callable[[str], Reader]
    every_s: float = 0.0


class Seat:
    """Holds the reader in charge.

    Attributes:
        told: What is wrong with the registry or the successor, for anybody; empty while nothing is.
        trouble: The same with its cause, which may name hosts and paths.
    """

    def __init__(self, source: Source, noticed: Callable[[str], None] = lambda outcome: None) -> None:
        self._source, self._noticed = source, noticed
        self._reader: Reader | None = None
        self._named: str | None = None  # a folder's reader has the version ""
        self._failed: tuple[str, float, str, str] = ("", 0.0, "", "")
        self.told = self.trouble = ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def reader(self) -> Reader | None:
        """The reader in charge; None until the first was loaded."""
        return self._reader

    def start(self) -> None:
        """Load, and go on looking, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="swap", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more; a look that is under way, and what it loads, goes on."""
        self._stop.set()

    @property
    def busy(self) -> bool:
        """Whether a look goes on, though stopped: it cannot be broken off, but by the process's own end."""
        return self._stop.is_set() and self._thread is not None and self._thread.is_alive()

    def look(self) -> bool:
        """Look once; whether another reader took over."""
        try:
            named = self._source.look()
        except Exception as fault:  # a registry that is away for a while is no reason to stop reading
            self._trouble("the registry cannot be asked", fault, "unreachable")
            return False
        failed, at, told, trouble = self._failed
        if named == self._named:
            self.told = self.trouble = ""
            return False
        if named == failed and self._reader is not None and time.monotonic() - at < AGAIN_S:
            self.told, self.trouble = told, trouble  # whatever was said in the meantime
            return False
        try:
            successor = self._source.load(named)
        except Exception as fault:
            kept = f"; version {self._named} stays" if self._named is not None else ""
            self._trouble(f"version {named} cannot be loaded{kept}", fault, "failed")
            self._failed = (named, time.monotonic(), self.told, self.trouble)
            return False
        self._reader, self._named, self.told, self.trouble = successor, named, "", ""
        del successor
        say(f"serve: version {named or 'at hand'} reads from now on")
        self._noticed("swapped")
        return True

    def _trouble(self, told: str, fault: Exception, outcome: str) -> None:
        text = f"{told}: {fault}"
        if text != self.trouble:
            say(f"serve: {text}")
        self.told, self.trouble = told, text
        self._noticed(outcome)

    def _run(self) -> None:
        if not self._stop.is_set():
            self.look()
        while self._source.every_s and not self._stop.wait(self._source.every_s):
            self.look()
