"""The service keeps to its own OpenAPI, whatever is sent."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch")
schemathesis = pytest.importorskip("schemathesis")

from hypothesis import HealthCheck, Phase, settings
from tests.serving.road import reader

from twelvelead.serving.app import create_app
from twelvelead.serving.house import Settings
from twelvelead.serving.limits import Limits
from twelvelead.serving.swap import Source

OWN = reader()
APP = create_app(
    Settings(Source(lambda: "3", lambda named: OWN), Limits(decode_s=60), chambers=1, logged=False)
)


@pytest.fixture(scope="module")
def api() -> Any:
    from starlette.testclient import TestClient

    with TestClient(APP) as web:
        while web.get("/readyz").status_code != 200:
            pass
        yield schemathesis.openapi.from_asgi("/openapi.json", APP)


schema = schemathesis.pytest.from_fixture("api")


@schema.parametrize()
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate],
          derandomize=True)  # fmt: skip
def test_no_request_breaks_it(case: Any) -> None:
    checks = schemathesis.checks
    wanted = [checks.load_all_checks() or checks.CHECKS.get_by_names(["not_a_server_error", "content_type_conformance",
                                                                      "response_schema_conformance"])]  # fmt: skip
    case.call_and_validate(checks=wanted[0])
