"""Which store is used, and how an unusable one is refused."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from twelvelead.errors import RegistryError
from twelvelead.registry.tracking import MlflowTracker, experiment_id, masked, session, tracking_uri


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
    assert capsys.readouterr().err.count("tracking stopped") == 1
