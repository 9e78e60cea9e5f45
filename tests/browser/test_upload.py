"""What is dropped, pasted or chosen becomes a reading, or a sentence that says why not."""

import io
import json
import zipfile

import drawn
import pytest
from served import Answer, fault
from visiting import put, texts, until

PNG = "image/png"
HEADER = b"a 2 500 5000\na.dat 16 1000 16 0 0 0 0 I\na.dat 16 1000 16 0 0 0 0 II\n# sinus rhythm\n"


def test_a_picture_is_sent_and_its_reading_shown(opened, service, page_drawn):
    (asked,) = service.posted("/v1/interpret")
    assert asked.path == "/v1/interpret?picture=true"
    assert asked.files == [("page.png", page_drawn.png)]
    assert opened.inner_text("#case-name") == "page.png"
    assert f"{page_drawn.width_px} × {page_drawn.height_px} px" in opened.inner_text("#case-about")
    assert opened.locator(".row").count() == 71
    assert opened.evaluate("document.querySelector('#page').naturalWidth") == page_drawn.width_px
    assert opened.locator("#measurements").is_hidden()
    for code in page_drawn.codes:
        assert code in opened.inner_text("#report-text")


def test_statements_stand_by_margin_and_tell_present_without_colour(opened, page_drawn):
    margins = [one["probability"] - one["threshold"] for one in drawn.statements(page_drawn.codes)]
    codes = [one["code"] for one in drawn.statements(page_drawn.codes)]
    assert margins == sorted(margins, reverse=True)
    assert texts(opened, ".row strong") == codes
    present = {
        code for code, word in zip(codes, texts(opened, ".row .word"), strict=True) if word == "present"
    }
    assert present == page_drawn.codes
    assert texts(opened, ".row .mark").count("●") == len(page_drawn.codes)
    first = drawn.statements(page_drawn.codes)[0]
    bar = opened.locator(".row").first.locator(".bar.model")
    width = bar.bounding_box()["width"]
    # bars slide to their length where motion is wanted
    until(
        opened,
        "([share, whole]) => Math.abs(document.querySelector('.row .fill').getBoundingClientRect().width"
        " - share * whole) < 1",
        [first["probability"], width],
    )
    tick = bar.locator(".tick").bounding_box()
    assert tick["x"] + 1 - bar.bounding_box()["x"] == pytest.approx(first["threshold"] * width, abs=1)


def test_statements_are_filtered_and_grouped(opened, page_drawn):
    opened.fill("#query", "av block second")
    assert texts(opened, ".row strong") == ["2AVB"]
    opened.fill("#query", "no such thing")
    assert "No statement fits" in opened.inner_text("#rows")
    opened.fill("#query", "")
    opened.select_option("#kind", "present")
    assert set(texts(opened, ".row strong")) == page_drawn.codes
    opened.click("#grouped")
    groups = {drawn.group_of(code) for code in page_drawn.codes}
    assert set(texts(opened, "#rows h4")) == groups


def test_a_header_and_its_signals_are_one_case_with_the_cnn_beside(visit, service):
    page = visit()
    put(page, ("a.dat", "", b"\0" * 40), ("a.hea", "", HEADER))
    page.wait_for_selector(".row .bar.cnn")
    (asked,) = service.posted("/v1/interpret")
    assert [name for name, _ in asked.files] == ["a.hea", "a.dat"]
    assert "CNN 0." in page.locator(".row").first.inner_text()
    measured = page.inner_text("#measurements-list")
    assert "148 ms" in measured
    assert "not measured" in measured


def test_a_header_alone_is_refused_before_anything_is_sent(visit, service):
    page = visit()
    put(page, ("a.hea", "", HEADER))
    page.wait_for_selector("#fault p")
    said = page.inner_text("#fault")
    assert "names a.dat, which was not given" in said
    assert "Choose the .hea and its .dat in one go." in said
    assert service.posted("/v1/interpret") == []


def test_an_error_is_told_in_sentences_and_the_picture_stays(visit, service, page_drawn):
    service.answers["POST /v1/interpret"] = fault(
        422, "not_an_ecg", "this picture shows no ECG", where="cat.png",
        expected="a page with an ECG", fix="crop it to the ECG",
    )  # fmt: skip
    page = visit()
    put(page, ("cat.png", PNG, page_drawn.png))
    page.wait_for_selector("#fault p")
    assert texts(page, "#fault p") == [
        "cat.png: this picture shows no ECG.", "Expected: a page with an ECG.", "Crop it to the ECG.",
    ]  # fmt: skip
    assert page.locator("#page").is_visible()
    assert page.locator("#fault").get_attribute("role") == "alert"
    assert page.locator("#reading").is_hidden()


def test_an_answer_that_is_no_json_is_told_too(visit, service, page_drawn):
    service.answers["POST /v1/interpret"] = Answer(b"<html>Bad gateway</html>", 502)
    page = visit()
    put(page, ("page.png", PNG, page_drawn.png))
    page.wait_for_selector("#fault p")
    assert "answered 502 without saying why" in page.inner_text("#fault")


def test_several_files_make_a_list_to_walk_by_keys(visit, service, page_drawn):
    page = visit()
    put(page, *((f"{name}.png", PNG, page_drawn.png) for name in "abc"))
    until(page, "document.querySelectorAll('#opened-list .about').length === 3")
    until(page, "!/being read|waiting/.test(document.querySelector('#opened-list').textContent)")
    assert [request.files[0][0] for request in service.posted("/v1/interpret")] == ["a.png", "b.png", "c.png"]
    page.keyboard.press("n")
    assert page.inner_text("#case-name") == "b.png"
    page.keyboard.press("n")
    page.keyboard.press("n")  # there is no fourth
    assert page.inner_text("#case-name") == "c.png"
    page.keyboard.press("p")
    assert page.inner_text("#case-name") == "b.png"
    assert page.locator("[aria-current]").inner_text().startswith("b.png")


def test_a_zip_becomes_a_case_a_file_each_with_its_picture(visit, service, page_drawn):
    kept = drawn.answer(page_drawn)
    error = {"code": "unreadable", "what": "this is no picture", "where": "b.png", "expected": "", "fix": ""}
    lines = [{"file": "a.png", "result": kept}, {"file": "b.png", "error": error}]
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    service.answers["POST /v1/batch"] = Answer(body, headers={"Content-Type": "application/x-ndjson"})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.png", page_drawn.png)
    page = visit()
    put(page, ("all.zip", "application/zip", packed.getvalue()))
    until(page, "document.querySelectorAll('#opened-list li').length === 3")
    assert service.posted("/v1/batch")[0].path == "/v1/batch?picture=true"
    page.keyboard.press("n")
    assert page.locator(".row").count() == 71
    until(page, "!document.querySelector('#page').hidden")
    page.keyboard.press("n")
    assert "this is no picture" in page.inner_text("#fault")


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_files_are_dropped_and_pasted(visit, service, page_drawn, kind):
    page = visit()
    page.evaluate(
        """([kind, bytes]) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "given.png", { type: "image/png" }));
          const event = kind === "drop"
            ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
            : new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
          document.body.dispatchEvent(event);
        }""",
        [kind, list(page_drawn.png)],
    )
    page.wait_for_selector(".row")
    assert service.posted("/v1/interpret")[0].files == [("given.png", page_drawn.png)]


def test_warnings_of_the_service_are_shown(visit, service, page_drawn):
    told = drawn.answer(page_drawn) | {"warnings": ["the page stands on its head and was turned"]}
    service.answers["POST /v1/interpret"] = Answer(told)
    page = visit()
    put(page, ("page.png", PNG, page_drawn.png))
    page.wait_for_selector("#warnings li")
    assert page.inner_text("#warnings li") == "The page stands on its head and was turned."


def test_the_report_is_copied(opened):
    opened.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened.click("#copy")
    until(opened, "document.querySelector('#copy').textContent === 'Copied'")
    assert opened.evaluate("navigator.clipboard.readText()") == opened.evaluate(
        "document.querySelector('#report-text').textContent"
    )
