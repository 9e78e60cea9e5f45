"""Callipers read what was drawn; zooming never changes what they read."""

import re

import pytest
from drawn import answer
from served import Answer
from visiting import frame_of, put, until

ACTIVE = ".measured li.active .pick"


def on_screen(page, x, y):
    """A point of the picture, in px of the window, once what was just asked for is laid out."""
    return page.evaluate(
        """async ([x, y]) => {
          // In a room that changed, the picture is fitted after a frame's own callbacks: before the second's.
          for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
          const image = document.querySelector("#page");
          const edge = image.getBoundingClientRect();
          const scale = edge.width / image.naturalWidth;
          return [edge.left + x * scale, edge.top + y * scale];
        }""",
        [x, y],
    )


def drag(page, start, end):
    page.mouse.move(*on_screen(page, *start))
    page.mouse.down()
    page.mouse.move(*on_screen(page, *end), steps=4)
    page.mouse.up()


def read(page, selector=ACTIVE):
    """ms, bpm and mV of a calliper; None for what it does not tell."""
    text = page.locator(selector).inner_text().replace("−", "-")
    found = {unit: re.search(rf"([+-]?[\d.]+) {unit}", text) for unit in ("ms", "bpm", "mV")}
    return {unit: float(match[1]) if match else None for unit, match in found.items()}


def scale_of(page):
    return page.evaluate(
        "(() => { const image = document.querySelector('#page');"
        " return image.getBoundingClientRect().width / image.naturalWidth; })()"
    )


def test_the_calibration_pulse_is_one_millivolt_and_200_ms(opened, page_drawn):
    x0, y0, _, y1 = page_drawn.pulse
    opened.keyboard.press("m")
    drag(opened, (x0 + 3, y1 - 0.7), (x0 + 3 + 20, y0 + 0.7))
    measured = read(opened)
    assert measured["mV"] == pytest.approx(1.0, rel=0.02)
    assert measured["ms"] == pytest.approx(200, rel=0.02)


@pytest.mark.parametrize("zooms", [0, 4])
def test_an_rr_interval_reads_as_the_record_has_it(opened, page_drawn, zooms):
    (x0, y0, first_ms), (x1, _, second_ms) = page_drawn.beats[:2]
    opened.keyboard.press("m")
    if zooms:
        opened.mouse.move(*on_screen(opened, x0, y0))
        opened.mouse.wheel(0, -zooms * 60)
    drag(opened, (x0, y0 - 20), (x1, y0 - 20))
    measured = read(opened)
    assert measured["ms"] == pytest.approx(second_ms - first_ms, rel=0.01)
    assert measured["bpm"] == pytest.approx(60000 / (second_ms - first_ms), rel=0.015)


def test_the_wheel_zooms_at_the_pointer_and_keys_at_the_middle(opened):
    at = on_screen(opened, 300, 200)
    before = scale_of(opened)
    opened.mouse.move(*at)
    opened.mouse.wheel(0, -200)
    until(opened, f"{scale_script()} > {before * 1.3}")
    assert on_screen(opened, 300, 200) == pytest.approx(at, abs=1)
    opened.keyboard.press("0")
    assert scale_of(opened) == pytest.approx(before)
    opened.keyboard.press("+")
    assert scale_of(opened) == pytest.approx(before * 1.25)
    opened.keyboard.press("-")
    assert scale_of(opened) == pytest.approx(before)


def scale_script():
    return (
        "(document.querySelector('#page').getBoundingClientRect().width"
        " / document.querySelector('#page').naturalWidth)"
    )


def test_true_size_makes_a_millimetre_a_millimetre(opened, page_drawn):
    opened.keyboard.press("1")
    assert scale_of(opened) * page_drawn.px_mm == pytest.approx(96 / 25.4)
    assert opened.inner_text("#zoom") == "100 %"
    opened.click("#screen")
    opened.evaluate(
        "(() => { const slider = document.querySelector('#card-width'); slider.value = 428;"
        " slider.dispatchEvent(new Event('input')); })()"
    )
    opened.keyboard.press("Escape")
    opened.click("#zoom-true")
    assert scale_of(opened) * page_drawn.px_mm == pytest.approx(428 / 85.6)


def test_dragging_moves_the_page_and_arrows_too(opened):
    opened.keyboard.press("+")
    before = on_screen(opened, 0, 0)
    x, y = on_screen(opened, 560, 280)
    opened.mouse.move(x, y)
    opened.mouse.down()
    opened.mouse.move(x + 30, y - 20, steps=3)
    opened.mouse.up()
    assert on_screen(opened, 0, 0) == pytest.approx([before[0] + 30, before[1] - 20], abs=1)
    opened.focus("#viewer")
    opened.keyboard.press("ArrowRight")
    assert on_screen(opened, 0, 0)[0] == pytest.approx(before[0] - 10, abs=1)


def test_a_lead_is_zoomed_to_and_boxes_are_toggled(opened, page_drawn):
    assert opened.locator("#overlay .lead").count() == 0
    opened.keyboard.press("l")
    assert opened.locator("#overlay .lead").count() == len(page_drawn.boxes)
    box = next(one for one in page_drawn.boxes if one["lead"] == "V2")
    left, top = on_screen(opened, box["x"], box["y"])
    drawn = frame_of(opened, "#overlay .lead", page_drawn.boxes.index(box))
    assert (drawn["x"], drawn["y"]) == pytest.approx((left, top), abs=2)
    opened.select_option("#lead", "V2")
    stage = opened.locator("#viewer").bounding_box()
    middle = on_screen(opened, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert middle == pytest.approx([stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2], abs=3)


def test_callipers_by_keys_alone(opened, page_drawn):
    opened.focus("#viewer")
    opened.keyboard.press("c")
    start = read(opened)["ms"]
    ms_a_px = 1000 / 25 / page_drawn.px_mm
    opened.keyboard.press("ArrowRight")
    assert read(opened)["ms"] == pytest.approx(start + ms_a_px, abs=1)
    opened.keyboard.press("Shift+ArrowUp")
    assert read(opened)["mV"] == pytest.approx(10 / page_drawn.px_mm / 10, abs=0.006)
    opened.keyboard.press("x")  # the other end
    opened.keyboard.press("Shift+ArrowLeft")
    assert read(opened)["ms"] == pytest.approx(start + 11 * ms_a_px, abs=1)
    until(opened, "/Calliper 1: .* ms/.test(document.querySelector('#said').textContent)")
    opened.keyboard.press("c")
    assert opened.locator(".measured li").count() == 2
    opened.keyboard.press("t")
    assert opened.locator(ACTIVE).inner_text().startswith("1:")
    opened.keyboard.press("Delete")
    assert opened.locator(".measured li").count() == 1
    opened.keyboard.press("Escape")
    assert opened.locator(ACTIVE).count() == 0


def test_an_end_is_taken_up_again_without_a_jump(opened):
    opened.keyboard.press("m")
    drag(opened, (300, 200), (400, 200))
    before = read(opened)["ms"]
    x, y = on_screen(opened, 400, 200)
    opened.mouse.move(x + 4, y + 2)  # beside its middle, still in its grasp
    opened.mouse.down()
    opened.mouse.up()
    assert read(opened)["ms"] == pytest.approx(before, abs=0.5)
    assert opened.locator(".measured li").count() == 1


def test_a_picture_without_a_scale_is_calibrated_by_its_grid(visit, service, page_drawn):
    bare = answer(page_drawn)
    bare["picture"] = bare["picture"] | dict.fromkeys(
        ("px_per_mm_x", "px_per_mm_y", "speed_mm_s", "gain_mm_mv")
    )
    service.answers["POST /v1/interpret"] = Answer(bare)
    page = visit()
    put(page, ("page.png", "image/png", page_drawn.png))
    page.wait_for_selector(".row")
    until(page, "!document.querySelector('#page').hidden")  # there is nothing to measure before
    assert page.inner_text("#scale") == "No scale known"
    assert "they read pixels until you calibrate" in page.inner_text("#measured-hint")
    assert page.locator("#zoom-true").is_disabled()
    page.keyboard.press("m")
    drag(page, (100, 200), (180, 200))
    assert "80 px" in page.inner_text(ACTIVE)
    page.keyboard.press("b")
    drag(page, (100, 100), (100 + 200, 100 + 100))  # ten large boxes by five, at 4 px/mm
    page.fill("#across", "10")
    page.fill("#down", "5")
    page.click("#calibration [type=submit]")
    assert page.inner_text("#scale") == "4.00 px/mm, by you"
    page.click(".measured .pick")
    assert read(page)["ms"] == pytest.approx(800, rel=0.02)
    page.select_option("#speed", "50")
    assert read(page)["ms"] == pytest.approx(400, rel=0.02)


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_moves_when_calibration_comes_and_goes(visit, page_drawn, width):
    page = visit(viewport={"width": width, "height": 780})
    put(page, ("page.png", "image/png", page_drawn.png))
    page.wait_for_selector(".row")
    until(page, "!document.querySelector('#page').hidden")
    before = [*on_screen(page, 0, 0), scale_of(page)]
    page.focus("#viewer")
    page.keyboard.press("b")
    page.wait_for_selector("#calibration:not([hidden])")
    assert [*on_screen(page, 0, 0), scale_of(page)] == pytest.approx(before)
    form, stage = frame_of(page, "#calibration"), frame_of(page, "#viewer")
    assert form["top"] > stage["top"] + 0.6 * stage["height"]
    page.keyboard.press("Escape")
    page.wait_for_selector("#calibration", state="hidden")
    assert [*on_screen(page, 0, 0), scale_of(page)] == pytest.approx(before)


def test_calibrating_by_keys_alone(opened):
    opened.focus("#viewer")
    opened.keyboard.press("b")
    box = "#overlay .box rect"
    before = frame_of(opened, box, 1)
    opened.keyboard.press("Shift+ArrowRight")
    assert frame_of(opened, box, 1)["width"] > before["width"]
    opened.keyboard.press("Enter")
    assert opened.locator("#calibration").is_hidden()
    assert opened.inner_text("#scale").endswith("by you")


def test_callipers_are_there_again_after_looking_elsewhere(visit, service, page_drawn):
    page = visit()
    put(page, ("a.png", "image/png", page_drawn.png), ("b.png", "image/png", page_drawn.png))
    page.wait_for_selector(".row")
    until(page, "!document.querySelector('#page').hidden")
    page.keyboard.press("c")
    told = page.inner_text(ACTIVE)
    page.keyboard.press("n")
    until(page, "document.querySelector('#case-name').textContent === 'b.png'")
    until(page, "!document.querySelector('.measured li')")
    page.keyboard.press("p")
    page.wait_for_selector(ACTIVE)
    assert page.inner_text(ACTIVE) == told
