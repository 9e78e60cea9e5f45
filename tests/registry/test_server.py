"""Promotion against a real MLflow server with basic auth on PostgreSQL, by real processes."""

from __future__ import annotations

import configparser
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.unit.registry.conftest import POLICY, write_artifacts

from twelvelead.errors import RegistryError
from twelvelead.params import Register
from twelvelead.registry.lineage import read_candidate
from twelvelead.registry.register import register
from twelvelead.registry.tracking import session

pytestmark = pytest.mark.slow
NAME = "twelvelead-reader"
PIPELINE, READER = ("pipeline", "the pipeline's password"), ("reader", "the reader's password")


@dataclass(frozen=True)
class Server:
    """A running server and the folder it keeps its files in."""

    uri: str
    folder: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A fresh PostgreSQL cluster; it refuses to run as root, so root lends it to the user postgres."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = (
        programs[-1].parent if programs else shutil.which("initdb") and Path(shutil.which("initdb")).parent
    )
    if not found:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    # Not below pytest's own folder: that is closed to other users.
    folder = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    own = {"user": "postgres"} if os.geteuid() == 0 else {}
    if own:
        shutil.chown(folder, "postgres")
    port, data = free_port(), folder / "data"
    quiet = {"stdout": subprocess.DEVNULL, "cwd": folder, **own}
    try:
        initdb = [found / "initdb", "-D", data, "-U", "mlflow", "--auth=trust", "--no-sync"]
        subprocess.run(initdb, check=True, **quiet)
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        start = [found / "pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "start"]
        subprocess.run(start, check=True, **quiet)
        for name in ("tracking", "auth"):
            subprocess.run(
                [found / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "mlflow", name],
                check=True,
                **quiet,
            )
        yield f"postgresql+psycopg2://mlflow@127.0.0.1:{port}"
    finally:
        subprocess.run([found / "pg_ctl", "-D", data, "-m", "immediate", "stop"], check=False, **quiet)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def server(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if importlib.util.find_spec("flask_wtf") is None:
        pytest.skip("MLflow's basic auth needs Flask-WTF")
    import requests

    folder, port = tmp_path_factory.mktemp("server"), free_port()
    ini = configparser.ConfigParser()
    ini["mlflow"] = {
        "default_permission": "READ",
        "database_uri": f"{postgres}/auth",
        "admin_username": "admin",
        "admin_password": "the admin's password",
        "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
        "auth_cache_ttl_seconds": "60",
    }
    with (folder / "auth.ini").open("w") as stream:
        ini.write(stream)
    uri = f"http://127.0.0.1:{port}"
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "2",
        "--backend-store-uri", f"{postgres}/tracking", "--artifacts-destination", str(folder / "artifacts"),
        "--app-name", "basic-auth",
    ]  # fmt: skip
    environment = {
        **os.environ,
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "only for this test",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=folder, env=environment, start_new_session=True
        )
    try:
        deadline = time.monotonic() + 180
        while True:
            try:
                if requests.get(f"{uri}/health", timeout=5).ok:
                    break
            except requests.RequestException:
                pass
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the server did not start:\n{(folder / 'log').read_text()[-3000:]}")
            time.sleep(0.5)
        for name, password in (PIPELINE, READER):
            requests.post(
                f"{uri}/api/2.0/mlflow/users/create",
                json={"username": name, "password": password},
                auth=("admin", "the admin's password"),
                timeout=30,
            ).raise_for_status()
        yield Server(uri, folder)
    finally:
        os.killpg(process.pid, 9)
        process.wait()


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
