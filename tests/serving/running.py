"""The service as a process of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TOKEN = "a token of sixteen and more"  # not a secret


def free_port() -> int:
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return int(it.getsockname()[1])


@contextmanager
def served(
    model: Path | str, root: Path, *options: str, folder: Path | None = None, **more: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server that is ready, and its address; `more` is of its environment, `folder` takes its log."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "twelvelead",
        "serve",
        "--model",
        str(model),
        "--port",
        str(port),
        *options,
    ]
    environment = {**os.environ, "TWELVELEAD_TOKEN": TOKEN, "PYTHONPATH": str(root / "src"), **more}
    log = (folder or Path(model).parent) / f"{port}.log"  # a pipe that nobody reads would hold it up
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


def call(
    url: str, data: bytes | None = None, content_type: str = "image/png", timeout_s: float = 120
) -> tuple[int, Any]:
    """Status and JSON of one request."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": content_type}
    request = urllib.request.Request(url, data, headers)
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
