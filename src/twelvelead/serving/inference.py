"""The Open Inference Protocol (KServe V2) over the same readers: bytes of pages in, probabilities out."""

from __future__ import annotations

import base64
import binascii
import time
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from twelvelead import __version__
from twelvelead.serving.interpretation import notice
from twelvelead.serving.refusal import Refusal
from twelvelead.serving.sheet import Upload
from twelvelead.serving.transfer import body, in_time, while_there

if TYPE_CHECKING:
    from twelvelead.serving.house import House
    from twelvelead.serving.reader import Reader

MOST_PAGES = 16


def routes() -> list[Route]:
    """The routes that KServe asks for."""
    return [
        Route("/v2", server),
        Route("/v2/health/live", live),
        Route("/v2/health/ready", ready),
        Route("/v2/models/{name}", metadata),
        Route("/v2/models/{name}/ready", ready),
        Route("/v2/models/{name}/infer", infer, methods=["POST"]),
    ]


async def server(request: Request) -> Response:
    """What this is."""
    return JSONResponse({"name": "twelvelead", "version": __version__, "extensions": []})


async def live(request: Request) -> Response:
    """Alive."""
    return JSONResponse({"live": True})


async def ready(request: Request) -> Response:
    """Ready to read."""
    house: House = request.app.state.house
    fine = house.seat.reader is not None and not house.door.closed
    return JSONResponse({"ready": fine}, 200 if fine else 503)


async def metadata(request: Request) -> Response:
    """Names, types and shapes."""
    house, name = _named(request)
    statements = len(house.reader().identity.statements)
    return JSONResponse(
        {
            "name": name, "versions": [house.reader().identity.version], "platform": "twelvelead",
            "inputs": [{"name": "image", "datatype": "BYTES", "shape": [-1]}],
            "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [-1, statements]},
                        {"name": "codes", "datatype": "BYTES", "shape": [statements]}],
        }
    )  # fmt: skip


async def infer(request: Request) -> Response:
    """Read up to sixteen pages, each as base64."""
    house, name = _named(request)
    reader = house.reader()
    with house.door.passed() as visit:
        async with in_time(house.limits):
            pictures = _pictures(await request_json(await body(request, visit)))
            rows = await while_there(request, _read(house, reader, pictures))
    codes = reader.identity.codes
    return JSONResponse(
        {
            "model_name": name, "model_version": reader.identity.version,
            "parameters": {"decision": reader.identity.decision, "notice": notice(reader.identity),
                           "adapter_sha256": reader.identity.adapter_sha256,
                           "policy_sha256": reader.identity.policy_sha256},
            "outputs": [
                {"name": "probabilities", "datatype": "FP32", "data": rows,
                 "shape": [len(pictures), len(codes)]},
                {"name": "codes", "datatype": "BYTES", "shape": [len(codes)], "data": codes},
            ],
        }
    )  # fmt: skip


async def _read(house: House, reader: Reader, pictures: list[bytes]) -> list[float]:
    deadline = time.monotonic() + house.limits.request_s
    rows: list[float] = []
    for data in pictures:
        (sheet,) = await house.opened([Upload("", data)], reader.identity.page, only=1, scaled=False)
        if isinstance(sheet, Refusal):
            raise sheet
        answer = await house.answered(reader, sheet, deadline)
        by_code = {row["code"]: row["probability"] for row in answer["statements"]}
        rows += [by_code[code] for code in reader.identity.codes]
    return rows


async def request_json(data: bytes) -> Any:
    """A JSON body.

    Raises:
        Refusal: It is none.
    """
    import json

    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise Refusal("bad_request", "the body is no JSON") from None


def _pictures(tree: Any) -> list[bytes]:
    expected = 'an input named "image" of datatype BYTES, its data a list of base64 strings'
    inputs = tree.get("inputs") if isinstance(tree, dict) else None
    found = [one for one in inputs if isinstance(one, dict) and one.get("name") == "image"] if isinstance(
        inputs, list) else []  # fmt: skip
    data = found[0].get("data") if found else None
    if not isinstance(data, list) or not data or not all(isinstance(text, str) for text in data):
        raise Refusal("bad_request", "there is no picture in the request", where="inputs", expected=expected)
    if len(data) > MOST_PAGES:
        raise Refusal("too_large", f"{len(data)} pictures", where="inputs", expected=f"{MOST_PAGES} at most")
    try:
        return [base64.b64decode(text, validate=True) for text in data]
    except (binascii.Error, ValueError):
        raise Refusal("bad_request", "a picture is no base64", where="inputs", expected=expected) from None


def _named(request: Request) -> tuple[House, str]:
    house: House = request.app.state.house
    own = house.reader().identity.name
    name = request.path_params["name"]
    if name not in (own, "reader"):
        raise Refusal("not_found", "there is no model of that name", expected=f"{own} or reader")
    return house, name
