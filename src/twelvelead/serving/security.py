"""What stands before every request: a token, the hosts we answer to, headers, a log that names nobody."""

from __future__ import annotations

import hmac
import json
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from twelvelead.progress import say
from twelvelead.serving.refusal import Refusal

HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
        "frame-ancestors 'none'; form-action 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "x-frame-options": "DENY",
}
GUARDED = ("/v1/", "/v2/")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "testserver"})
Notice = Callable[[str, int, float], None]


class Guard:
    """Pure ASGI: checks a request, and dresses and notes its answer.

    Args:
        app: What is guarded.
        token: That /v1/* and /v2/* ask for; "" asks for none and answers to loopback names only, so that no
            web page reaches us through a name of its own (DNS rebinding).
        noticed: Told route, status and seconds.
        logged: Whether requests are noted on stderr, without names of files or records.
    """

    def __init__(self, app: ASGIApp, token: str, noticed: Notice, *, logged: bool = True) -> None:
        self.app, self.noticed, self.logged = app, noticed, logged
        self.token = token.encode("utf-8")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status, started = time.monotonic(), 500, False

        async def dressed(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            refused = self._refused(scope)
            if refused is None:
                await self.app(scope, receive, dressed)
            else:
                await answer(refused)(scope, receive, dressed)
        except Exception as fault:  # a bug of ours; what it says may hold what was sent
            say(f"serve: a bug: {where(fault)}")
            status = 500
            if not started:
                bug = Refusal("internal", "the server failed at this request", fix="tell whoever runs it")
                await answer(bug)(scope, receive, dressed)
        finally:
            route = route_of(scope)
            spent = time.monotonic() - begun
            self.noticed(route, status, spent)
            if self.logged:
                method = scope["method"] if scope["method"] in METHODS else "other"
                note = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "method": method,
                        "route": route, "status": status, "ms": round(1000 * spent, 1)}  # fmt: skip
                sys.stderr.write(json.dumps(note) + "\n")

    def _refused(self, scope: Scope) -> Refusal | None:
        headers = Headers(scope=scope)
        if not self.token:
            # A browser says whose page sends: a stranger's could not read an answer, but leave feedback.
            origin = headers.get("origin")
            if _name(headers.get("host", "")) not in LOOPBACK or (
                origin is not None and _name(origin.partition("://")[2]) not in LOOPBACK
            ):
                return Refusal(
                    "unauthorised", "without a token only this machine is answered",
                    fix="start the server with TWELVELEAD_TOKEN or --token-file",
                )  # fmt: skip
            return None
        if not scope["path"].startswith(GUARDED):
            return None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        own = given.strip().encode("utf-8", "replace")
        if scheme.lower() == "bearer" and hmac.compare_digest(own, self.token):
            return None
        return Refusal(
            "unauthorised", "the token is missing or another one", expected="Authorization: Bearer TOKEN"
        )


def _name(host: str) -> str:
    host = host.lower()
    return host.rpartition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]


def where(fault: BaseException) -> str:
    """Kind and place of an exception, innermost first, without what it says."""
    frames = traceback.extract_tb(fault.__traceback__)[-3:]
    places = (f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    return f"{type(fault).__name__} at {', '.join(places)}"


def route_of(scope: Scope) -> str:
    """The pattern that matched, never the path: a path can hold a record's name."""
    route = scope.get("route")
    path = getattr(route, "path", "")
    return str(path) if path else "other"


def answer(fault: Refusal, retry_after_s: int = 0) -> JSONResponse:
    """A refusal as JSON."""
    headers: dict[str, str] = {}
    if retry_after_s:
        headers["retry-after"] = str(retry_after_s)
    if fault.code == "unauthorised":
        headers["www-authenticate"] = "Bearer"
    tree: dict[str, Any] = {"error": fault.tree()}
    return JSONResponse(tree, fault.status, headers)
