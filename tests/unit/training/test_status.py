"""How far a training is: a file for who started it, a post for the Trainer, and no fault from either."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from kubeflow_trainer_api.models import TrainerV1alpha1UpdateTrainJobStatusRequest as Request

from twelvelead.training import status
from twelvelead.training.status import StatusTracker


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """The Trainer's status server, without TLS."""
    heard: list[tuple[str, dict[str, Any]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((self.headers["Authorization"], json.loads(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *words: object) -> None:
            pass

    one = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=one.serve_forever, args=(0.05,))
    thread.start()
    (tmp_path / "token").write_text("first\n")
    monkeypatch.setenv(status.URL, f"http://127.0.0.1:{one.server_port}/status")
    monkeypatch.setenv(status.TOKEN, str(tmp_path / "token"))
    monkeypatch.delenv(status.CA, raising=False)
    yield heard
    one.shutdown()
    thread.join()
    one.server_close()


def test_the_trainer_hears_what_the_file_holds(
    server: list[tuple[str, dict[str, Any]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "SECONDS_BETWEEN_POSTS", 0.0)
    tracker = StatusTracker(tmp_path / "work" / "status.json", 200)
    tracker.log({"loss": 0.5}, 10)
    (tmp_path / "token").write_text("renewed")
    tracker.log({"fold9_macro_auc": 0.75}, 100)
    (first, _), (second, told) = server
    assert (first, second) == ("Bearer first", "Bearer renewed")
    kept = json.loads((tmp_path / "work" / "status.json").read_text())
    assert told == {"trainerStatus": kept}
    assert kept["progressPercentage"] == 50
    assert kept["estimatedRemainingSeconds"] >= 0
    values = {one["name"]: one["value"] for one in kept["metrics"]}
    assert values == {"loss": "0.5", "fold9_macro_auc": "0.75", "step": "100"}
    known = Request.from_dict(told)
    assert known is not None
    assert known.to_dict()["trainerStatus"].keys() == kept.keys()


def test_the_trainer_is_not_told_of_every_step_but_of_the_last(
    server: list[tuple[str, dict[str, Any]]], tmp_path: Path
) -> None:
    tracker = StatusTracker(tmp_path / "status.json", 20)
    for step in range(1, 21):
        tracker.log({"loss": 1.0}, step)
    assert [told["trainerStatus"]["progressPercentage"] for _, told in server] == [5, 100]


def test_a_server_that_answers_nonsense_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def babble() -> None:
            near, _ = listener.accept()
            with near:
                near.recv(65536)
                near.sendall(b"no HTTP at all\r\n\r\n")

        thread = threading.Thread(target=babble)
        thread.start()
        (tmp_path / "token").write_text("t")
        monkeypatch.setenv(status.URL, f"http://127.0.0.1:{listener.getsockname()[1]}/status")
        monkeypatch.setenv(status.TOKEN, str(tmp_path / "token"))
        monkeypatch.delenv(status.CA, raising=False)
        StatusTracker(tmp_path / "status.json", 3).log({"loss": 1.0}, 1)
        thread.join()
    assert capfd.readouterr().err.count("cannot be told") == 1


def test_a_server_that_is_away_is_told_of_once_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(status, "SECONDS_BETWEEN_POSTS", 0.0)
    monkeypatch.setenv(status.URL, "http://127.0.0.1:9/status")
    monkeypatch.setenv(status.TOKEN, str(tmp_path / "none"))
    tracker = StatusTracker(tmp_path / "status.json", 3)
    for step in (1, 2, 3):
        tracker.log({"loss": 1.0}, step)
    assert capfd.readouterr().err.count("cannot be told") == 1
    assert json.loads((tmp_path / "status.json").read_text())["progressPercentage"] == 100
