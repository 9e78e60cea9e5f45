"""The image that serves: its own sign of health turns good, and it ends when it is told to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

PATIENCE_S = 120


@pytest.fixture
def server(engine: Any, image: Callable[[str], str]) -> Iterator[Any]:
    """The container as a pod would run it; the network is its own loopback alone."""
    name = image("serve")
    told = engine.containers.run(name, ["sh", "-c", "twelvelead serve --help || echo unknown"], remove=True)
    if b"unknown" in told:
        pytest.skip("the image's twelvelead has no `serve`: make images TARGETS=serve")
    container = engine.containers.run(
        name, detach=True, read_only=True, tmpfs={"/tmp": ""}, network_mode="none",
        environment={"TWELVELEAD_TOKEN": "t" * 32},
    )  # fmt: skip
    try:
        yield container
    finally:
        container.remove(force=True)


def test_it_becomes_healthy_as_nobody_and_ends_when_told(
    server: Any, health: Callable[[str], list[str]]
) -> None:
    asked = health("serve")
    assert "/healthz" in asked[-1]
    deadline = time.monotonic() + PATIENCE_S
    while server.exec_run(asked).exit_code:
        server.reload()
        assert server.status == "running", server.logs().decode()
        assert time.monotonic() < deadline, server.logs().decode()
        time.sleep(1)
    assert server.exec_run(["id", "-u"]).output.split() == [b"10001"]
    server.kill("SIGTERM")
    assert server.wait(timeout=60)["StatusCode"] in (0, 143), server.logs().decode()


def test_without_a_token_it_opens_to_nobody_and_says_why(engine: Any, image: Callable[[str], str]) -> None:
    import docker

    with pytest.raises(docker.errors.ContainerError, match="anybody could send here") as caught:
        engine.containers.run(image("serve"), remove=True, read_only=True, tmpfs={"/tmp": ""}, stderr=True)
    assert caught.value.exit_status == 5
