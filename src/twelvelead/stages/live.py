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
    """A run on the tracking server that the environment names; None where nothing here can reach one.

    Raises:
        RegistryError: The server cannot be reached at the start. Lost later, it costs the figures alone.
    """
    if not _reachable_from_here(os.environ.get("MLFLOW_TRACKING_URI", "")):
        yield None
        return
    from twelvelead.registry.tracking import MlflowTracker, experiment_id, session, tracking_uri

    with session() as client:
        run = client.create_run(experiment_id(client, tracking_uri()), run_name=stage).info.run_id
        tracker = MlflowTracker(client, run)
        try:
            yield tracker
        except BaseException:
            tracker.end("FAILED")
            raise
        tracker.end("FINISHED")


def _reachable_from_here(uri: str) -> bool:
    """Whether what is installed can speak to the store; mlflow-skinny, a client alone, needs a server."""
    mlflow = importlib.util.find_spec("mlflow")
    # A folder of that name on the path, as in our images and checkouts, is no package but found too.
    if not uri or mlflow is None or mlflow.origin is None:
        return False
    return uri.startswith("http") or importlib.util.find_spec("sqlalchemy") is not None
