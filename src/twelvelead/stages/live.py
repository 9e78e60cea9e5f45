"""Curves on the tracking server while a training goes on."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twelvelead.training.tracker import Tracker


@contextmanager
def live(stage: str) -> Iterator[Tracker | None]:
    """A run on the tracking server that the environment names; without one, or without mlflow, None."""
    if not os.environ.get("MLFLOW_TRACKING_URI") or importlib.util.find_spec("mlflow") is None:
        yield None
        return
    from twelvelead.registry.tracking import MlflowTracker, experiment_id, session, tracking_uri

    with session() as client:
        run = client.create_run(experiment_id(client, tracking_uri()), run_name=stage).info.run_id
        try:
            yield MlflowTracker(client, run)
        except BaseException:
            client.set_terminated(run, "FAILED")
            raise
        client.set_terminated(run)
