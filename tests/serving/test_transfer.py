"""A connection on which nothing happens is ended; one that works is left alone."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("torch")
uvicorn = pytest.importorskip("uvicorn")

from twelvelead.serving.transfer import Lines, impatient

LARGE = b"x" * (8 << 20)


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        return
    if scope["path"] == "/slow":
        await asyncio.sleep(1.5)
    if scope["path"] == "/lines":

        async def lines() -> Any:
            for _ in range(64):
                yield LARGE[: 1 << 20]

        def close() -> None:
            app.closed = True  # type: ignore[attr-defined]

        await Lines(lines(), "text/plain", 0.5, close)(scope, receive, send)
        return
    body = LARGE if scope["path"] == "/large" else b"fine"
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]}
    )
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = int(free.getsockname()[1])
    config = uvicorn.Config(
        app, port=number, log_level="critical", http=impatient(0.3), lifespan="off", ws="none",
        timeout_keep_alive=60,
        h11_max_incomplete_event_size=16 << 10,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield number
    server.should_exit = True
    thread.join(30)


def ended(connection: socket.socket) -> bool:
    """Whether the other end closes within a while."""
    connection.settimeout(30)
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_who_says_nothing_is_not_kept(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as silent:
        assert ended(silent)


def test_who_never_comes_to_the_point_is_not_kept(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(b"POST / HTTP/1.1\r\n")
        for _ in range(100):
            try:
                slow.sendall(b"x-one-more: 1\r\n")
            except OSError:
                break
            time.sleep(0.1)
        else:
            raise AssertionError("a head that never ends holds a connection for ever")


def test_a_head_may_have_so_much_and_no_more(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as loud:
        loud.sendall(b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"y" * (64 << 10))
        assert b" 400 " in loud.recv(100)


def test_a_request_that_takes_its_time_is_answered_and_the_next_one_too(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as patient:
        for path in (b"/slow", b"/"):
            patient.sendall(b"GET " + path + b" HTTP/1.1\r\nhost: a\r\n\r\n")
            patient.settimeout(30)
            told = b""
            while b"fine" not in told:
                told += patient.recv(1000)


def test_who_takes_nothing_of_an_answer_is_not_kept(port: int) -> None:
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", port))
        deaf.sendall(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n")
        time.sleep(3)
        assert taken(deaf) < len(LARGE)


def test_lines_that_nobody_takes_let_go_what_they_hold(port: int) -> None:
    app.closed = False  # type: ignore[attr-defined]
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", port))
        deaf.sendall(b"GET /lines HTTP/1.1\r\nhost: a\r\n\r\n")
        for _ in range(300):
            if app.closed:  # type: ignore[attr-defined]
                break
            time.sleep(0.1)
        assert app.closed, "a place inside is held as long as a client likes"  # type: ignore[attr-defined]


def taken(connection: socket.socket) -> int:
    connection.settimeout(30)
    size = 0
    try:
        while part := connection.recv(1 << 20):
            size += len(part)
    except ConnectionResetError:
        pass
    return size


def test_two_ways_to_tell_a_length_are_one_too_many(port: int) -> None:
    for head in (
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ncontent-length: 40\r\n\r\nabcd",
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: +4\r\n\r\nabcd",
    ):
        with socket.create_connection(("127.0.0.1", port)) as sly:
            sly.settimeout(30)
            sly.sendall(head)
            told = sly.recv(100)
            assert told.startswith((b"HTTP/1.1 400", b"HTTP/1.1 501")), told
