"""What a training loop needs of an experiment tracker: one method, so that training knows no server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class Tracker(Protocol):
    """Something that takes figures as training goes on."""

    def log(self, metrics: dict[str, float], step: int) -> None:
        """Take the metrics of one optimiser step or epoch."""


class NullTracker:
    """Takes the figures and forgets them."""

    def log(self, metrics: dict[str, float], step: int) -> None:
        """Do nothing."""


class FileTracker:
    """Keeps the figures as JSON lines; where a resumed run tells of a step again, the later counts."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def log(self, metrics: dict[str, float], step: int) -> None:
        """Add a line."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"step": step} | metrics, sort_keys=True) + "\n")


class Trackers:
    """Hands the figures to several."""

    def __init__(self, several: Sequence[Tracker]) -> None:
        self.several = several

    def log(self, metrics: dict[str, float], step: int) -> None:
        """Tell them all."""
        for one in self.several:
            one.log(metrics, step)
