"""The service keeps to its own OpenAPI, whatever is sent."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("torch")
schemathesis = pytest.importorskip("schemathesis")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.serving.road import reader

from twelvelead.serving.app import create_app
from twelvelead.serving.house import Settings
from twelvelead.serving.limits import Limits
from twelvelead.serving.openapi import document
from twelvelead.serving.swap import Source

EXAMPLES = int(os.environ.get("TWELVELEAD_EXAMPLES", "15"))  # of each operation
OPERATIONS = sorted(
    (path, method) for path, item in document(secured=False)["paths"].items() for method in item
)


@pytest.fixture(scope="module")
def web() -> Iterator[Any]:
    from starlette.testclient import TestClient

    own = reader()
    settings = Settings(Source(lambda: "3", lambda named: own), Limits(decode_s=60), chambers=1, logged=False)
    with TestClient(create_app(settings)) as it:
        while it.get("/readyz").status_code != 200:
            time.sleep(0.1)
        yield it


@pytest.fixture(scope="module")
def schema(web: Any) -> Any:
    return schemathesis.openapi.from_dict(web.get("/openapi.json").json())


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_whatever_is_sent_the_answer_is_one_that_was_promised(
    web: Any, schema: Any, path: str, method: str
) -> None:
    operation = schema[path][method.upper()]
    promised = document(secured=False)["paths"][path][method]["responses"]

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(case=operation.as_strategy(), data=st.data())
    def check(case: Any, data: Any) -> None:
        answer = web.request(**asked(case))
        assert str(answer.status_code) in promised, (case.method, answer.status_code, answer.text[:300])
        kind = answer.headers["content-type"].partition(";")[0]
        content = promised[str(answer.status_code)]["content"]
        if kind == "application/x-ndjson":
            assert all(json.loads(line) for line in answer.text.splitlines())
            return
        shape = content["application/json"]["schema"]
        whole = {**shape, "components": document(secured=False)["components"]}
        import jsonschema

        jsonschema.validate(answer.json(), whole)

    check()


def asked(case: Any) -> dict[str, Any]:
    """A case of schemathesis as a request of the client; requests writes its form."""
    import requests

    sent = case.as_transport_kwargs(base_url="http://testserver")
    known = ("method", "url", "headers", "params", "json", "data", "files")
    ready = requests.Request(**{key: sent[key] for key in known if key in sent}).prepare()
    body = ready.body.encode() if isinstance(ready.body, str) else ready.body or b""
    return {"method": ready.method, "url": ready.url, "headers": dict(ready.headers), "content": body}
