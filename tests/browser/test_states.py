"""What the page does when the service wants a token, is busy, is gone, or has a model nobody may trust."""

import pytest
from drawn import answer, model
from served import Answer, fault
from visiting import put, until

PNG = "image/png"


def test_a_token_is_asked_for_kept_for_the_tab_and_sent(visit, service, page_drawn):
    service.token = "open sesame"
    page = visit()
    page.wait_for_selector("#token[open]")
    assert page.evaluate("document.activeElement.id") == "token-text"
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    page.wait_for_selector("#token-wrong:not([hidden])")
    page.keyboard.type("open sesame")
    page.keyboard.press("Enter")
    page.wait_for_selector(".decision")
    assert page.locator("#token").is_hidden()
    put(page, ("page.png", PNG, page_drawn.png))
    page.wait_for_selector(".row")
    assert service.posted("/v1/interpret")[-1].headers["authorization"] == "Bearer open sesame"
    page.reload()
    page.wait_for_selector(".decision")
    assert page.locator("#token").is_hidden()


def test_without_a_token_the_page_says_what_is_missing(visit, service):
    service.token = "open sesame"
    page = visit()
    page.wait_for_selector("#token[open]")
    page.click("#token-cancel")
    page.wait_for_selector(".no-model")
    assert "This service needs a token." in page.inner_text(".no-model")


def test_a_busy_service_is_waited_for_in_sight(visit, service, page_drawn):
    busy = fault(429, "busy", "eight pages are being read")
    busy.headers["Retry-After"] = "1"
    service.answers["POST /v1/interpret"] = [busy, Answer(answer(page_drawn))]
    page = visit()
    put(page, ("page.png", PNG, page_drawn.png))
    page.wait_for_selector("#waiting:not([hidden])")
    assert "The service is busy. Trying again in 1 s." in page.inner_text("#waiting-text")
    page.wait_for_selector(".row")
    assert page.locator("#waiting").is_hidden()
    assert len(service.posted("/v1/interpret")) == 2


def test_waiting_is_stopped(visit, service, page_drawn):
    busy = fault(429, "busy", "eight pages are being read")
    busy.headers["Retry-After"] = "30"
    service.answers["POST /v1/interpret"] = busy
    page = visit()
    put(page, ("a.png", PNG, page_drawn.png), ("b.png", PNG, page_drawn.png))
    page.wait_for_selector("#waiting:not([hidden])")
    page.click("#stop")
    page.wait_for_selector("#fault p")
    assert page.locator("#waiting").is_hidden()
    assert "You stopped it." in page.inner_text("#fault")
    page.keyboard.press("n")
    assert "as you stopped" in page.inner_text("#fault")
    assert len(service.posted("/v1/interpret")) == 1


def test_a_model_that_is_still_loading_is_waited_for(visit, service):
    loading = fault(503, "busy", "the model is being loaded")
    loading.headers["Retry-After"] = "0.5"
    # longer than a busy service is waited for
    service.answers["GET /v1/model"] = [*[loading] * 9, Answer(model())]
    page = visit()
    page.wait_for_selector("#waiting:not([hidden])")
    assert "The model is being loaded. Trying again in 1 s." in page.inner_text("#waiting-text")
    page.wait_for_selector(".decision")


def test_a_service_that_is_gone_is_told_and_the_picture_stays(visit, service, page_drawn):
    page = visit()
    page.wait_for_selector(".decision")
    page.context.set_offline(True)
    put(page, ("page.png", PNG, page_drawn.png))
    page.wait_for_selector("#fault p")
    assert "The service cannot be reached." in page.inner_text("#fault")
    assert page.locator("#page").is_visible()


@pytest.mark.parametrize(
    ("decision", "reasons", "told"),
    [
        ("rejected", ("lora is 0.023 below cnn",), "The gate refused this model: lora is 0.023 below cnn"),
        ("rejected", (), "The gate refused this model: it gave no reasons"),
        ("smoke", (), "passed a smoke policy only"),
        ("unjudged", (), "No gate has judged this model."),
    ],
)
def test_a_model_no_gate_let_through_has_a_banner(visit, service, decision, reasons, told):
    service.answers["GET /v1/model"] = Answer(model(decision, reasons))
    page = visit()
    page.wait_for_selector("#banner:not([hidden])")
    assert told in page.inner_text("#banner")


def test_a_passed_model_has_none_and_tells_all_of_itself(visit, service):
    page = visit()
    page.wait_for_selector(".decision")
    assert page.locator("#banner").is_hidden()
    assert "twelvelead-reader version 3 @champion" in page.inner_text("#model").replace("\n", " ")
    page.click("#model summary")
    told = page.inner_text("#model dl")
    for part in ("lora against cnn, non-inferior", "models/tiny", "simulated records", "0f432ea"):
        assert part in told


def test_keys_are_told_and_can_be_switched_off(opened):
    opened.keyboard.press("?")
    opened.wait_for_selector("#help[open]")
    assert "Lay a calliper" in opened.inner_text("#help-keys")
    opened.uncheck("#keys-on")
    opened.keyboard.press("Escape")
    until(opened, "!document.querySelector('#help').open")
    opened.keyboard.press("c")
    assert opened.locator(".measured li").count() == 0
    opened.keyboard.press("?")
    opened.wait_for_selector("#help[open]")
