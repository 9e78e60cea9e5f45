"""What a training loop needs of an experiment tracker: one method, so that training knows no server."""

from __future__ import annotations

from typing import Protocol


class Tracker(Protocol):
    """Something that takes figures as training goes on."""

    def log(self, metrics: dict[str, float], step: int) -> None:
        """Take the metrics of one optimiser step or epoch."""


class NullTracker:
    """Takes the figures and forgets them."""

    def log(self, metrics: dict[str, float], step: int) -> None:
        """Do nothing."""
