"""Fingerprints, revisions, and reading a candidate's files."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from twelvelead.data.digest import model_sha256
from twelvelead.errors import SetupError
from twelvelead.registry.lineage import (
    Candidate,
    fingerprint,
    git_revision,
    home,
    read_candidate,
    read_json,
    version_tags,
)

Make = Callable[..., Candidate]


def test_the_adapters_hash_follows_its_files_and_not_its_lineage(make: Make) -> None:
    candidate = make()
    before = model_sha256(candidate.adapter)

    (candidate.adapter / "lineage.json").write_text("{}")
    assert model_sha256(candidate.adapter) == before
    (candidate.adapter / "adapter_config.json").write_text('{"r": 32}')
    assert model_sha256(candidate.adapter) != before


def test_the_fingerprint_tells_weights_and_verdicts_apart(make: Make) -> None:
    found = {
        fingerprint(make(passed=passed, weights=weights))
        for passed in (True, False)
        for weights in (b"1", b"2")
    }
    assert len(found) == 4


def test_without_lineage_or_base_record_the_tags_say_unknown(make: Make) -> None:
    folder = make().verdict_file.parent
    for name in ("adapter/lineage.json", "evaluation/lineage.json", "adapter/base.json"):
        (folder / name).unlink()
    candidate = read_candidate(
        folder / "verdict.json", folder / "adapter", folder / "baseline", folder / "evaluation"
    )

    tags = version_tags(candidate)
    assert (tags["base"], tags["base_sha256"], tags["seeds"]) == ("unknown", "unknown", "{}")
    assert tags["dvc_md5.adapter"].endswith(".dir")


def test_a_broken_verdict_is_named(tmp_path: Path) -> None:
    path = tmp_path / "verdict.json"
    with pytest.raises(SetupError, match=r"verdict\.json: file is missing"):
        read_json(path)
    path.write_text("{")
    with pytest.raises(SetupError, match="not readable as JSON"):
        read_json(path)
    path.write_text("[]")
    with pytest.raises(SetupError, match="holds a list"):
        read_json(path)


def test_the_named_revision_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWELVELEAD_GIT_REVISION", "abc")
    assert git_revision() == ("abc", False)
    monkeypatch.setenv("TWELVELEAD_GIT_REVISION", "abc+dirty")
    assert git_revision() == ("abc", True)


def test_the_revision_of_the_checkout_is_found_with_its_dirt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TWELVELEAD_GIT_REVISION", raising=False)
    monkeypatch.setenv("TWELVELEAD_HOME", str(tmp_path))
    (tmp_path / "mlflow").mkdir()
    (tmp_path / "mlflow" / "model.py").write_text("")
    assert git_revision() == ("unknown", False)

    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *command], check=True)
    revision, dirty = git_revision()
    assert (len(revision), dirty) == (40, False)
    (tmp_path / "mlflow" / "model.py").write_text("changed")
    assert git_revision() == (revision, True)


def test_home_is_found_from_anywhere_and_a_wrong_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TWELVELEAD_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    assert (home() / "mlflow" / "model.py").is_file()
    monkeypatch.setenv("TWELVELEAD_HOME", str(tmp_path))
    with pytest.raises(SetupError, match="TWELVELEAD_HOME"):
        home()
