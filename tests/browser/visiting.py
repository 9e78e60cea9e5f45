"""What a visitor does to the page, for every test."""

from __future__ import annotations

import time
from typing import Any

PATIENCE_S = 60.0


def put(page: Any, *files: tuple[str, str, bytes]) -> None:
    """Choose files: name, MIME type, bytes."""
    page.set_input_files(
        "#files", [{"name": name, "mimeType": kind, "buffer": data} for name, kind, data in files]
    )


def until(page: Any, expression: str, argument: Any = None) -> None:
    """Wait until JavaScript is true; the page's own policy forbids Playwright's way to poll."""
    end = time.monotonic() + PATIENCE_S
    while not page.evaluate(expression, argument):
        if time.monotonic() > end:
            raise AssertionError(f"never became true: {expression}")
        page.wait_for_timeout(25)


def texts(page: Any, selector: str) -> list[str]:
    """What is written in every element."""
    return [text.strip() for text in page.locator(selector).all_inner_texts()]


def frame_of(page: Any, selector: str, nth: int = 0) -> dict[str, float]:
    """Where an element is, asked in one go: what is laid over the picture is drawn anew at any time."""
    return page.evaluate(
        "([selector, nth]) => document.querySelectorAll(selector)[nth].getBoundingClientRect().toJSON()",
        [selector, nth],
    )
