"""The embedded reader: of the embedded base, refused by the gate, and aware of what it has never seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from twelvelead.models.mllama import folder_sha256
from twelvelead.serving.familiar import unfamiliar
from twelvelead.serving.identity import read_identity
from twelvelead.serving.interpretation import notice


def test_the_embedded_reader_belongs_to_the_embedded_base_and_tells_its_refusal(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    who = read_identity(root / "models" / "reader")
    assert who.base == "models/tiny"
    assert who.base_sha256 == folder_sha256(root / "models" / "tiny")
    assert len(who.statements) == 71
    assert who.decision == "rejected"
    assert who.reasons
    assert "REJECTED" in notice(who)
    assert "simulated" in notice(who)


def test_a_reader_of_one_look_warns_of_pictures_and_not_of_records(root: Path) -> None:
    page = read_identity(root / "models" / "reader").page
    (warning,) = unfamiliar(page, "jpeg")
    assert "clean 12x1 pages alone" in warning
    assert unfamiliar(page, "wfdb") == ()
    assert unfamiliar({**page, "look": "varied"}, "jpeg") == ()
    assert unfamiliar({}, "png") == ()
