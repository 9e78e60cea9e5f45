"""A server as it is run: started by the command, stopped by SIGTERM, killed, and started again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("uvicorn")

from tests.serving.road import page, wfdb
from tests.serving.running import TOKEN, call, children, folder_of, free_port, gone, served

pytestmark = pytest.mark.slow


def test_sigterm_finishes_what_runs_and_ends_well(road: Path, root: Path) -> None:
    with served(road, root) as (running, base):
        status, told = call(f"{base}/v1/interpret", page())
        assert (status, told["model"]["source"], told["model"]["decision"]) == (200, "folder", "rejected")
        answers: list[int] = []
        sender = threading.Thread(target=lambda: answers.append(call(f"{base}/v1/interpret", page())[0]))
        sender.start()
        for _ in range(600):
            if "twelvelead_waiting 1.0" in metrics(base):
                break
            time.sleep(0.01)
        helpers = children(running.pid)
        running.send_signal(signal.SIGTERM)
        sender.join(120)
        assert answers in ([200], [503])  # 503 where the signal came before the request
        assert running.wait(60) in (0, -signal.SIGTERM)
        for _ in range(100):
            if all(gone(pid) for pid in helpers):
                break
            time.sleep(0.1)
        assert all(gone(pid) for pid in helpers)


LOADING = """
import atexit, os, sys, threading, time
from twelvelead.serving import reader
from twelvelead.stages.serve import serve

def load(*given, **named):
    os.write(2, b"loading\\n")
    while threading.main_thread().is_alive():
        time.sleep(0.01)
    os.write(2, b"still loading while Python ends\\n")

reader.load_reader = load
atexit.register(time.sleep, 2)
serve(sys.argv[1], port=int(sys.argv[2]))
"""


def test_told_to_end_while_a_model_is_loaded_it_ends_at_once(road: Path) -> None:
    port = str(free_port())
    running = subprocess.Popen(
        [sys.executable, "-c", LOADING, str(road), port], stderr=subprocess.PIPE, text=True
    )
    assert running.stderr is not None
    said = iter(running.stderr)
    try:
        assert any(line == "loading\n" for line in said)
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=60):
                    break
            except OSError:
                time.sleep(0.1)
        running.send_signal(
            signal.SIGINT
        )  # SIGTERM ends a process that is not the first of its container by itself
        assert running.wait(60) == 130
        assert "still loading while Python ends\n" not in said
    finally:
        running.kill()
        running.wait()
        running.stderr.close()


def metrics(base: str) -> str:
    with urllib.request.urlopen(f"{base}/metrics", timeout=60) as answer:
        return str(answer.read().decode())


def test_who_leaves_makes_room_for_who_waits(road: Path, root: Path) -> None:
    with served(road, root, "--waiting", "1", "--threads", "1") as (running, base):
        helpers = children(running.pid)
        for pid in helpers:
            os.kill(pid, signal.SIGSTOP)  # whatever is opened now is not open soon
        try:
            with socket.create_connection(("127.0.0.1", int(base.rpartition(":")[2]))) as short:
                head = f"POST /v1/interpret HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {TOKEN}\r\n"
                short.sendall(f"{head}content-length: 5\r\n\r\nhello".encode())
                for _ in range(600):
                    if "twelvelead_waiting 1.0" in metrics(base):
                        break
                    time.sleep(0.05)
                assert call(f"{base}/v1/interpret", page())[0] == 429
            for _ in range(100):
                if "twelvelead_waiting 0.0" in metrics(base):
                    break
                time.sleep(0.05)
            assert "twelvelead_waiting 0.0" in metrics(base)
        finally:
            for pid in helpers:
                os.kill(pid, signal.SIGCONT)
        assert call(f"{base}/v1/interpret", page())[0] == 200


def test_a_killed_server_leaves_nobody_and_a_new_one_reads_the_same(road: Path, root: Path) -> None:
    with served(road, root) as (running, base):
        first = call(f"{base}/v1/interpret", page())[1]
        helpers = children(running.pid)
        assert helpers
        folders = [folder_of(pid) for pid in helpers]
        assert all(folder.is_dir() for folder in folders)
        running.kill()
        running.wait(60)
        for _ in range(300):
            if all(gone(pid) for pid in helpers):
                break
            time.sleep(0.1)
        assert all(gone(pid) for pid in helpers), "a process that opens uploads outlives its server"
        assert not any(folder.exists() for folder in folders), "an upload's folder outlives its server"
    with served(road, root) as (_, base):
        again = call(f"{base}/v1/interpret", page())[1]
    assert again["statements"] == first["statements"]


def test_the_command_line_reads_as_the_server_does(road: Path, root: Path, tmp_path: Path) -> None:
    header, signals = wfdb()
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "page.png").write_bytes(page())
    (inside / "00001_hr.hea").write_bytes(header)
    (inside / "00001_hr.dat").write_bytes(signals)
    (inside / "notes.txt").write_text("hello")
    (inside / "broken.png").write_bytes(page()[:3000])
    command = [
        sys.executable,
        "-m",
        "twelvelead",
        "interpret",
        str(inside),
        "--model",
        str(road),
        "--threads",
        "1",
    ]
    environment = {**os.environ, "PYTHONPATH": str(root / "src")}
    out = tmp_path / "out"
    for kept in (0, 2):
        done = subprocess.run(
            [*command, "-o", str(out)], cwd=root, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 3, done.stderr
        assert f"interpret: {2 - kept} read, {kept} read before, 2 refused" in done.stderr
        rejected = (out / "rejected.csv").read_text()
        assert "notes.txt,,unsupported," in rejected
        assert "broken.png,,unreadable," in rejected
        assert not list(out.glob(".tmp-*"))
    told = json.loads((out / "page.png.json").read_text())
    record = json.loads((out / "00001_hr.hea.json").read_text())
    assert record["measurements"]["rate_bpm"] > 0
    assert record["cnn"]["statements"]
    assert told["cnn"] is None
    with served(road, root) as (_, base):
        same = call(f"{base}/v1/interpret", page())[1]
    for one, other in zip(told["statements"], same["statements"], strict=True):
        assert one["code"] == other["code"]
        assert one["probability"] == pytest.approx(other["probability"], abs=2e-5)
    said = subprocess.run([*command[:4], str(inside / "page.png"), *command[5:]], cwd=root, env=environment,
                          capture_output=True, text=True, check=True).stdout  # fmt: skip
    assert "gate: rejected by 'a policy'" in said
    assert "REJECTED by its gate" in said
    assert "refused because lora's macro AUC is 0.040 below cnn's" in said


def test_an_open_address_without_a_token_is_refused(road: Path, root: Path) -> None:
    command = [sys.executable, "-m", "twelvelead", "serve", "--model", str(road), "--host", "0.0.0.0"]
    environment = {**os.environ, "PYTHONPATH": str(root / "src")}
    environment.pop("TWELVELEAD_TOKEN", None)
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 5
    assert "anybody could send here" in done.stderr
