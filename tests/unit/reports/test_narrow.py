"""A report on a phone: in Chromium, where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from twelvelead.reports.run import render


@pytest.mark.slow
def test_no_report_needs_scrolling_sideways_or_fetches(
    browser: Any, inputs: dict[str, Path], tmp_path: Path
) -> None:
    place = tmp_path / "report.html"
    place.write_text(render(inputs, "A run", 3), encoding="utf-8")
    asked = []
    for width in (320, 390, 1280):
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.on("request", lambda request: asked.append(request.url))
        page.goto(place.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == width
        page.close()
    assert {url for url in asked if not url.startswith("data:")} == {place.as_uri()}
