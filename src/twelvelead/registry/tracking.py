"""The way to MLflow: which store, a session on it that fails soon and clearly, and a tracker for training."""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from twelvelead.errors import RegistryError, SetupError
from twelvelead.progress import say

if TYPE_CHECKING:
    from mlflow import MlflowClient

DEFAULT_URI = "sqlite:///runs/mlflow.db"
EXPERIMENT = "twelvelead"
SCHEMES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https")
# MLflow's own defaults (7 retries, factor 2, 120 s) let an unreachable server hold a stage for minutes.
QUICK = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
}
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # stdout carries our JSON
}
CONNECT_TIMEOUT_S = 10


def tracking_uri(named: str = "") -> str:
    """The tracking URI: the one named in params, else `MLFLOW_TRACKING_URI`, else SQLite in `runs/`."""
    return named or os.environ.get("MLFLOW_TRACKING_URI", "") or DEFAULT_URI


def masked(uri: str) -> str:
    """The URI with its password replaced, for files and messages."""
    return re.sub(r"(?<=://)([^/@:]*):[^/\s]*@", r"\1:***@", uri)


@contextmanager
def session(named: str = "") -> Iterator[MlflowClient]:
    """A client on the store, and mlflow's process-wide settings pointed at it until the block ends.

    Raises:
        RegistryError: The URI is no store we know, the store cannot be reached, or it refuses something.
    """
    uri = tracking_uri(named)
    _check_scheme(uri)
    quick = {key: os.environ.get(key, value) for key, value in QUICK.items()}
    with _environment({**QUIET, **quick, "MLFLOW_TRACKING_URI": uri, "MLFLOW_REGISTRY_URI": uri}):
        try:
            import mlflow
            from mlflow.exceptions import MlflowException
            from mlflow.tracking._tracking_service.utils import _use_tracking_uri  # restores what was set
            from requests import RequestException
        except ImportError as fault:
            raise SetupError(f"mlflow is missing ({fault})", fix="pip install 'twelvelead[track]'") from fault
        faults = (MlflowException, RequestException, *_database_faults(uri))
        _check_reachable(uri)
        loudness = logging.getLogger("mlflow").level
        logging.getLogger("mlflow").setLevel(logging.ERROR)
        try:
            with _use_tracking_uri(uri):
                yield mlflow.MlflowClient(uri, uri)
        except faults as fault:
            raise _refused(uri, fault) from fault
        finally:
            logging.getLogger("mlflow").setLevel(loudness)


def _database_faults(uri: str) -> tuple[type[Exception], ...]:
    """What a database throws through MLflow; nothing where its client is installed alone (mlflow-skinny)."""
    try:
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError:
        if urlsplit(uri).scheme in ("http", "https"):
            return ()
        raise SetupError(
            "MLflow's client is installed alone: it reaches a server by http, not a database",
            where=masked(uri),
            fix="name a server, or pip install 'twelvelead[track]'",
        ) from None
    return (SQLAlchemyError,)


def experiment_id(client: MlflowClient, uri: str, name: str = EXPERIMENT) -> str:
    """The id of an experiment, made at need; beside a SQLite file the artifacts go to `mlartifacts/`."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    file = _sqlite_file(uri)
    place = (file.parent / "mlartifacts").resolve().as_uri() if file else None
    return str(client.create_experiment(name, artifact_location=place))


class MlflowTracker:
    """A training tracker on one MLflow run. A lost server costs the figures, never the training."""

    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self.client, self.run_id, self._lost = client, run_id, False

    def log(self, metrics: dict[str, float], step: int) -> None:
        """Send the metrics of one step; after the first failure say so once and go on without."""
        if self._lost:
            return
        try:
            log_metrics(self.client, self.run_id, metrics, step)
        except Exception as fault:  # whatever a tracker throws, an hour of training outweighs it
            self._lost = True
            say(f"tracking stopped: {type(fault).__name__}: {fault}")

    def end(self, status: str) -> None:
        """Say how the run ended: FINISHED or FAILED."""
        try:
            self.client.set_terminated(self.run_id, status)
        except Exception as fault:
            say(f"the run's end was not kept: {type(fault).__name__}: {fault}")


def log_metrics(client: MlflowClient, run_id: str, metrics: Mapping[str, float], step: int = 0) -> None:
    """Log all metrics in one request."""
    import time

    from mlflow.entities import Metric

    now_ms = int(time.time() * 1000)
    client.log_batch(
        run_id, metrics=[Metric(key, float(value), now_ms, step) for key, value in metrics.items()]
    )


def log_params(client: MlflowClient, run_id: str, params: Mapping[str, Any]) -> None:
    """Log all params; a request takes at most 100."""
    from mlflow.entities import Param

    entries = [Param(key, str(value)) for key, value in params.items()]
    for start in range(0, len(entries), 100):
        client.log_batch(run_id, params=entries[start : start + 100])


@contextmanager
def without_advice() -> Iterator[None]:
    """Silence MLflow's advice about type hints and input examples while a model is logged."""
    with warnings.catch_warnings():
        # The first is about its own code, on import; the second asks for an example: ours would be a picture.
        for start in ("Any type hint is inferred", "An input example was not provided"):
            warnings.filterwarnings("ignore", message=rf"(?s).*{start}", category=UserWarning)
        yield


@contextmanager
def _environment(wanted: Mapping[str, str]) -> Iterator[None]:
    before = {key: os.environ.get(key) for key in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def _check_scheme(uri: str) -> None:
    scheme = uri.partition("://")[0].partition("+")[0] if "://" in uri else ""
    if scheme not in SCHEMES:
        raise RegistryError(
            f"MLflow keeps no registry at {masked(uri)!r}",
            where="register.tracking_uri or MLFLOW_TRACKING_URI",
            expected=f"one of {', '.join(name + '://' for name in SCHEMES)}",
            fix=f"use {DEFAULT_URI}; plain folders and file: stores were dropped by MLflow 3",
        )


def _check_reachable(uri: str) -> None:
    """One quick try before MLflow's own: its SQL store retries a dead database for 100 s."""
    file = _sqlite_file(uri)
    try:
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(file, timeout=CONNECT_TIMEOUT_S)
            try:
                connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchall()
                connection.execute("BEGIN IMMEDIATE").connection.rollback()
            finally:
                connection.close()
        elif uri.startswith("http"):
            import requests

            requests.get(f"{uri.rstrip('/')}/health", timeout=CONNECT_TIMEOUT_S)
        else:
            import sqlalchemy

            engine = sqlalchemy.create_engine(uri, connect_args={"connect_timeout": CONNECT_TIMEOUT_S})
            engine.connect().close()
            engine.dispose()
    except Exception as fault:  # drivers bring their own exception trees
        raise _refused(uri, fault) from fault


def _sqlite_file(uri: str) -> Path | None:
    return Path(urlsplit(uri).path[1:]) if uri.startswith("sqlite") else None


def _refused(uri: str, fault: Exception) -> RegistryError:
    first_line = masked((str(fault).strip() or type(fault).__name__).splitlines()[0])[:300]
    return RegistryError(
        f"the model registry cannot be used: {first_line}",
        where=masked(uri),
        fix="check the URI and the server, then run `twelvelead register` again; nothing before it is lost",
    )
