"""The service's promises: what it answers, what it refuses and how, and that it does so under pressure."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("starlette")

from tests.serving.road import REASONS, page, reader, wfdb

from twelvelead.serving.app import create_app
from twelvelead.serving.house import Settings
from twelvelead.serving.limits import Limits
from twelvelead.serving.swap import Source

TOKEN = "a token of sixteen and more"  # not a secret


def client(settings: Settings, **more: Any) -> Any:
    from starlette.testclient import TestClient

    return TestClient(create_app(settings), **more)


def ready(web: Any) -> Any:
    for _ in range(600):
        if web.get("/readyz").status_code == 200:
            return web
        time.sleep(0.1)
    raise AssertionError("never ready")


@pytest.fixture(scope="module")
def own() -> Any:
    return reader()


@pytest.fixture(scope="module")
def web(own: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    book = tmp_path_factory.mktemp("book") / "feedback.jsonl"
    limits = Limits(upload_bytes=2 << 20, decode_s=60)
    settings = Settings(
        Source(lambda: "3", lambda named: own), limits, feedback=book, chambers=1, logged=False
    )
    with client(settings) as it:
        it.book = book
        yield ready(it)


@pytest.fixture(scope="module")
def png() -> bytes:
    return page()


def parts(*files: tuple[str, bytes]) -> list[tuple[str, tuple[str, bytes, str]]]:
    return [("file", (name, data, "application/octet-stream")) for name, data in files]


def test_a_page_is_read_and_the_answer_says_who_read_it_and_that_it_was_rejected(
    web: Any, png: bytes
) -> None:
    answer = web.post("/v1/interpret?picture=true", content=png)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["input"] | {"sha256": ""} == {
        "kind": "png", "width_px": 1188, "height_px": 840, "page": 1, "bytes": len(png), "sha256": "",
    }  # fmt: skip
    assert told["model"]["version"] == "3"
    assert (told["model"]["decision"], told["model"]["reasons"]) == ("rejected", REASONS)
    assert told["model"]["policy"] == {"name": "a policy", "sha256": "c" * 64}
    assert "REJECTED" in told["notice"]
    assert "Not a medical device" in told["notice"]
    rows = {row["code"]: row for row in told["statements"]}
    assert set(rows) == {"NORM", "AFIB", "SR"}
    assert rows["NORM"]["positive"] is True
    assert (rows["SR"]["probability"], rows["SR"]["threshold"], rows["SR"]["positive"]) == (0.9, None, False)
    margins = [row["probability"] - row["threshold"] for row in told["statements"] if row["threshold"]]
    assert margins == sorted(margins, reverse=True)
    assert told["statements"][-1]["code"] == "SR"
    assert base64.b64decode(told["picture"]["png_base64"]) == png
    assert told["picture"]["px_per_mm_x"] == pytest.approx(4.0, abs=0.02)
    assert told["cnn"] is told["measurements"] is None
    assert "Impression: a normal ECG" in told["report"]


def test_a_record_is_read_from_two_parts_and_measured(web: Any) -> None:
    header, signals = wfdb()
    answer = web.post("/v1/interpret?picture=true", files=parts(("a.hea", header), ("a.dat", signals)))
    told = answer.json()
    assert told["input"]["kind"] == "wfdb"
    assert 60 < told["measurements"]["rate_bpm"] < 90
    assert {box["lead"] for box in told["picture"]["lead_boxes"]} >= {"I", "V6"}
    assert told["picture"]["px_per_mm_x"] == pytest.approx(8.0), "a sheet for eyes, not the model's page"
    assert told["picture"]["width_px"] > 2000
    assert told["input"]["width_px"] == 336, "what the model read"
    assert "bpm" in told["report"]


def test_the_model_tells_its_statements(web: Any) -> None:
    told = web.get("/v1/model").json()
    assert [row["code"] for row in told["statements"]] == ["NORM", "AFIB", "SR"]
    assert told["statements"][1] == {
        "code": "AFIB", "name": "atrial fibrillation", "group": "rhythm", "threshold": 0.2
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "query", "status", "code"),
    [
        (b"", "", 415, "unsupported"),
        (b"hello", "", 415, "unsupported"),
        (b"\x89PNG\r\n\x1a\nrubbish", "", 422, "unreadable"),
        (b"x" * (3 << 20), "", 413, "too_large"),
        (b"x", "?page=0", 400, "bad_request"),
        (b"x", "?picture=perhaps", 400, "bad_request"),
    ],
)
def test_a_refusal_has_a_code_and_a_sentence(
    web: Any, content: bytes, query: str, status: int, code: str
) -> None:
    answer = web.post(f"/v1/interpret{query}", content=content)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["code"] == code
    assert error["what"]
    assert set(error) == {"code", "what", "where", "expected", "fix"}


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"content-type": "multipart/form-data"}, b"x", 400),
        ({"content-type": "multipart/form-data; boundary=b"}, b"--b\r\nrubbish", 400),
        ({"content-type": "multipart/form-data; boundary=b"}, b"", 400),
        ({"content-encoding": "gzip"}, b"x", 415),
    ],
)
def test_a_malformed_request_is_no_crash(
    web: Any, headers: dict[str, str], content: bytes, status: int
) -> None:
    assert web.post("/v1/interpret", content=content, headers=headers).status_code == status


def test_many_are_read_line_by_line_and_a_bad_one_stops_nobody(web: Any, png: bytes) -> None:
    header, signals = wfdb()
    files = [("good.png", png), ("r/1.hea", header), ("r/1.dat", signals), ("bad.txt", b"hello")]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files:
            archive.writestr(name, data)
    for answer in (
        web.post("/v1/batch", files=parts(*files)),
        web.post("/v1/batch", files=parts(("all.zip", stream.getvalue()))),
        web.post("/v1/batch", content=stream.getvalue()),
    ):
        assert answer.headers["content-type"].startswith("application/x-ndjson")
        lines = [json.loads(line) for line in answer.text.splitlines()]
        assert [line["file"] for line in lines] == ["good.png", "r/1.hea", "bad.txt"]
        assert lines[0]["result"]["input"]["kind"] == "png"
        assert lines[1]["result"]["input"]["kind"] == "wfdb"
        assert lines[2]["error"]["code"] == "unsupported"
        assert lines[0]["result"]["picture"] is None


def test_a_batch_comes_with_its_pictures_for_whom_asks(web: Any, png: bytes) -> None:
    answer = web.post("/v1/batch?picture=true", files=parts(("a.png", png)))
    assert json.loads(answer.text)["result"]["picture"]["png_base64"]


def test_the_open_inference_protocol_gives_the_same_numbers(web: Any, png: bytes) -> None:
    body = {"inputs": [{"name": "image", "datatype": "BYTES", "shape": [2],
                        "data": [base64.b64encode(png).decode()] * 2}]}  # fmt: skip
    answer = web.post("/v2/models/twelvelead-reader/infer", json=body).json()
    probabilities, codes = answer["outputs"]
    assert (probabilities["shape"], codes["data"]) == ([2, 3], ["NORM", "AFIB", "SR"])
    rows = {
        row["code"]: row["probability"] for row in web.post("/v1/interpret", content=png).json()["statements"]
    }
    assert probabilities["data"] == [rows[code] for code in codes["data"]] * 2
    assert answer["parameters"]["decision"] == "rejected"
    assert web.get("/v2/health/ready").json() == {"ready": True}
    assert web.post("/v2/models/another/infer", json=body).status_code == 404
    assert web.post("/v2/models/reader/infer", json={"inputs": 3}).status_code == 400


def test_feedback_is_kept_only_where_it_shall_be(web: Any, own: Any) -> None:
    said = {"id": "12345678-1234-1234-1234-123456789abc", "sha256": "d" * 64,
            "statements": [{"code": "AFIB", "present": True}], "note": "clear"}  # fmt: skip
    answer = web.post("/v1/feedback", json=said)
    assert (answer.status_code, answer.json()) == (201, {"kept": True})
    (line,) = web.book.read_text().splitlines()
    assert json.loads(line) | {"time": ""} == {**said, "time": "", "adapter_sha256": "a" * 64}
    wrong = {**said, "statements": [{"code": "NOPE", "present": True}]}
    assert web.post("/v1/feedback", json=wrong).status_code == 400
    assert web.post("/v1/feedback", content=b"[" * 10_000).status_code == 400
    deaf = Settings(Source(lambda: "3", lambda named: own), chambers=0, logged=False)
    with client(deaf) as other:
        refused = other.post("/v1/feedback", json=said)
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "not_kept")


def test_every_answer_is_dressed_against_mischief(web: Any, png: bytes) -> None:
    for answer in (
        web.get("/"),
        web.get("/nothing"),
        web.post("/v1/interpret", content=b""),
        web.get("/v1/model"),
    ):
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers
    assert web.get("/nothing").json()["error"]["code"] == "not_found"
    assert web.get("/v1/interpret").json()["error"]["code"] == "method_not_allowed"


def test_without_a_token_only_this_machine_is_answered(web: Any) -> None:
    assert web.get("/v1/model", headers={"host": "evil.example"}).status_code == 401
    assert web.get("/v1/model", headers={"host": "127.0.0.1:8080"}).status_code == 200
    assert web.get("/v1/model", headers={"host": "[::1]:8080"}).status_code == 200


def test_with_a_token_nothing_is_read_without_it_but_the_page_is_shown(own: Any) -> None:
    settings = Settings(Source(lambda: "3", lambda named: own), token=TOKEN, chambers=0, logged=False)
    with client(settings) as web:
        ready(web)
        for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {TOKEN}"}):
            answer = web.get("/v1/model", headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
        fine = {"authorization": f"Bearer {TOKEN}", "host": "anywhere.example"}
        assert web.get("/v1/model", headers=fine).status_code == 200
        for path in ("/", "/healthz", "/readyz", "/openapi.json", "/metrics"):
            assert web.get(path).status_code == 200


def test_nothing_of_an_upload_is_noted(own: Any, png: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    with client(Settings(Source(lambda: "3", lambda named: own), chambers=1)) as web:
        ready(web)
        web.post("/v1/interpret", files=parts(("Jane Doe.png", png)))
        web.get("/v1/queue/JaneDoe")
        web.get("/JaneDoe")
        told = web.get("/metrics").text
    noted = capfd.readouterr()
    assert '"route": "/v1/interpret"' in noted.err
    assert "/v1/queue/{record_id}" in noted.err
    for text in (noted.err, noted.out, told):
        assert "Jane" not in text


class Slow:
    """A scorer that waits until it may go on."""

    def __init__(self) -> None:
        self.go, self.begun, self.batches = threading.Event(), threading.Event(), []

    def score(self, pictures: list[bytes]) -> Any:
        import numpy as np

        self.batches.append(len(pictures))
        self.begun.set()
        assert self.go.wait(60)
        return np.full((len(pictures), 3), 0.4, np.float32)


def at_once(web: Any, png: bytes, count: int) -> tuple[list[threading.Thread], list[Any]]:
    answers: list[Any] = []

    def send() -> None:
        answers.append(web.post("/v1/interpret", content=png))

    threads = [threading.Thread(target=send) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads, answers


def test_what_is_too_much_is_refused_at_once_and_what_waits_shares_a_pass(own: Any, png: bytes) -> None:
    from dataclasses import replace

    slow = Slow()
    held = replace(own, scorer=slow)
    settings = Settings(Source(lambda: "3", lambda named: held), Limits(waiting=6, decode_s=60), chambers=1,
                        logged=False)  # fmt: skip
    with client(settings) as web:
        ready(web)
        threads, answers = at_once(web, png, 6)
        assert slow.begun.wait(60)
        wait_for(lambda: web.app.state.house.door.inside == 6)
        refused = web.post("/v1/interpret", content=png)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.json()["error"]["code"] == "busy"
        wait_for(lambda: web.app.state.house._worker._jobs.qsize() == 6 - slow.batches[0])
        slow.go.set()
        for thread in threads:
            thread.join(60)
        assert [answer.status_code for answer in answers] == [200] * 6
        assert sum(slow.batches) == 6
        assert len(slow.batches) == 2
        assert web.app.state.house.door.inside == web.app.state.house.door.held_bytes == 0
        assert web.post("/v1/interpret", content=png).status_code == 200


def wait_for(condition: Any) -> None:
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come to that")


def test_a_request_that_takes_too_long_is_given_up(own: Any, png: bytes) -> None:
    from dataclasses import replace

    slow = Slow()
    held = replace(own, scorer=slow)
    settings = Settings(Source(lambda: "3", lambda named: held), Limits(request_s=0.5, decode_s=60),
                        chambers=1, logged=False)  # fmt: skip
    with client(settings) as web:
        ready(web)
        answer = web.post("/v1/interpret", content=png)
        slow.go.set()
        assert answer.status_code == 408
        assert web.app.state.house.door.inside == 0


def test_a_model_is_swapped_whole_and_a_broken_one_is_not_taken(png: bytes) -> None:
    now = ["1"]

    def load(named: str) -> Any:
        if named == "2":
            raise OSError("half of it is missing")
        return reader(version=named)

    settings = Settings(Source(lambda: now[0], load), chambers=1, logged=False)
    with client(settings) as web:
        ready(web)
        seat = web.app.state.house.seat
        assert web.post("/v1/interpret", content=png).json()["model"]["version"] == "1"
        now[0] = "2"
        assert seat.look() is False
        told = web.get("/readyz")
        assert told.status_code == 200
        assert told.json()["version"] == "1"
        assert "version 2 cannot be loaded; version 1 stays" in told.json()["trouble"]
        assert 'twelvelead_swaps_total{outcome="failed"} 1.0' in web.get("/metrics").text
        now[0] = "3"
        assert seat.look() is True
        assert web.post("/v1/interpret", content=png).json()["model"]["version"] == "3"
        assert web.get("/readyz").json() == {"status": "ok", "version": "3"}


def test_a_request_ends_on_the_model_it_came_in_under(own: Any, png: bytes) -> None:
    from dataclasses import replace

    slow, now = Slow(), ["1"]
    first = replace(reader(version="1"), scorer=slow)
    settings = Settings(
        Source(lambda: now[0], lambda named: first if named == "1" else reader(version=named)),
        Limits(decode_s=60), chambers=1, logged=False,
    )  # fmt: skip
    with client(settings) as web:
        ready(web)
        (thread,), answers = at_once(web, png, 1)
        assert slow.begun.wait(60)
        now[0] = "2"
        assert web.app.state.house.seat.look() is True
        slow.go.set()
        thread.join(60)
        assert answers[0].json()["model"]["version"] == "1"
        assert web.post("/v1/interpret", content=png).json()["model"]["version"] == "2"


def test_swaps_under_load_lose_no_request_and_mix_no_versions(png: bytes) -> None:
    now = ["1"]
    settings = Settings(Source(lambda: now[0], lambda named: reader(version=named)), chambers=1, logged=False)
    with client(settings) as web:
        ready(web)
        seen: list[tuple[int, str, str]] = []

        def send() -> None:
            for _ in range(4):
                first = web.app.state.house.seat.reader.identity.version
                answer = web.post("/v1/interpret", content=png)
                seen.append((answer.status_code, first, answer.json()["model"]["version"]))

        threads = [threading.Thread(target=send) for _ in range(3)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            now[0] = str(int(now[0]) + 1)
            assert web.app.state.house.seat.look() is True
            time.sleep(0.02)
    assert len(seen) == 12
    for status, first, answered in seen:
        assert status == 200
        assert int(first) <= int(answered) <= int(now[0]), "a request came in under an older model than stood"


def test_nothing_is_let_in_once_the_door_is_closed(own: Any, png: bytes) -> None:
    with client(Settings(Source(lambda: "3", lambda named: own), chambers=0, logged=False)) as web:
        ready(web)
        web.app.state.house.door.closed = True
        answer = web.post("/v1/interpret", content=png)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
        assert web.get("/readyz").status_code == 503
        assert web.get("/healthz").status_code == 200


def test_a_reader_without_a_number_is_loaded_too() -> None:
    settings = Settings(Source(lambda: "", lambda named: reader(version="")), chambers=0, logged=False)
    with client(settings) as web:
        assert ready(web).get("/v1/model").json()["version"] == ""


def test_without_a_model_nothing_is_ready(png: bytes) -> None:
    def load(named: str) -> Any:
        raise OSError("no weights")

    with client(Settings(Source(lambda: "1", load), chambers=0, logged=False)) as web:
        wait_for(lambda: "no weights" in web.get("/readyz").text)
        assert web.get("/readyz").status_code == 503
        assert web.post("/v1/interpret", content=png).status_code == 503
        assert web.get("/v1/model").status_code == 503


def test_the_queue_shows_the_worst_first_and_their_pages(own: Any, png: bytes, tmp_path: Path) -> None:
    import pandas as pd

    rows = [
        ("a", "lora", "NORM", 1, 0.9), ("a", "lora", "AFIB", 0, 0.3), ("a", "cnn", "NORM", 1, 0.8),
        ("b", "lora", "NORM", 1, 0.1), ("b", "lora", "AFIB", 1, 0.6), ("b", "cnn", "NORM", 1, 0.7),
    ]  # fmt: skip
    columns = ["record_id", "model", "code", "label", "probability"]
    pd.DataFrame(rows, columns=columns).to_parquet(tmp_path / "predictions.parquet")
    settings = Settings(Source(lambda: "3", lambda named: own), run=tmp_path, chambers=0, logged=False)
    with client(settings) as web:
        ready(web)
        told = web.get("/v1/queue").json()
        one = web.get("/v1/queue/b").json()
        assert web.get("/v1/queue/c").status_code == 404
    assert [(item["record_id"], item["code"]) for item in told["items"]] == [("b", "NORM"), ("a", "AFIB")]
    assert told["items"][0] == {
        "record_id": "b", "code": "NORM", "name": "normal ECG", "label": 1, "probability": 0.1,
        "threshold": 0.5, "cnn_probability": 0.7, "disagreement": 0.9,
    }  # fmt: skip
    assert one["picture"] is None
    assert [row["positive"] for row in one["statements"]] == [False, True]
    assert one["statements"][1]["cnn_probability"] is None


def test_what_a_person_says_of_a_record_in_the_queue_is_kept_like_any_other(
    own: Any, png: bytes, tmp_path: Path
) -> None:
    import pandas as pd
    import pyarrow as pa

    from twelvelead.data.shard import write_parquet
    from twelvelead.stages.synthesize import MANIFEST_ROW, PAGE

    (tmp_path / "pages").mkdir()
    columns = ["record_id", "model", "code", "label", "probability"]
    pd.DataFrame([("b", "lora", "NORM", 1, 0.1), ("b", "cnn", "NORM", 1, 0.7)], columns=columns).to_parquet(
        tmp_path / "predictions.parquet"
    )
    box = {"name": "II", "x0": 1, "y0": 2, "x1": 30, "y1": 40}
    page = {"record_id": "b", "image": {"bytes": png, "path": "b-0.png"}, "boxes": [box]}
    write_parquet(pa.Table.from_pylist([page], schema=PAGE), tmp_path / "pages" / "pages-00000.parquet")
    digest = hashlib.sha256(png).hexdigest()
    entry = {"record_id": "b", "shard": "pages-00000.parquet", "row": 0, "sha256": digest, "width_px": 336,
             "height_px": 336, "px_mm": 1.3, "speed_mm_s": 25.0, "gain_mm_mv": 10.0}  # fmt: skip
    write_parquet(pa.Table.from_pylist([entry], schema=MANIFEST_ROW), tmp_path / "pages" / "manifest.parquet")
    settings = Settings(
        Source(lambda: "3", lambda named: own), run=tmp_path, chambers=0, logged=False,
        feedback=tmp_path / "said.jsonl",
    )  # fmt: skip

    with client(settings) as web:
        ready(web)
        one = web.get("/v1/queue/b").json()
        again = web.get("/v1/queue/b").json()
        said = {"id": one["id"], "sha256": one["input"]["sha256"], "note": "no", "statements": [
            {"code": "NORM", "present": False}]}  # fmt: skip
        assert web.post("/v1/feedback", json=said).status_code == 201

    assert one["id"] == again["id"], "the same record, whenever it is opened"
    assert one["input"]["sha256"] == digest
    assert one["picture"]["lead_boxes"] == [{"lead": "II", "x": 1, "y": 2, "width": 29, "height": 38}]
    assert json.loads((tmp_path / "said.jsonl").read_text(encoding="utf-8"))["sha256"] == digest


def test_without_a_run_the_queue_is_empty(web: Any) -> None:
    assert web.get("/v1/queue").json() == {"run": None, "items": []}
