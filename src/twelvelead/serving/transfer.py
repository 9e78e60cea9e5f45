"""What comes in and what goes out over a connection, each bounded in size and time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from twelvelead.progress import say
from twelvelead.serving.limits import Limits
from twelvelead.serving.queue import Visit
from twelvelead.serving.refusal import Refusal

Result = TypeVar("Result")


@asynccontextmanager
async def in_time(limits: Limits) -> AsyncIterator[None]:
    """What is done within must be done in time.

    Raises:
        Refusal: It was not.
    """
    try:
        async with asyncio.timeout(limits.request_s):
            yield
    except TimeoutError:
        raise Refusal(
            "timeout", f"the request was not done after {limits.request_s:g} s", fix="send less at once"
        ) from None


async def body(request: Request, visit: Visit, most: int = 0) -> bytes:
    """The whole body, counted as it comes.

    Raises:
        Refusal: It is too large, or packed.
    """
    if request.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise Refusal("unsupported", "the body is compressed", expected="no Content-Encoding")
    announced = request.headers.get("content-length", "0")
    most = most or visit.door.limits.upload_bytes
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > most:
        raise Refusal("too_large", "the upload is too large", expected=f"{most} bytes at most")
    parts, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                raise Refusal("too_large", "the upload is too large", expected=f"{most} bytes at most")
            visit.hold(len(chunk))
            parts.append(chunk)
    except ClientDisconnect:
        raise Refusal("bad_request", "the upload broke off") from None
    return b"".join(parts)


async def while_there(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """What work comes to, unless the client leaves before: then its place is free for somebody who waits.

    Raises:
        Refusal: The client is gone.
    """
    task = asyncio.ensure_future(work)
    leaves = asyncio.ensure_future(request.receive())  # of a body that was read whole, only this can come
    try:
        await asyncio.wait((task, leaves), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Refusal("bad_request", "the client is gone")
        return task.result()
    finally:
        task.cancel()
        leaves.cancel()


class Lines(StreamingResponse):
    """Lines as they are made; a client that takes none of them for too long is left.

    Args:
        content: Of the lines.
        media_type: Of the whole.
        patience_s: For one line to be taken.
        after: Called in the end, also where the client was gone before the first line was begun: then the
            generator never runs, and neither would a `finally` of its own.
    """

    def __init__(
        self,
        content: AsyncGenerator[bytes, None],
        media_type: str,
        patience_s: float,
        after: Callable[[], Any],
    ) -> None:
        super().__init__(content, media_type=media_type)
        self.patience_s, self._lines, self._after = patience_s, content, after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them as far as they are taken, then let go what they hold."""
        try:
            async with aclosing(self._lines):
                await super().__call__(scope, receive, send)
        finally:
            self._after()

    async def stream_response(self, send: Send) -> None:
        """Send them all, or give up."""

        async def taken(message: Message) -> None:
            async with asyncio.timeout(self.patience_s):
                await send(message)

        try:
            await super().stream_response(taken)
        except TimeoutError:
            say("serve: a client took no more of its answer and was left")


def impatient(patience_s: float) -> Any:
    """The class of uvicorn's connections, with an end to those on which nothing happens.

    uvicorn counts every connection against its limit, and by itself waits for ever for a request's head and
    for a client to take the rest of an answer: a few hundred silent connections would shut all others out.

    Args:
        patience_s: So long one may lie still, twice that at most.
    """
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Impatient(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._before: tuple[Any, bool, int] | None = None
            self._watch = self.loop.call_later(patience_s, self._look)

        def connection_lost(self, exc: Exception | None) -> None:
            self._watch.cancel()
            super().connection_lost(exc)

        def _look(self) -> None:
            asked = self.cycle is not None and not self.cycle.response_complete
            now = (self.cycle, asked, self.transport.get_write_buffer_size())
            working = asked and not self.transport.is_closing()  # that has a time limit of its own
            if now == self._before and not working:
                self.transport.abort()
                return
            self._before = now
            self._watch = self.loop.call_later(patience_s, self._look)

    return Impatient
