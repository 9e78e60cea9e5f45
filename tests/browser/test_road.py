"""The shortest road through the page.

These tests know nothing of what the service answers, so they hold for any:
TWELVELEAD_REVIEW_URL=http://127.0.0.1:8000/ sends them to a running one.
"""

from visiting import put, until

PNG = "image/png"


def test_the_page_names_its_model_and_its_limits(visit, url):
    page = visit(url)
    page.wait_for_selector("#model .decision")
    assert page.inner_text("#model strong")
    assert page.get_by_text("Not a medical device.", exact=True).is_visible()


def test_a_page_is_read(visit, url, page_drawn):
    page = visit(url)
    put(page, ("page.png", PNG, page_drawn.png))
    page.set_default_timeout(120_000)
    page.wait_for_selector(".row")
    until(page, "!document.querySelector('#page').hidden")
    assert page.locator(".row").count() > 0
    assert page.locator("#fault").is_hidden()
    assert page.inner_text("#report-text")


def test_what_is_no_picture_is_refused_in_sentences(visit, url, service):
    from served import fault

    service.answers["POST /v1/interpret"] = fault(415, "unreadable", "this is neither picture nor record")
    page = visit(url)
    put(page, ("letter.png", PNG, b"Dear colleague, thank you for sending us this patient."))
    page.wait_for_selector("#fault p")
    assert page.inner_text("#fault p >> nth=0").endswith(".")
    assert page.locator("#reading").is_hidden()
