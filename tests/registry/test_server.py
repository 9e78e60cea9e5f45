"""Promotion against a real MLflow server with basic auth on PostgreSQL, by real processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.registry.mlflow_server import PIPELINE, READER, Server, Unavailable, postgres, running
from tests.unit.registry.conftest import POLICY, write_artifacts

from twelvelead.errors import RegistryError
from twelvelead.params import Register
from twelvelead.registry.lineage import read_candidate
from twelvelead.registry.register import register
from twelvelead.registry.tracking import session

pytestmark = pytest.mark.slow
NAME = "twelvelead-reader"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    try:
        with postgres() as database, running(database, tmp_path_factory.mktemp("server")) as found:
            yield found
    except Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture
def pipeline(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server, reached as the pipeline."""
    return as_user(server, PIPELINE, monkeypatch)


def as_user(server: Server, user: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", user[0])
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", user[1])
    monkeypatch.setenv("TWELVELEAD_GIT_REVISION", "abc123")
    return server


def registered(server: Server, folder: Path, weights: bytes, name: str, *, promote: bool) -> int:
    write_artifacts(folder, passed=True, weights=weights)
    candidate = read_candidate(
        folder / "verdict.json", folder / "adapter", folder / "baseline", folder / "evaluation"
    )
    settings = Register(tracking_uri=server.uri, model_name=name, promote=promote)
    return int(register(candidate, settings)["version"])


def seat(server: Server, name: str) -> dict[str, int]:
    with session(server.uri) as client:
        models = client.search_registered_models(f"name='{name}'")
        return {alias: int(version) for alias, version in models[0].aliases.items()} if models else {}


def test_of_two_promotions_at_once_exactly_one_takes_the_seat(pipeline: Server, tmp_path: Path) -> None:
    policy = tmp_path / "gate.yaml"
    policy.write_text(POLICY)
    assert registered(pipeline, tmp_path / "a", b"one", NAME, promote=True) == 1
    rivals = [
        registered(pipeline, tmp_path / "a", weights, NAME, promote=False) for weights in (b"two", b"three")
    ]

    tries = [
        subprocess.Popen(
            [
                sys.executable, "-m", "twelvelead", "promote", str(rival), "--uri", pipeline.uri,
                "--policy", str(policy), "--expect", "1",
            ],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for rival in rivals
    ]  # fmt: skip
    said = [process.communicate(timeout=300) for process in tries]

    won = [rival for rival, process in zip(rivals, tries, strict=True) if process.returncode == 0]
    assert len(won) == 1, said
    assert seat(pipeline, NAME)["champion"] == won[0]
    refusal = "".join(err for process, (_, err) in zip(tries, said, strict=True) if process.returncode)
    assert "changed meanwhile" in refusal or "the champion is version" in refusal
    with session(pipeline.uri) as client:
        tags = {rival: client.get_model_version(NAME, str(rival)).tags for rival in rivals}
        assert len(client.search_registered_models()) == 1, "nobody's turn is left"
    for rival in rivals:
        assert ("promoted_at" in tags[rival]) is (rival in won), "the loser shows no trace of a promotion"


def test_an_identity_without_the_right_moves_nothing(
    pipeline: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "guarded"
    registered(pipeline, tmp_path / "a", b"one", name, promote=True)
    registered(pipeline, tmp_path / "a", b"two", name, promote=False)
    policy = tmp_path / "gate.yaml"
    policy.write_text(POLICY)
    before = seat(pipeline, name)

    as_user(pipeline, READER, monkeypatch)
    from twelvelead.registry.promote import promote, rollback

    with pytest.raises(RegistryError, match=r"(?i)permission|403"):
        promote(name, 2, pipeline.uri, policy=policy)
    with pytest.raises(RegistryError):
        rollback(name, pipeline.uri)

    as_user(pipeline, PIPELINE, monkeypatch)
    assert seat(pipeline, name) == before
    with session(pipeline.uri) as client:
        assert "promoted_at" not in client.get_model_version(name, "2").tags


def test_a_wrong_password_is_said_so(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    as_user(server, ("pipeline", "wrong"), monkeypatch)

    with pytest.raises(RegistryError, match=r"(?i)not authenticated|401|credentials"):
        seat(server, NAME)
