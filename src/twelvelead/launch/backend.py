"""What the three places of a training have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from twelvelead.params import TrainLora
from twelvelead.training.tracker import Tracker

INPUTS = ("instructions", "pages")
Summary = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """One adapter to train.

    Attributes:
        inputs: Folders `instructions` and `pages`.
        output: Empty folder for the adapter.
        params: The train_lora section.
        work: Folder that outlives a kill; the same job finds it again.
        tracker: Takes the figures as training goes on.
    """

    inputs: Mapping[str, Path]
    output: Path
    params: TrainLora
    work: Path
    tracker: Tracker | None = None


class TrainingBackend(Protocol):
    """A place where adapters are trained. Whichever it is, the adapter is the same."""

    def train(self, job: Job) -> Summary:
        """Fill the job's output and say what was made.

        Raises:
            Error: The training failed, or could not be started.
            Interrupted: SIGTERM came; the next start goes on from the last checkpoint.
        """
