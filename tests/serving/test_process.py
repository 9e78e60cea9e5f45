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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("uvicorn")

from tests.serving.road import page, wfdb

pytestmark = pytest.mark.slow
TOKEN = "a token of sixteen and more"  # not a secret


def free_port() -> int:
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return int(it.getsockname()[1])


@contextmanager
def served(road: Path, root: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "twelvelead",
        "serve",
        "--model",
        str(road),
        "--port",
        str(port),
        *options,
    ]
    environment = {**os.environ, "TWELVELEAD_TOKEN": TOKEN, "PYTHONPATH": str(root / "src")}
    log = road.parent / f"{port}.log"  # a pipe that nobody reads would fill and hold the server up
    with log.open("w") as stream:
        running = subprocess.Popen(command, cwd=root, env=environment, stderr=stream, text=True)
    try:
        base = f"http://127.0.0.1:{port}"
        for _ in range(900):
            assert running.poll() is None, log.read_text()
            try:
                if call(f"{base}/readyz")[0] == 200:
                    break
            except OSError:
                pass
            time.sleep(0.1)
        else:
            raise AssertionError(f"never ready\n{log.read_text()}")
        yield running, base
    finally:
        running.kill()
        running.wait(60)


def call(url: str, data: bytes | None = None, timeout_s: float = 120) -> tuple[int, Any]:
    request = urllib.request.Request(url, data, {"Authorization": f"Bearer {TOKEN}"})
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as fault:
        return fault.code, json.loads(fault.read())


def children(pid: int) -> list[int]:
    """Processes that open uploads for a server."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(status.parent.name))
    return found


def folder_of(pid: int) -> Path:
    """Where a process that opens uploads has its files."""
    variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return next(Path(one[7:].decode()) for one in variables if one.startswith(b"TMPDIR="))


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


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


def metrics(base: str) -> str:
    with urllib.request.urlopen(f"{base}/metrics", timeout=60) as answer:
        return str(answer.read().decode())


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
