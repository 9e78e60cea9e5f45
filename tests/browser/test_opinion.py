"""A reader may disagree; the service keeps it, or the reader does."""

import json

import pytest
from served import Answer, fault
from visiting import put, texts, until


def disagree(page, code):
    page.click(f".row[data-code='{code}'] .disagree")


def test_a_disagreement_and_a_note_are_posted(opened, service, page_drawn):
    present = sorted(page_drawn.codes)[0]
    disagree(opened, present)
    disagree(opened, "PACE")
    assert opened.inner_text(f".row[data-code='{present}'] .disagree") == "You: absent"
    assert opened.get_attribute(f".row[data-code='{present}'] .disagree", "aria-pressed") == "true"
    opened.fill("#note", "spikes before QRS ≥ 2 leads\nsecond line")
    opened.click("#send")
    until(opened, "document.querySelector('#opinion-state').textContent !== ''")
    assert opened.inner_text("#opinion-state") == "Kept by the service."
    (asked,) = service.posted("/v1/feedback")
    assert asked.headers["content-type"] == "application/json"
    answered = service.answers["POST /v1/interpret"](service.posted("/v1/interpret")[0]).body
    assert asked.json == {
        "id": answered["id"],
        "sha256": answered["input"]["sha256"],
        "statements": [{"code": code, "present": code == "PACE"} for code in sorted((present, "PACE"))],
        "note": "spikes before QRS ≥ 2 leads\nsecond line",
    }
    assert opened.locator("#send").is_disabled()


def test_a_disagreement_is_taken_back(opened):
    disagree(opened, "PACE")
    assert opened.locator("#send").is_enabled()
    disagree(opened, "PACE")
    assert opened.locator("#send").is_disabled()
    assert opened.inner_text(".row[data-code='PACE'] .disagree") == "Disagree"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (fault(404, "not_kept", "this service keeps no feedback"), "keeps no readings"),
        (fault(500, "bug", "the disk is full"), "Not kept. The disk is full."),
    ],
)
def test_what_the_service_does_not_keep_can_be_downloaded(opened, service, answer, told):
    service.answers["POST /v1/feedback"] = answer
    assert opened.locator("#download").is_hidden()
    disagree(opened, "PACE")
    opened.click("#send")
    opened.wait_for_selector("#download:not([hidden])")
    assert told in opened.inner_text("#opinion-state")
    with opened.expect_download() as download:
        opened.click("#download")
    assert download.value.suggested_filename.endswith(".jsonl")
    (line,) = download.value.path().read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == service.posted("/v1/feedback")[0].json


def test_every_case_has_its_own_opinion(visit, page_drawn):
    page = visit()
    put(page, ("a.png", "image/png", page_drawn.png), ("b.png", "image/png", page_drawn.png))
    page.wait_for_selector(".row")
    disagree(page, "PACE")
    page.fill("#note", "of a")
    page.focus("#viewer")
    page.keyboard.press("n")
    until(page, "document.querySelector('#case-name').textContent === 'b.png'")
    page.wait_for_selector(".row")
    assert page.locator(".disputed").count() == 0
    assert page.input_value("#note") == ""
    page.keyboard.press("p")
    assert page.input_value("#note") == "of a"
    assert texts(page, ".disputed strong") == ["PACE"]


def test_by_keys_alone_from_file_to_feedback(visit, service, page_drawn):
    page = visit()
    page.wait_for_selector(".decision")
    # The chooser itself is the system's; headless Chromium shows none and does not always tell of it.
    asked = "document.querySelector('#files').addEventListener('click', () => { document.title = 'asked'; })"
    page.evaluate(asked)
    page.keyboard.press("o")
    until(page, "document.title === 'asked'")
    put(page, ("page.png", "image/png", page_drawn.png))
    page.wait_for_selector(".row")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("j")
    code = page.evaluate("document.activeElement.closest('.row').dataset.code")
    assert code == texts(page, ".row strong")[1]
    page.keyboard.press("d")
    assert page.evaluate("document.activeElement.closest('.row').dataset.code") == code
    page.keyboard.press("w")
    page.keyboard.type("no d or n here moves anything")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    until(page, "document.querySelector('#opinion-state').textContent !== ''")
    (asked,) = service.posted("/v1/feedback")
    assert asked.json["statements"] == [{"code": code, "present": False}]
    assert asked.json["note"] == "no d or n here moves anything"


def test_an_answer_kept_before_is_changed_by_sending_again(opened, service):
    service.answers["POST /v1/feedback"] = [Answer({"kept": True}, 201)]
    disagree(opened, "PACE")
    opened.click("#send")
    until(opened, "document.querySelector('#send').textContent === 'Sent'")
    disagree(opened, "WPW")
    opened.click("#send")
    until(opened, "document.querySelector('#send').textContent === 'Sent'")
    first, second = service.posted("/v1/feedback")
    assert [one["code"] for one in second.json["statements"]] == ["PACE", "WPW"]
    assert first.json["id"] == second.json["id"]
