"""Which store is used, and how an unusable one is refused."""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from twelvelead.errors import RegistryError, SetupError
from twelvelead.registry.tracking import MlflowTracker, experiment_id, masked, session, tracking_uri
from twelvelead.stages.live import live


def test_params_win_over_the_environment_and_sqlite_in_runs_is_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking_uri() == "sqlite:///runs/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow:5000")
    assert tracking_uri() == "http://mlflow:5000"
    assert tracking_uri("sqlite:///x.db") == "sqlite:///x.db"


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql+psycopg2://me:secret@db:5432/ml", "postgresql+psycopg2://me:***@db:5432/ml"),
        ("https://me:se:cr@t@host/path", "https://me:***@host/path"),
        ("https://:secret@host", "https://:***@host"),
        ("http://host:5000", "http://host:5000"),
        ("sqlite:///runs/mlflow.db", "sqlite:///runs/mlflow.db"),
    ],
)
def test_passwords_are_masked(uri: str, shown: str) -> None:
    assert masked(uri) == shown


@pytest.mark.parametrize("uri", ["file:///tmp/mlruns", "mlruns", "./mlruns", "ftp://host/x"])
def test_a_store_that_mlflow_does_not_keep_is_refused_with_one_that_it_does(uri: str) -> None:
    with pytest.raises(RegistryError, match=r"sqlite:///runs/mlflow\.db"), session(uri):
        pass


def test_an_unreachable_server_is_refused_soon_and_without_its_password() -> None:
    uri = "http://me:secret@127.0.0.1:9"
    with pytest.raises(RegistryError), session(uri):
        pass  # the first call imports mlflow, which takes seconds; a refusal must not
    begun = time.monotonic()
    with pytest.raises(RegistryError, match="cannot be used") as caught, session(uri):
        pass

    assert time.monotonic() - begun < 5
    assert caught.value.exit_code == 5
    assert "secret" not in str(caught.value)
    assert "http://me:***@127.0.0.1:9" in str(caught.value)


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    path.write_text("these are notes, not a database\n" * 40)

    with pytest.raises(RegistryError, match="not a database"), session(f"sqlite:///{path}"):
        pass
    assert path.read_text().startswith("these are notes")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with (
        pytest.raises(RegistryError, match="cannot be used"),
        session(f"sqlite:///{tmp_path}/file/mlflow.db"),
    ):
        pass


def test_what_the_store_refuses_inside_a_session_is_our_error(store: str) -> None:
    with pytest.raises(RegistryError, match="not found"), session(store) as client:
        client.get_model_version("nothing", "1")


def test_a_session_leaves_the_environment_as_it_was(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///elsewhere.db")
    before = dict(os.environ)
    with session(store):
        assert os.environ["MLFLOW_TRACKING_URI"] == store
        assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert dict(os.environ) == before


def test_artifacts_lie_beside_a_sqlite_file(store: str, tmp_path: Path) -> None:
    with session(store) as client:
        number = experiment_id(client, store)
        assert experiment_id(client, store) == number
        place = client.get_experiment(number).artifact_location
    assert place == (tmp_path / "store" / "mlartifacts").as_uri()


def test_the_tracker_logs_steps_and_survives_a_lost_store(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with session(store) as client:
        run_id = client.create_run(experiment_id(client, store)).info.run_id
        tracker = MlflowTracker(client, run_id)
        tracker.log({"loss": 1.5}, step=1)
        tracker.log({"loss": 0.5}, step=2)
        assert [(item.step, item.value) for item in client.get_metric_history(run_id, "loss")] == [
            (1, 1.5),
            (2, 0.5),
        ]
        lost = MlflowTracker(client, "0" * 32)
        lost.log({"loss": 1.0}, step=1)
        lost.log({"loss": 1.0}, step=2)
        lost.end("FINISHED")
        tracker.end("FINISHED")
        assert client.get_run(run_id).info.status == "FINISHED"
    said = capsys.readouterr().err
    assert said.count("tracking stopped") == said.count("the run's end was not kept") == 1


def test_a_client_without_a_database_reaches_a_server_and_nothing_else(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        sys.modules, "sqlalchemy.exc", None
    )  # as mlflow-skinny is, in the images serve and gpu
    with pytest.raises(SetupError, match="by http, not a database"), session(store):
        pass
    with ThreadingHTTPServer(("127.0.0.1", 0), _Healthy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with session(f"http://127.0.0.1:{server.server_port}") as client:
            assert client.tracking_uri.startswith("http")
        server.shutdown()


class _Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *said: object) -> None:
        pass


def test_no_curves_where_nothing_here_reaches_the_server(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    with live("train_lora") as tracker:
        assert isinstance(tracker, MlflowTracker)
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "sqlalchemy" else found(name)
    )
    with live("train_lora") as tracker:
        assert tracker is None
    (tmp_path / "mlflow").mkdir()  # the policy's folder, in a working directory
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "mlflow", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with live("train_lora") as tracker:
        assert tracker is None
