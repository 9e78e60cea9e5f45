"""Small files of a job's folder appear whole, whoever else writes them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from twelvelead.training.job import put


def test_two_nodes_that_fail_at_once_with_the_same_pid_do_not_trip_over_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ranks of two pods write fault.json to one volume, and pods count their pids from 1."""
    file = tmp_path / "fault.json"
    monkeypatch.setattr(os, "getpid", lambda: 8)
    real = os.fsync

    def meanwhile(number: int) -> None:
        monkeypatch.setattr(os, "fsync", real)
        put(file, "the other node's")
        real(number)

    monkeypatch.setattr(os, "fsync", meanwhile)
    put(file, "ours")
    assert file.read_text() == "ours"
    assert list(tmp_path.iterdir()) == [file]
