"""Nothing the service or a file says becomes markup, and nothing but the token and settings is stored."""

import drawn
from served import Answer
from visiting import put

NASTY = '<img src=x onerror="window.broken=1"><script>window.broken=1</script>'


def nasty(value):
    """The same answer with markup in every text, but for the keys that pictures and order need."""
    if isinstance(value, dict):
        kept = ("png_base64", "decision")
        return {key: one if key in kept else nasty(one) for key, one in value.items()}
    if isinstance(value, list):
        return [nasty(one) for one in value]
    return value + NASTY if isinstance(value, str) else value


def test_markup_stays_text(visit, service, page_drawn):
    told = drawn.answer(page_drawn, cnn=True) | {"warnings": ["a warning"]}
    service.answers["POST /v1/interpret"] = Answer(nasty(told))
    service.answers["GET /v1/model"] = Answer(nasty(drawn.model("rejected", ("a reason",))))
    listed, _ = drawn.queue((7,))
    service.answers["GET /v1/queue"] = Answer(nasty(listed))
    service.answers["POST /v1/feedback"] = Answer(
        {"error": {"code": "x", "what": NASTY, "where": NASTY, "expected": NASTY, "fix": NASTY}}, 400
    )
    page = visit()
    page.wait_for_selector("#queue-list li")
    put(page, (f"{NASTY}.png".replace("/", ""), "image/png", page_drawn.png))
    page.wait_for_selector(".row")
    page.keyboard.press("l")
    page.click("#model summary")
    page.fill("#note", NASTY)
    page.click("#send")
    page.wait_for_selector("#download:not([hidden])")
    page.wait_for_timeout(200)
    assert page.evaluate("window.broken") is None
    assert page.locator("img").count() == 1
    assert page.locator("script").count() == 1
    for place in ("#case-name", "#report-text", "#warnings-list", "#rows", "#banner", "#model", "#queue-list",
                  "#opinion-state"):  # fmt: skip
        assert "<img src=x" in page.locator(place).text_content(), place
    assert page.locator("#overlay .lead text").first.text_content() == f"I{NASTY}"


def test_the_browser_itself_refuses_markup(visit, troubles):
    page = visit()
    refused = page.evaluate(
        """() => {
          try { document.body.innerHTML = "<b>x</b>"; } catch (error) { return error.name; }
          return "";
        }"""
    )
    assert refused == "TypeError"
    assert len(troubles) == 1
    assert "TrustedHTML" in troubles.pop()


def test_only_the_token_and_the_settings_are_stored(visit, service, page_drawn):
    service.token = "open sesame"
    page = visit()
    page.wait_for_selector("#token[open]")
    page.keyboard.type("open sesame")
    page.keyboard.press("Enter")
    page.wait_for_selector(".decision")
    put(page, ("secret name.png", "image/png", page_drawn.png))
    page.wait_for_selector(".row")
    page.keyboard.press("l")
    page.click(".row .disagree >> nth=0")
    page.fill("#note", "secret note")
    page.click("#send")
    stored = page.evaluate("() => ({ ...sessionStorage })")
    assert set(stored) == {"twelvelead.token", "twelvelead.settings"}
    assert "secret" not in stored["twelvelead.settings"]
    assert page.evaluate("localStorage.length") == 0
    assert page.context.cookies() == []
    assert page.evaluate("async () => (await indexedDB.databases()).length") == 0
    assert page.evaluate("async () => (await caches.keys()).length") == 0


def test_everything_comes_from_the_service(visit, service, page_drawn):
    asked = []
    page = visit()
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    put(page, ("page.png", "image/png", page_drawn.png))
    page.wait_for_selector(".row")
    assert asked
    assert all(url.startswith((service.url, "data:", "blob:")) for url in asked)
