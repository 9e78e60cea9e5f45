"""The routes of the service; docs/guides/reading.md and /openapi.json tell what they take and give."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from twelvelead.errors import Error, SetupError
from twelvelead.progress import say
from twelvelead.serving import inference
from twelvelead.serving.house import House, Settings
from twelvelead.serving.interpretation import model_tree
from twelvelead.serving.openapi import document
from twelvelead.serving.parcel import from_zip, grouped, unpacked
from twelvelead.serving.queue import Busy
from twelvelead.serving.reader import Reader
from twelvelead.serving.refusal import STATUS, Refusal
from twelvelead.serving.security import Guard, answer, where
from twelvelead.serving.sheet import Upload
from twelvelead.serving.sniff import kind_of
from twelvelead.serving.transfer import Lines, body, in_time, while_there

PAGE = Path(__file__).with_name("page")
SMALL_BYTES = 256 << 10  # of a body that is JSON
NO_PAGE = "<!doctype html><title>Twelvelead</title><p>The review page is not installed; see /openapi.json."
Handler = Callable[[Request], Awaitable[Response]]
CODES = {status: code for code, status in reversed(STATUS.items())}


def create_app(settings: Settings) -> Starlette:
    """The ASGI app; its parts start with its lifespan, `app.state.house` holds them."""
    house = House(settings)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        house.start()
        try:
            yield
        finally:
            await asyncio.to_thread(house.stop)

    routes: list[Any] = [
        Route("/", index),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        Route("/openapi.json", openapi),
        Route("/v1/model", model),
        Route("/v1/interpret", interpret, methods=["POST"]),
        Route("/v1/batch", batch, methods=["POST"]),
        Route("/v1/feedback", feedback, methods=["POST"]),
        Route("/v1/queue", worst),
        Route("/v1/queue/{record_id}", worst_record),
        *inference.routes(),
    ]
    if PAGE.is_dir():
        routes.append(Mount("/static", StaticFiles(directory=PAGE), name="static"))
    app = Starlette(
        routes=routes, lifespan=lifespan,
        middleware=[Middleware(Guard, settings.token, house.metrics.noticed, logged=settings.logged)],
        exception_handlers={Error: refused, HTTPException: not_routed},
    )  # fmt: skip
    app.state.house = house
    return app


async def index(request: Request) -> Response:
    """The review page."""
    page = PAGE / "index.html"
    return FileResponse(page) if page.is_file() else HTMLResponse(NO_PAGE)


async def healthz(request: Request) -> Response:
    """Alive."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Ready to read; what is wrong stands beside it either way."""
    house = _house(request)
    trouble = house.seat.told if house.settings.token else house.seat.trouble  # anybody may ask this
    details = {"trouble": trouble} if trouble else {}
    if house.door.closed:
        return JSONResponse({"status": "shutting down", **details}, 503)
    if house.seat.reader is None:
        return JSONResponse({"status": "no model is loaded yet", **details}, 503)
    return JSONResponse({"status": "ok", "version": house.seat.reader.identity.version, **details})


async def metrics(request: Request) -> Response:
    """Prometheus text."""
    house = _house(request)
    house.metrics.model.clear()
    if house.seat.reader is not None:
        who = house.seat.reader.identity
        house.metrics.model.labels(who.version, who.adapter_sha256[:12], who.decision).set(1)
    return Response(house.metrics.text(), media_type="text/plain; version=0.0.4")


async def openapi(request: Request) -> Response:
    """This interface."""
    return JSONResponse(document(secured=bool(_house(request).settings.token)))


async def model(request: Request) -> Response:
    """Who reads."""
    return JSONResponse(model_tree(_house(request).reader().identity, asked=True))


async def interpret(request: Request) -> Response:
    """Read one page or record."""
    house = _house(request)
    only, picture = _whole(request, "page", 1), _flag(request, "picture")
    reader = house.reader()
    with house.door.passed() as visit:
        async with in_time(house.limits):
            files = await unpacked(
                request.headers.get("content-type", ""), await body(request, visit), house.limits
            )
            work = house.interpreted(reader, files, only=only, picture=picture)
            return JSONResponse(await while_there(request, work))


async def batch(request: Request) -> Response:
    """Read many; one line of JSON a file, as they are done, in their order, all by one reader."""
    house, picture = _house(request), _flag(request, "picture")
    reader = house.reader()
    passing = house.door.passed()
    visit = passing.__enter__()
    try:
        async with in_time(house.limits):
            files = await unpacked(
                request.headers.get("content-type", ""), await body(request, visit), house.limits
            )
            if len(files) == 1 and kind_of(files[0].data) == "zip":
                files = await asyncio.to_thread(from_zip, files[0].data, house.limits, visit.unfold)
    except BaseException:
        passing.__exit__(None, None, None)
        raise

    async def lines() -> AsyncGenerator[bytes, None]:
        groups = grouped(files)
        width = max(house.settings.chambers, 1)
        for start in range(0, len(groups), width):
            some = groups[start : start + width]
            read = (_line(house, reader, name, group, picture=picture) for name, group in some)
            for line in await asyncio.gather(*read):
                yield line

    return Lines(
        lines(), "application/x-ndjson", house.limits.request_s, lambda: passing.__exit__(None, None, None)
    )


async def _line(house: House, reader: Reader, name: str, files: list[Upload], *, picture: bool) -> bytes:
    try:
        async with in_time(house.limits):
            result = await house.interpreted(reader, files, picture=picture)
            tree: dict[str, Any] = {"file": name, "result": result}
    except Error as fault:
        refusal = Refusal.of(fault, "unavailable" if isinstance(fault, SetupError) else "unreadable")
        house.metrics.refused.labels(refusal.code).inc()
        tree = {"file": name, "error": refusal.tree()}
    except Exception as fault:  # one file must not end the others' stream
        say(f"serve: a bug: {where(fault)}")
        tree = {"file": name, "error": Refusal("internal", "this file could not be read").tree()}
    return (json.dumps(tree, ensure_ascii=False) + "\n").encode("utf-8")


async def feedback(request: Request) -> Response:
    """Keep what a person says."""
    house = _house(request)
    with house.door.passed() as visit:
        async with in_time(house.limits):
            data = await body(request, visit, SMALL_BYTES)
        reader = house.seat.reader
        await asyncio.to_thread(house.book.keep, data, reader.identity.adapter_sha256 if reader else "")
    return JSONResponse({"kept": True}, 201)


async def worst(request: Request) -> Response:
    """Where label and reader disagree most."""
    house = _house(request)
    _thresholds(house)
    run = house.settings.run
    return JSONResponse(
        {"run": run.name if run else None, "items": await asyncio.to_thread(house.worst.items)}
    )


async def worst_record(request: Request) -> Response:
    """One of them, whole."""
    house = _house(request)
    _thresholds(house)
    return JSONResponse(await asyncio.to_thread(house.worst.record, request.path_params["record_id"]))


async def refused(request: Request, fault: Exception) -> Response:
    """Our own errors."""
    assert isinstance(fault, Error)
    house = _house(request)
    refusal = Refusal.of(fault, "unavailable" if isinstance(fault, SetupError) else "unreadable")
    house.metrics.refused.labels(refusal.code).inc()
    return answer(refusal, fault.retry_after_s if isinstance(fault, Busy) else 0)


async def not_routed(request: Request, fault: Exception) -> Response:
    """What the router refuses."""
    assert isinstance(fault, HTTPException)
    code = CODES.get(fault.status_code, "bad_request")
    refusal = Refusal(code, str(fault.detail), expected="see /openapi.json")
    response = answer(refusal)
    response.status_code = fault.status_code
    response.headers.update(fault.headers or {})
    return response


def _thresholds(house: House) -> None:
    if house.seat.reader is not None:
        house.worst.thresholds = {one.code: one.threshold for one in house.seat.reader.identity.statements}


def _house(request: Request) -> House:
    house: House = request.app.state.house
    return house


def _flag(request: Request, name: str) -> bool:
    value = request.query_params.get(name, "false").lower()
    if value not in ("true", "false"):
        raise Refusal("bad_request", f"is {value[:40]!r}", where=f"?{name}", expected="true or false")
    return value == "true"


def _whole(request: Request, name: str, default: int) -> int:
    value = request.query_params.get(name, str(default))
    if not (value.isascii() and value.isdigit() and 0 < len(value) < 7 and int(value) > 0):
        raise Refusal("bad_request", f"is {value[:40]!r}", where=f"?{name}", expected="a whole number from 1")
    return int(value)
