"""A small service on loopback: speaks the contract, says what it is told to, remembers what was asked."""

from __future__ import annotations

import email.policy
import json
import mimetypes
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

PAGE = Path(__file__).parents[2] / "src/twelvelead/serving/page"
POLICY = "default-src 'self'; img-src 'self' data: blob:"


@dataclass
class Answer:
    """One HTTP answer."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> bytes:
        """The body as bytes; what is not bytes already becomes JSON."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def fault(status: int, code: str, what: str, **more: str) -> Answer:
    """An error as the contract has it."""
    said = {"code": code, "what": what, "where": "", "expected": "", "fix": "", **more}
    return Answer({"error": said}, status)


@dataclass
class Request:
    """What the page asked."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def files(self) -> list[tuple[str, bytes]]:
        """Names and bytes of the parts of a form."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        parts = BytesParser(policy=email.policy.HTTP).parsebytes(head + self.body).iter_parts()
        return [(part.get_filename() or "", part.get_payload(decode=True)) for part in parts]


class Service:
    """Answers by "METHOD /path".

    One is an `Answer`, a list of them to give in turn, the last for good, or a function of the request.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer | list[Answer] | Callable[[Request], Answer]] = {}
        self.asked: list[Request] = []
        self.token = ""
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                service._answer(self, "GET")

            def do_POST(self) -> None:
                service._answer(self, "POST")

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def posted(self, path: str) -> list[Request]:
        """What was posted there."""
        return [one for one in self.asked if one.method == "POST" and urlsplit(one.path).path == path]

    def _answer(self, handler: BaseHTTPRequestHandler, method: str) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        request = Request(method, handler.path, headers, body)
        self.asked.append(request)
        answer = self._find(request)
        data = answer.data
        handler.send_response(answer.status)
        kind = {"Content-Type": "application/json", "Content-Length": str(len(data))}
        for name, value in {**kind, "Content-Security-Policy": POLICY, **answer.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    def _find(self, request: Request) -> Answer:
        path = unquote(urlsplit(request.path).path)
        if path == "/" or path.startswith("/static/"):
            return _static(path.removeprefix("/static/").removeprefix("/") or "index.html")
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return fault(401, "unauthorised", "this service needs a token", fix="send it as a bearer token")
        answer = self.answers.get(f"{request.method} {path}")
        if answer is None:
            return fault(404, "not_found", f"there is no {path}")
        if callable(answer):
            return answer(request)
        if isinstance(answer, list):
            return answer.pop(0) if len(answer) > 1 else answer[0]
        return answer


def _static(name: str) -> Answer:
    file = PAGE / name
    if "/" in name or not file.is_file():
        return fault(404, "not_found", f"there is no {name}")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Answer(file.read_bytes(), headers={"Content-Type": kind})
