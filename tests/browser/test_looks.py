"""Seen by everybody: narrow and wide, light and dark, with a keyboard, without motion."""

import drawn
import pytest
from served import Answer
from visiting import put, until

TABBABLE = "a[href], button, select, input, textarea, summary, [tabindex='0']"
# Of each text: its colour and what is behind it, as [r, g, b]; whether it is large (WCAG 2.2, 1.4.3).
TEXTS = """() => {
  const parts = (text) => {
    const numbers = text.match(/[\\d.]+/g).map(Number);
    return text.startsWith("color(srgb")
      ? [numbers[0] * 255, numbers[1] * 255, numbers[2] * 255, numbers[3] ?? 1]
      : [numbers[0], numbers[1], numbers[2], numbers[3] ?? 1];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const colour = parts(getComputedStyle(at).backgroundColor);
      layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !element.checkVisibility()) continue;
    if (element.closest("svg, .unseen, :disabled, option")) continue;
    const style = getComputedStyle(element);
    const ground = behind(element);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    found.push([node.textContent.trim().slice(0, 40), over(parts(style.color), ground), ground, large]);
  }
  return found;
}"""


def luminance(rgb):
    channels = [value / 255 for value in rgb]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def full(visit, service, page_drawn, **context):
    """The page with everything on it that can be there at once."""
    refused = drawn.model("rejected", ("it is worse than the CNN",))
    told = drawn.answer(page_drawn, cnn=True) | {
        "warnings": ["the page stands on its head"],
        "model": refused,
    }
    service.answers["POST /v1/interpret"] = Answer(told)
    service.answers["GET /v1/model"] = Answer(refused)
    listed, records = drawn.queue((7,))
    service.answers["GET /v1/queue"] = Answer(listed)
    for record_id, record in records.items():
        service.answers[f"GET /v1/queue/{record_id}"] = Answer(record)
    page = visit(**context)
    page.wait_for_selector("#queue-list li")
    put(page, ("page.png", "image/png", page_drawn.png), ("a.hea", "", b"a 1 500 5000\na.dat 16\n"))
    page.wait_for_selector(".row")
    until(page, "!document.querySelector('#page').hidden")
    page.focus("#viewer")
    page.keyboard.press("c")
    page.locator(".row .disagree").first.click()
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", ["reading", "fault", "queue", "keys"])
def test_every_text_stands_out_from_its_ground(visit, service, page_drawn, scheme, place):
    page = full(visit, service, page_drawn, color_scheme=scheme, reduced_motion="reduce")
    if place == "fault":
        page.keyboard.press("n")
        page.wait_for_selector("#fault p")
    elif place == "queue":
        page.keyboard.press("q")
        page.wait_for_selector(".label.differs")
    elif place == "keys":
        page.keyboard.press("?")
        page.wait_for_selector("#help[open]")
    seen = page.evaluate(TEXTS)
    assert len(seen) > 30
    faint = [
        (text, round(contrast(colour, ground), 2))
        for text, colour, ground, large in seen
        if contrast(colour, ground) < (3 if large else 4.5)
    ]
    assert faint == []


def test_dark_is_dark_and_paper_stays_as_it_is(visit, service, page_drawn):
    page = full(visit, service, page_drawn, color_scheme="dark")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert luminance(ground[:3]) < 0.02
    assert page.evaluate("getComputedStyle(document.querySelector('#page')).filter") == "none"


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_width_needs_scrolling_sideways(visit, service, page_drawn, width):
    page = full(visit, service, page_drawn, viewport={"width": width, "height": 780})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut = page.evaluate(
        """(width) => [...document.querySelectorAll("button, select, input, textarea, .row, h2, h3")]
          .filter((each) => each.checkVisibility() && !each.closest("#cases, #measured, .unseen"))
          .filter((each) => each.getBoundingClientRect().right > width + 1)
          .map((each) => each.id || each.className || each.textContent)""",
        width,
    )
    assert cut == []
    viewer = page.locator("#viewer").bounding_box()
    assert viewer["width"] >= 0.3 * width
    assert viewer["height"] >= 250


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_the_cnn_stands_below_the_model_at_every_width(visit, service, page_drawn, width):
    service.answers["POST /v1/interpret"] = Answer(drawn.answer(page_drawn, cnn=True))
    page = visit(viewport={"width": width, "height": 780})
    put(page, ("page.png", "image/png", page_drawn.png))
    page.wait_for_selector(".row")
    tops = "(kind) => document.querySelector(`.row .${kind}`).getBoundingClientRect().top"
    assert page.evaluate(tops, "bar.model") < page.evaluate(tops, "bar.cnn")
    assert page.evaluate(tops, "figures") < page.evaluate(tops, "figures.cnn")


def test_text_twice_as_large_is_all_there(visit, page_drawn):
    page = visit()
    sizes = {"fontSizes": {"standard": 32, "fixed": 26}}  # as a reader sets them in the browser
    page.context.new_cdp_session(page).send("Page.setFontSizes", sizes)
    page.reload()
    put(page, ("page.png", "image/png", page_drawn.png))
    page.wait_for_selector(".row")
    size = "parseFloat(getComputedStyle(document.querySelector('.row strong')).fontSize)"
    assert page.evaluate(size) >= 24
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    page.locator("#report").scroll_into_view_if_needed()
    assert page.locator("#copy").is_visible()


def test_the_focus_ring_stands_out_from_what_it_is_around(opened):
    ring = """(id) => {
      const style = getComputedStyle(document.getElementById(id));
      return [style.outlineColor, style.backgroundColor, parseFloat(style.outlineOffset)];
    }"""
    opened.focus("#viewer")
    opened.keyboard.press("Shift+Tab")
    opened.keyboard.press("Tab")
    assert opened.evaluate(ring, "viewer")[2] < 0  # outside, the sections around would hide it
    opened.focus("#tool-move")
    opened.keyboard.press("Shift+Tab")
    opened.keyboard.press("Tab")
    ring_colour, own_colour, _ = opened.evaluate(ring, "tool-move")
    assert ring_colour != own_colour


@pytest.mark.parametrize("width", [360, 1280])
def test_not_a_medical_device_is_always_in_sight(visit, service, page_drawn, width):
    page = full(visit, service, page_drawn, viewport={"width": width, "height": 780})
    for scroll in (0, 10_000):
        page.evaluate("(y) => window.scrollTo(0, y)", scroll)
        box = page.get_by_text("Not a medical device.", exact=True).bounding_box()
        assert 0 <= box["y"] <= 780 - box["height"]


def test_every_control_is_reached_by_tab_and_shows_it(visit, service, page_drawn):
    page = full(visit, service, page_drawn)
    page.evaluate("() => { document.activeElement.blur(); window.scrollTo(0, 0); }")
    wanted = page.evaluate(
        """(tabbable) => [...document.querySelectorAll(tabbable)]
          .filter((each) => each.checkVisibility() && !each.disabled && each.tabIndex >= 0)
          .map((each, number) => { each.dataset.tab = number; return number; }).length""",
        TABBABLE,
    )
    reached, plain = set(), []
    for _ in range(wanted + 30):
        page.keyboard.press("Tab")
        number, name, outline = page.evaluate(
            """() => {
              const now = document.activeElement;
              const style = getComputedStyle(now);
              return [now.dataset.tab ?? null, now.id || now.textContent.slice(0, 30),
                style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth)];
            }"""
        )
        if number is None:
            continue
        reached.add(int(number))
        if outline < 2:
            plain.append(name)
    assert plain == []
    assert reached == set(range(wanted))


def test_every_control_has_a_name(visit, service, page_drawn):
    page = full(visit, service, page_drawn)
    for role in ("button", "combobox", "textbox", "searchbox", "link"):
        for control in page.get_by_role(role).all():
            assert control.evaluate(
                "(each) => (each.ariaLabel ?? each.labels?.[0]?.textContent ?? each.textContent).trim()"
            ), control


def test_nothing_moves_for_those_who_want_it_still(visit, service, page_drawn):
    durations = "[...document.querySelectorAll('*')].map((e) => getComputedStyle(e).transitionDuration)"
    still = full(visit, service, page_drawn, reduced_motion="reduce")
    assert set(still.evaluate(durations)) == {"0s"}


def test_results_are_announced(opened, page_drawn):
    said = opened.locator("#said")
    assert said.get_attribute("aria-live") == "polite"
    until(opened, "document.querySelector('#said').textContent.startsWith('page.png is read. Present: ')")


def test_two_fingers_zoom(visit, page_drawn):
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    put(page, ("page.png", "image/png", page_drawn.png))
    page.wait_for_selector(".row")
    until(page, "!document.querySelector('#page').hidden")
    page.locator("#viewer").scroll_into_view_if_needed()
    width = "document.querySelector('#page').getBoundingClientRect().width"
    before = page.evaluate(width)
    stage = page.locator("#viewer").bounding_box()
    x, y = stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2
    wire = page.context.new_cdp_session(page)
    for kind, apart in (("touchStart", 40), ("touchMove", 60), ("touchMove", 80)):
        points = [{"x": x - apart / 2, "y": y, "id": 0}, {"x": x + apart / 2, "y": y, "id": 1}]
        wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    wire.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert page.evaluate(width) == pytest.approx(2 * before, rel=0.05)
