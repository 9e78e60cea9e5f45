"""A port that is taken, or is none, is told as everything else is."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("uvicorn")
pytestmark = pytest.mark.slow


def served(root: Path, road: Path, port: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "twelvelead", "serve", "--model", str(road), "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(root / "src")}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def test_a_port_that_is_taken_ends_in_five(road: Path, root: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = served(root, road, port)
    assert done.returncode == 5
    assert f"SetupError: 127.0.0.1:{port}: cannot listen there" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_there_is_not_ends_in_two(road: Path, root: Path) -> None:
    done = served(root, road, 99_999)
    assert done.returncode == 2
    assert "less than or equal to 65535" in done.stderr
