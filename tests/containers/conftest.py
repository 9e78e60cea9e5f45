"""An engine that answers, and the images of `make images`; without them tests are skipped with a reason.

DOCKER_HOST names the engine. Where it is not set and podman is installed, podman serves for the tests.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

IMAGES = os.environ.get("TWELVELEAD_TEST_IMAGES", "")  # such as localhost/twelvelead/{target}:dev
PATIENCE_S = 30

Run = Callable[..., str]


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A docker client; DOCKER_HOST is set for what the tests start."""
    if not IMAGES:
        pytest.skip("TWELVELEAD_TEST_IMAGES names no images: make images test-containers")
    docker = pytest.importorskip("docker")
    with pytest.MonkeyPatch.context() as patch:
        service = None
        if not os.environ.get("DOCKER_HOST") and shutil.which("podman"):
            socket = tmp_path_factory.mktemp("podman") / "podman.sock"
            patch.setenv("DOCKER_HOST", f"unix://{socket}")
            service = subprocess.Popen(["podman", "system", "service", "--time=0", f"unix://{socket}"])
        try:
            yield _answering(docker, service)
        finally:
            if service is not None:
                service.terminate()
                service.wait()


def _answering(docker: Any, service: subprocess.Popen[bytes] | None) -> Any:
    deadline = time.monotonic() + (PATIENCE_S if service else 0)
    while True:
        try:
            client = docker.from_env()
            client.ping()
            return client
        except docker.errors.DockerException as fault:
            if time.monotonic() > deadline or (service and service.poll() is not None):
                pytest.skip(f"no container engine answers: {str(fault)[:200]}")
            time.sleep(0.2)


@pytest.fixture(scope="session")
def image(engine: Any) -> Callable[[str], str]:
    """The name of a target's image; skips where it was not built or cannot start."""
    import docker

    def named(target: str) -> str:
        name = IMAGES.format(target=target)
        try:
            engine.images.get(name)
            engine.containers.run(name, ["true"], remove=True)
        except docker.errors.ImageNotFound:
            pytest.skip(f"the engine has no image {name}: make images")
        except docker.errors.APIError as fault:
            pytest.skip(
                f"the engine starts no container: {str(fault)[:300]} "
                "(in a sandbox: export CONTAINERS_CONF=$PWD/components/sandbox.conf)"
            )
        return name

    return named


@pytest.fixture(scope="session")
def inside(engine: Any, image: Callable[[str], str]) -> Run:
    """Run a command in a target's image as a pod would: a read-only root, a writable /tmp, no network."""

    def run(target: str, command: list[str], folder: Path | None = None) -> str:
        mounts = {str(folder): {"bind": str(folder), "mode": "rw"}} if folder else {}
        output = engine.containers.run(
            image(target),
            command,
            remove=True,
            read_only=True,
            tmpfs={"/tmp": ""},
            network_mode="none",
            volumes=mounts,
            user=f"{os.getuid()}:{os.getgid()}" if folder else None,
            stderr=True,
        )
        return str(output.decode())

    return run
