"""An engine that answers, and the images of `make images`; without them tests are skipped with a reason.

DOCKER_HOST names the engine. Where it is not set and podman is installed, podman serves for the tests.
"""

from __future__ import annotations

import contextlib
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
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        if not os.environ.get("DOCKER_HOST") and shutil.which("podman"):
            stack.enter_context(_podman(patch, tmp_path_factory))
        client = docker.from_env(timeout=300)  # podman answers late while it removes containers
        stack.callback(client.close)
        try:
            client.ping()
        except docker.errors.DockerException as fault:
            pytest.skip(f"no container engine answers: {str(fault)[:200]}")
        yield client


@contextlib.contextmanager
def _podman(patch: pytest.MonkeyPatch, folders: pytest.TempPathFactory) -> Iterator[None]:
    socket = folders.mktemp("podman") / "podman.sock"
    patch.setenv("DOCKER_HOST", f"unix://{socket}")
    service = subprocess.Popen(["podman", "system", "service", "--time=0", f"unix://{socket}"])
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not socket.exists() and service.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        yield
    finally:
        service.terminate()
        service.wait()


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


@pytest.fixture(scope="session")
def health(engine: Any, image: Callable[[str], str]) -> Callable[[str], list[str]]:
    """The command by which a target's image is asked how it is."""

    def command(target: str) -> list[str]:
        container = engine.containers.create(image(target))  # podman tells it of containers alone
        try:
            kind, *words = container.attrs["Config"]["Healthcheck"]["Test"]
        finally:
            container.remove()
        assert kind == "CMD"
        return words

    return command
