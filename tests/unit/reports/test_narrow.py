"""A report on a phone: in Chromium, where there is one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from twelvelead.reports.run import render

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install Debian's chromium"),
]


def test_no_report_needs_scrolling_sideways_or_fetches(inputs: dict[str, Path], tmp_path: Path) -> None:
    place = tmp_path / "report.html"
    place.write_text(render(inputs, "A run", 3), encoding="utf-8")
    asked = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for width in (320, 390, 1280):
            page = browser.new_page(viewport={"width": width, "height": 800})
            page.on("request", lambda request: asked.append(request.url))
            page.goto(place.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") == width
            page.close()
        browser.close()
    assert {url for url in asked if not url.startswith("data:")} == {place.as_uri()}
