"""The review page in Debian's headless Chromium, before a small service that speaks the contract."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = str(Path(__file__).parent)
if HERE not in sys.path:  # tests are imported by path; their neighbours by name
    sys.path.insert(0, HERE)

import drawn
from served import Answer, Request, Service
from visiting import put


@pytest.fixture(scope="session")
def page_drawn() -> drawn.Drawn:
    """The page that most tests open."""
    return drawn.page()


@pytest.fixture
def service() -> Iterator[Service]:
    """A passed model, no queue, and one answer for everything; a test changes what it needs."""
    started = Service()
    picture, record = drawn.answer(drawn.page()), drawn.answer(drawn.page(), "wfdb", cnn=True)

    def interpret(request: Request) -> Answer:
        return Answer(record if any(name.endswith(".hea") for name, _ in request.files) else picture)

    started.answers = {
        "GET /v1/model": Answer(drawn.model()),
        "GET /v1/queue": Answer({"run": None, "items": []}),
        "POST /v1/interpret": interpret,
        "POST /v1/feedback": Answer({"kept": True}, 201),
    }
    yield started
    started.close()


@pytest.fixture
def url(service: Service) -> str:
    """Where the page is: TWELVELEAD_REVIEW_URL, for a running service, or the small one's address."""
    return os.environ.get("TWELVELEAD_REVIEW_URL") or service.url


@pytest.fixture
def troubles() -> list[str]:
    """Script errors and breaches of the policy; what is left in it at the end fails the test."""
    return []


@pytest.fixture
def visit(browser: Any, service: Service, troubles: list[str]) -> Iterator[Callable[..., Any]]:
    """Opens the page in a context of its own."""
    contexts = []

    def go(address: str = "", **context: Any) -> Any:
        made = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **context})
        made.set_default_timeout(60_000)  # a busy machine is no fault of the page
        contexts.append(made)
        page = made.new_page()
        page.on("pageerror", lambda error: troubles.append(f"script: {error}"))
        page.on("console", lambda said: troubles.append(said.text) if _is_trouble(said) else None)
        page.goto(address or service.url)
        return page

    yield go
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.fixture
def opened(visit: Callable[..., Any], page_drawn: drawn.Drawn) -> Any:
    """The page with an ECG read."""
    page = visit()
    put(page, ("page.png", "image/png", page_drawn.png))
    page.wait_for_selector(".row")
    page.wait_for_selector("#page:not([hidden])")
    return page


def _is_trouble(said: Any) -> bool:
    """Whatever the console says, but for answers that are no success: those are what some tests are about."""
    return said.type in ("error", "warning") and not said.text.startswith("Failed to load resource")
