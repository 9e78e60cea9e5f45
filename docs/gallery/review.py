"""Makes review.png: the review page with one simulated record, read by the stand-in service of tests/browser.

The picture, its scale, beats and callipers are true of the record; service and probabilities are made up.
From the repository's root: PYTHONPATH=src:tests/browser python docs/gallery/review.py
"""

from __future__ import annotations

from pathlib import Path

import drawn
from conftest import CHROMIUM, FLAGS
from playwright.sync_api import Page, sync_playwright
from served import Answer, Service
from visiting import put, until

TO = Path(__file__).with_name("review.png")
RECORD = 3
SIZE = {"width": 1440, "height": 860}


def main() -> None:
    """Write the picture."""
    page_drawn = drawn.page(RECORD, 2240, 1120)
    service = Service()
    service.answers = {
        "GET /v1/model": Answer(drawn.model()),
        "GET /v1/queue": Answer({"run": None, "items": []}),
        "POST /v1/interpret": Answer(drawn.answer(page_drawn, "wfdb", cnn=True)),
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_page(viewport=SIZE)
        page.goto(service.url)
        put(
            page,
            ("00003_hr.hea", "", b"00003_hr 1 500 5000\n00003_hr.dat 16\n"),
            ("00003_hr.dat", "", b"\0\0"),
        )
        page.wait_for_selector(".row")
        until(page, "!document.querySelector('#page').hidden")
        _measure(page, page_drawn)
        page.locator(".row .disagree").nth(1).click()
        page.mouse.move(0, 0)
        page.wait_for_timeout(500)  # bars slide to their length
        page.screenshot(path=str(TO))
        browser.close()
    service.close()
    _shrink(TO)


def _measure(page: Page, page_drawn: drawn.Drawn) -> None:
    """Callipers over two beats of the rhythm strip and over the calibration pulse."""
    (x0, y0, _), (x1, _, _) = page_drawn.beats[3:5]
    left, top, _, foot = page_drawn.pulse
    pen = 0.35 * page_drawn.px_mm  # its line is drawn over the middle of its path
    edge = left + 2.5 * page_drawn.px_mm
    page.keyboard.press("m")
    for start, end in (
        ((x0, y0), (x1, y0)),
        ((edge, foot - pen / 2), (edge + 5 * page_drawn.px_mm, top + pen / 2)),
    ):
        for point, act in ((start, page.mouse.down), (end, page.mouse.up)):
            at = page.evaluate(
                """([x, y]) => {
                  const image = document.querySelector("#page"), box = image.getBoundingClientRect();
                  const scale = box.width / image.naturalWidth;
                  return [box.left + x * scale, box.top + y * scale];
                }""",
                list(point),
            )
            page.mouse.move(*at, steps=3)
            act()


def _shrink(path: Path) -> None:
    """256 colours are enough for a screenshot."""
    from PIL import Image

    Image.open(path).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
