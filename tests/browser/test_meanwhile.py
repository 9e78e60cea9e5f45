"""What happens meanwhile: late answers, a service that restarts, a model that changes."""

import json
import threading

import drawn
import pytest
from served import Answer, fault
from visiting import frame_of, put, until

PNG = "image/png"


class Held:
    """Answers that come when the test lets them."""

    def __init__(self, service, answers):
        self.gates = {name: threading.Event() for name in answers}
        self.answers = answers
        service.answers["POST /v1/interpret"] = self.answer

    def answer(self, request):
        name = request.files[0][0]
        assert self.gates[name].wait(60)
        return self.answers[name]

    def let(self, name):
        self.gates[name].set()


@pytest.fixture
def two(service):
    """a.png and b.png are different pages, read when the test says so."""
    pages = {"a.png": drawn.page(), "b.png": drawn.page(3)}
    held = Held(service, {name: Answer(drawn.answer(one)) for name, one in pages.items()})
    yield held, [(name, PNG, one.png) for name, one in pages.items()], pages
    for name in pages:
        held.let(name)


def reported(page):
    return page.evaluate("document.querySelector('#report-text').textContent")


def test_an_answer_stays_with_its_own_picture(visit, two):
    held, files, pages = two
    page = visit()
    put(page, *files)
    page.wait_for_selector("#page:not([hidden])")
    page.keyboard.press("n")  # away from a, which is still being read
    until(page, "document.querySelector('#case-name').textContent === 'b.png'")
    held.let("a.png")
    until(page, "document.querySelector('#opened-list .about').textContent !== 'being read'")
    assert page.inner_text("#case-name") == "b.png"
    assert page.locator("#reading").is_hidden()
    held.let("b.png")
    page.wait_for_selector(".row")
    for code in pages["b.png"].codes:
        assert code in reported(page)
    page.keyboard.press("p")
    until(page, "document.querySelector('#case-name').textContent === 'a.png'")
    for code in pages["a.png"].codes:
        assert code in reported(page)


def test_walking_faster_than_pictures_open_ends_where_it_ends(visit, service, page_drawn):
    page = visit()
    put(page, *((f"{name}.png", PNG, page_drawn.png) for name in "abc"))
    page.wait_for_selector(".row")
    until(page, "!/being read|waiting/.test(document.querySelector('#opened-list').textContent)")
    page.evaluate(
        """() => {
          for (const key of "nnpnpnpp") {
            document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
          }
        }"""
    )
    until(page, "!document.querySelector('#page').hidden")
    assert page.inner_text("#case-name") == "a.png"
    assert page.get_attribute("#viewer", "aria-label") == "ECG picture of a.png"
    assert page.evaluate("document.querySelector('#page').naturalWidth") == page_drawn.width_px


def test_what_was_measured_while_waiting_is_there_when_the_reading_comes(visit, two):
    held, files, _ = two
    page = visit()
    put(page, files[0])
    page.wait_for_selector("#page:not([hidden])")
    before = frame_of(page, "#page")
    page.focus("#viewer")
    page.keyboard.press("c")
    page.wait_for_selector(".measured li")
    held.let("a.png")
    page.wait_for_selector(".row")
    until(page, "document.querySelector('#scale').textContent.endsWith('from the page')")
    assert page.locator(".measured li.active").count() == 1
    assert " ms" in page.inner_text(".measured li.active")
    assert frame_of(page, "#page") == pytest.approx(before)


def test_the_picture_keeps_its_place_while_a_busy_service_is_waited_for(visit, service, page_drawn):
    busy = fault(429, "busy", "eight pages are being read")
    busy.headers["Retry-After"] = "30"
    service.answers["POST /v1/interpret"] = [Answer(drawn.answer(page_drawn)), busy]
    page = visit()
    put(page, ("a.png", PNG, page_drawn.png), ("b.png", PNG, page_drawn.png))
    page.wait_for_selector("#waiting:not([hidden])")
    until(page, "!document.querySelector('#page').hidden && document.querySelector('.row')")
    during = frame_of(page, "#page")
    page.click("#stop")
    page.wait_for_selector("#waiting", state="hidden")
    assert frame_of(page, "#page") == pytest.approx(during)


def test_a_file_is_read_again_once_the_service_is_back(visit, service, page_drawn):
    page = visit()
    page.wait_for_selector(".decision")
    page.context.set_offline(True)
    put(page, ("page.png", PNG, page_drawn.png))
    page.wait_for_selector("#fault button")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector(".row")
    assert page.locator("#fault").is_hidden()
    assert page.evaluate("document.activeElement.id") == "viewer"


def test_what_will_never_be_read_is_not_offered_again(visit, service, page_drawn):
    service.answers["POST /v1/interpret"] = fault(422, "not_an_ecg", "this picture shows no ECG")
    page = visit()
    put(page, ("cat.png", PNG, page_drawn.png))
    page.wait_for_selector("#fault p")
    assert page.locator("#fault button").count() == 0


def test_a_batch_that_breaks_off_says_so_and_is_read_anew(visit, service, page_drawn):
    line = json.dumps({"file": "a.png", "result": drawn.answer(page_drawn)}).encode() + b"\n"
    cut = Answer(line + b'{"file": "b.p', headers={"Content-Length": str(10**6), "Connection": "close"})
    whole = Answer(line + line.replace(b"a.png", b"b.png"))
    service.answers["POST /v1/batch"] = [cut, whole]
    page = visit()
    put(page, ("all.zip", "application/zip", b"PK\3\4"))
    page.wait_for_selector("#fault button")
    assert "The answer to v1/batch broke off." in page.inner_text("#fault")
    page.click("#fault button")
    until(page, "document.querySelectorAll('#opened-list li').length === 3")
    assert page.locator("#opened-list .title").all_inner_texts() == ["all.zip", "a.png", "b.png"]


def test_the_strip_names_the_model_that_gave_the_reading(visit, service, page_drawn):
    fresh = drawn.model("rejected", ("it is worse than the CNN",)) | {"version": "4"}
    newer = drawn.answer(page_drawn) | {"model": fresh}
    service.answers["POST /v1/interpret"] = [Answer(drawn.answer(page_drawn)), Answer(newer)]
    page = visit()
    put(page, ("a.png", PNG, page_drawn.png), ("b.png", PNG, page_drawn.png))
    until(page, "document.querySelectorAll('#opened-list li').length === 2")
    until(page, "!/being read|waiting/.test(document.querySelector('#opened-list').textContent)")
    assert "version 3" in page.inner_text("#model summary")
    assert page.locator("#banner").is_hidden()
    page.keyboard.press("n")
    until(page, "document.querySelector('#model summary').textContent.includes('version 4')")
    assert "The gate refused this model" in page.inner_text("#banner")
    page.keyboard.press("p")
    until(page, "document.querySelector('#model summary').textContent.includes('version 3')")


def test_who_gives_no_token_is_asked_once(visit, service):
    service.token = "open sesame"
    listed, _ = drawn.queue((7,))
    service.answers["GET /v1/queue"] = Answer(listed)
    page = visit()
    page.wait_for_selector("#token[open]")
    page.click("#token-cancel")
    page.wait_for_selector(".no-model")
    page.wait_for_timeout(300)  # the time in which a second question used to come
    assert page.locator("#token").is_hidden()
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector("#token[open]")
    page.keyboard.type("open sesame")
    page.keyboard.press("Enter")
    page.wait_for_selector("#queue-list li")
    assert page.locator(".decision").is_visible()
