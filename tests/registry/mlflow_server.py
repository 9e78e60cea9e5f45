"""A real MLflow server for tests: basic auth, PostgreSQL behind it, artifacts through it; or a plain one."""

from __future__ import annotations

import configparser
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PIPELINE, READER = ("pipeline", "the pipeline's password"), ("reader", "the reader's password")
ADMIN = ("admin", "the admin's password")


class Unavailable(Exception):
    """The server cannot be run here."""


@dataclass(frozen=True)
class Server:
    """A running server and the folder it keeps its files in."""

    uri: str
    folder: Path

    def environment(self, user: tuple[str, str]) -> dict[str, str]:
        """What a client of that user has in its environment: no key of any store."""
        return {
            "MLFLOW_TRACKING_URI": self.uri,
            "MLFLOW_TRACKING_USERNAME": user[0],
            "MLFLOW_TRACKING_PASSWORD": user[1],
        }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def postgres() -> Iterator[str]:
    """A fresh PostgreSQL cluster; it refuses to run as root, so root lends it to the user postgres.

    Raises:
        Unavailable: There is no PostgreSQL.
    """
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = (
        programs[-1].parent if programs else shutil.which("initdb") and Path(shutil.which("initdb")).parent
    )
    if not found:
        raise Unavailable("no PostgreSQL here: apt-get install postgresql")
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


@contextmanager
def _started(port: int, folder: Path, options: list[str], more: Mapping[str, str]) -> Iterator[str]:
    """A server that answers, and the address it answers at; its log is `folder/log`."""
    import requests

    uri = f"http://127.0.0.1:{port}"
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), *options
    ]  # fmt: skip
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **more}
    with (folder / "log").open("a") as log:
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
                raise Unavailable(f"the server did not start:\n{(folder / 'log').read_text()[-3000:]}")
            time.sleep(0.2)
        yield uri
    finally:
        os.killpg(process.pid, 9)
        process.wait()


@contextmanager
def plain(folder: Path, port: int) -> Iterator[str]:
    """A server without users on a SQLite file; started again on the same folder and port, it goes on."""
    options = [
        "--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    with _started(port, folder, options, {}) as uri:
        yield uri


@contextmanager
def running(
    database: str, folder: Path, artifacts: str = "", more: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A server with the users of this module.

    Args:
        database: What `postgres` gave.
        folder: Where its log and, by default, artifacts go.
        artifacts: Where artifacts go, such as s3://bucket/path.
        more: Environment of the server alone, such as the keys of that store.

    Raises:
        Unavailable: A package is missing, or it does not come up.
    """
    if importlib.util.find_spec("flask_wtf") is None:
        raise Unavailable("MLflow's basic auth needs Flask-WTF")
    import requests

    port = free_port()
    ini = configparser.ConfigParser()
    ini["mlflow"] = {
        "default_permission": "READ",
        "database_uri": f"{database}/auth",
        "admin_username": ADMIN[0],
        "admin_password": ADMIN[1],
        "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
        "auth_cache_ttl_seconds": "60",
    }
    with (folder / "auth.ini").open("w") as stream:
        ini.write(stream)
    options = [
        "--workers", "2", "--backend-store-uri", f"{database}/tracking",
        "--artifacts-destination", artifacts or str(folder / "artifacts"), "--app-name", "basic-auth",
    ]  # fmt: skip
    environment = {
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "only for this test",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        **(more or {}),
    }
    with _started(port, folder, options, environment) as uri:
        for name, password in (PIPELINE, READER):
            requests.post(
                f"{uri}/api/2.0/mlflow/users/create",
                json={"username": name, "password": password},
                auth=ADMIN,
                timeout=30,
            ).raise_for_status()
        yield Server(uri, folder)
