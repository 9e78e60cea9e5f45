"""An API server for tests: objects by path, and access reviews by the rules of our own manifests."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml


class Api(ThreadingHTTPServer):
    """Answers GET with what is in `objects`, with a status where that is a number, and 404 otherwise."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects: dict[str, Any] = {}
        self.rules: list[dict[str, Any]] = []  # of the pipeline's roles; with "namespace": None cluster-wide
        self.review_status = 201

    def kubeconfig(self, folder: Path) -> Path:
        """A file that leads here."""
        tree = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{self.server_address[1]}"}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
        }
        path = folder / "kubeconfig"
        path.write_text(yaml.safe_dump(tree), encoding="utf-8")
        return path

    def allows(self, asked: dict[str, Any]) -> bool:
        """As RBAC reads rules: a namespaced one says nothing of the cluster."""
        resource = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
        return any(
            asked["verb"] in rule["verbs"]
            and asked.get("group", "") in rule["apiGroups"]
            and resource in rule["resources"]
            and rule["namespace"] in (None, asked.get("namespace"))
            and ("resourceNames" not in rule or asked.get("name") in rule["resourceNames"])
            for rule in self.rules
        )


class Handler(BaseHTTPRequestHandler):
    server: Api

    def do_GET(self) -> None:
        found = self.server.objects.get(self.path.partition("?")[0], 404)
        if isinstance(found, int):
            self.answer({"kind": "Status", "code": found}, found)
        else:
            self.answer(found, 200)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = self.server.review_status
        if status == 201:
            assert body["spec"]["user"] == "system:serviceaccount:twelvelead:pipeline"
            body["status"] = {"allowed": self.server.allows(body["spec"]["resourceAttributes"])}
        self.answer(body, status)

    def answer(self, tree: Any, code: int) -> None:
        data = json.dumps(tree).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running() -> Iterator[Api]:
    """An empty server."""
    with Api() as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()
