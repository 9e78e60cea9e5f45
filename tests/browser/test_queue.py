"""The worst disagreements of a run: label beside probability, one after the other by keys."""

import json

import drawn
import pytest
from served import Answer, fault
from visiting import put, texts, until


@pytest.fixture
def queued(service):
    """The items of a queue that the service has."""
    listed, records = drawn.queue()
    service.answers["GET /v1/queue"] = Answer(listed)
    for record_id, record in records.items():
        service.answers[f"GET /v1/queue/{record_id}"] = Answer(record)
    return listed["items"], records


def name_is(page, item):
    until(page, "(name) => document.querySelector('#case-name').textContent === name",
          f"{item['record_id']} · {item['code']}")  # fmt: skip
    page.wait_for_selector(".row.marked")


def test_the_queue_is_listed_and_walked(visit, queued, page_drawn):
    items, records = queued
    page = visit()
    page.wait_for_selector("#queue-list li")
    listed = texts(page, "#queue-list button")
    assert [text.split("\n")[0] for text in listed] == [item["record_id"] for item in items]
    assert f"{items[0]['code']}: label present" in listed[0]
    page.keyboard.press("q")
    name_is(page, items[0])
    page.keyboard.press("n")
    name_is(page, items[1])
    page.keyboard.press("p")
    name_is(page, items[0])
    assert page.locator("#page").is_visible()
    marked = page.locator(".row.marked")
    assert marked.get_attribute("data-code") == items[0]["code"]
    assert "Label: present, differs" in marked.inner_text()
    assert "CNN" in marked.inner_text()
    rows = records[items[0]["record_id"]]["statements"]
    wrong = [row["code"] for row in rows if (row["label"] == 1) != row["positive"]]
    assert page.locator(".label.differs").count() == len(wrong)
    apart = sorted(rows, key=lambda row: (-abs(row["label"] - row["probability"]), row["code"]))
    assert texts(page, ".row strong") == [row["code"] for row in apart]


def test_without_a_run_there_is_no_queue(visit):
    page = visit()
    page.wait_for_selector(".decision")
    page.wait_for_timeout(200)
    assert page.locator("#cases").is_hidden()
    page.keyboard.press("q")
    page.keyboard.press("n")
    assert page.inner_text("#case-name") == "No ECG open"


def test_a_record_that_cannot_be_fetched_says_so_and_is_tried_again(visit, service, queued):
    items, records = queued
    path = f"GET /v1/queue/{items[0]['record_id']}"
    service.answers[path] = [
        fault(404, "not_found", "the page of this record is gone"),
        Answer(records[items[0]["record_id"]]),
    ]
    page = visit()
    page.wait_for_selector("#queue-list li")
    page.keyboard.press("q")
    page.wait_for_selector("#fault p")
    assert "The page of this record is gone." in page.inner_text("#fault")
    page.keyboard.press("n")
    name_is(page, items[1])
    page.keyboard.press("p")
    name_is(page, items[0])
    assert page.locator("#fault").is_hidden()


def test_a_disagreement_with_a_queued_record_is_posted(visit, service, queued):
    items, records = queued
    page = visit()
    page.wait_for_selector("#queue-list li")
    page.keyboard.press("q")
    name_is(page, items[0])
    assert page.inner_text("#case-about") == "Labels are those of the run’s data"
    page.focus("#viewer")
    page.keyboard.press("d")  # the statement in question
    page.click("#send")
    until(page, "document.querySelector('#opinion-state').textContent !== ''")
    assert page.inner_text("#opinion-state") == "Kept by the service."
    (asked,) = service.posted("/v1/feedback")
    record = records[items[0]["record_id"]]
    said = [{"code": items[0]["code"], "present": True}]
    assert asked.json == {
        "id": record["id"], "sha256": record["input"]["sha256"], "statements": said, "note": "",
    }  # fmt: skip


def test_of_a_run_without_pages_a_disagreement_is_the_readers_to_keep(visit, service, queued):
    items, records = queued
    record = records[items[0]["record_id"]]
    record["picture"] = None
    del record["input"]
    page = visit()
    page.wait_for_selector("#queue-list li")
    page.keyboard.press("q")
    name_is(page, items[0])
    page.focus("#viewer")
    page.keyboard.press("d")  # the statement in question
    page.click("#send")
    with page.expect_download() as download:
        page.click("#download")
    (line,) = download.value.path().read_text(encoding="utf-8").splitlines()
    said = [{"code": items[0]["code"], "present": True}]
    assert json.loads(line) == {"id": record["id"], "sha256": "", "statements": said, "note": ""}
    assert "the service keeps nothing of a record" in page.inner_text("#opinion-state")
    assert service.posted("/v1/feedback") == []


def test_a_statement_without_a_threshold_says_so_and_comes_last(visit, service, queued, page_drawn):
    told = drawn.answer(page_drawn)
    told["statements"][0] |= {"threshold": None, "positive": False}
    service.answers["POST /v1/interpret"] = Answer(told)
    page = visit()
    put(page, ("page.png", "image/png", page_drawn.png))
    page.wait_for_selector(".row")
    last = page.locator(".row").last
    assert last.get_attribute("data-code") == told["statements"][0]["code"]
    assert "no threshold" in last.inner_text()
    assert last.locator(".tick").count() == 0
