"""What somebody with bad intentions would send: it costs them, and tells them nothing."""

from __future__ import annotations

import gc
import io
import json
import struct
import threading
import weakref
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("starlette")

from tests.serving.road import Scorer, page, reader, wfdb
from tests.serving.test_app import Slow, client, parts, ready, wait_for

from twelvelead.serving.house import Settings
from twelvelead.serving.limits import Limits
from twelvelead.serving.swap import Seat, Source

PATIENT = "Doe^Jane^^^"


@pytest.fixture(scope="module")
def web() -> Iterator[Any]:
    own = reader()
    settings = Settings(
        Source(lambda: "3", lambda named: own), Limits(decode_s=60, files=20, unpacked_bytes=4 << 20),
        chambers=1,
    )  # fmt: skip
    with client(settings) as it:
        yield ready(it)


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width: int, height: int, bits: int) -> bytes:
    """A PNG that says it is so large, and unfolds to nothing."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1 << 20))) + chunk(b"IEND", b"")


def pdf_of(pages: int) -> bytes:
    kids = " ".join(["3 0 R"] * pages)
    objects = [
        "1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj",
        f"2 0 obj <</Type/Pages/Count {pages}/Kids[{kids}]>> endobj",
        "3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>> endobj",
    ]
    return ("%PDF-1.4\n" + "\n".join(objects) + "\ntrailer <</Root 1 0 R>>\n%%EOF").encode()


def tiff_that_bites_its_tail() -> bytes:
    """A TIFF whose first directory is followed by itself."""
    entries = [(256, 4, 1, 400), (257, 4, 1, 400), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
               (273, 4, 1, 8), (278, 4, 1, 400), (279, 4, 1, 160_000)]  # fmt: skip
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *one) for one in entries)
    return b"II*\0" + struct.pack("<I", 8) + directory + struct.pack("<I", 8) + bytes(160_000)


def packed(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (png_of(60_000, 60_000, 1), 413, "too_large"),
        (png_of(0x7FFFFFFF, 1, 16), 413, "too_large"),
        (pdf_of(10_000), 413, "too_large"),
        (tiff_that_bites_its_tail(), 422, "not_an_ecg"),
    ],
)
def test_what_would_unfold_is_not(web: Any, data: bytes, status: int, code: str) -> None:
    assert refusal(web.post("/v1/interpret", content=data)) == (status, code)


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (packed(("a", bytes(5 << 20))), 413, "too_large"),
        (packed(*((f"{n}", b"") for n in range(21))), 413, "too_large"),
        (packed(*((f"{n}/", b"") for n in range(500))), 413, "too_large"),
        (packed(("a.png", b"x"), method=zipfile.ZIP_LZMA), 415, "unsupported"),
    ],
)
def test_what_would_unfold_from_a_zip_is_not(web: Any, data: bytes, status: int, code: str) -> None:
    assert refusal(web.post("/v1/batch", content=data)) == (status, code)
    assert web.app.state.house.door.held_bytes == 0


def test_a_directory_of_many_entries_is_refused_before_it_is_read(
    web: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipfile.ZipFile, "infolist", lambda self: pytest.fail("it was read"))
    data = packed(*((f"{n}/", b"") for n in range(500)))
    assert refusal(web.post("/v1/batch", content=data)) == (413, "too_large")


def test_what_zips_unfold_to_counts_for_all_who_are_inside() -> None:
    slow = Slow()
    held = replace(reader(), scorer=slow)
    limits = Limits(decode_s=60, held_bytes=3 << 20, unpacked_bytes=8 << 20)
    settings = Settings(Source(lambda: "3", lambda named: held), limits, chambers=1, logged=False)
    bomb = packed(("a.png", page()), ("b", bytes(2 << 20)))
    with client(settings) as web:
        ready(web)
        answers: list[Any] = []
        first = threading.Thread(target=lambda: answers.append(web.post("/v1/batch", content=bomb)))
        first.start()
        assert slow.begun.wait(60)
        assert refusal(web.post("/v1/batch", content=bomb)) == (429, "busy")
        slow.go.set()
        first.join(60)
        assert answers[0].status_code == 200
        assert web.app.state.house.door.held_bytes == 0


def test_a_form_of_a_thousand_parts_is_refused(web: Any) -> None:
    files = parts(*((f"{n}", b"x") for n in range(1000)))
    assert refusal(web.post("/v1/interpret", files=files)) == (413, "too_large")
    fields = {f"{n}": "x" for n in range(1000)}
    assert refusal(web.post("/v1/interpret", files=parts(("a", b"x")), data=fields)) == (413, "too_large")


def test_a_body_without_a_length_ends_at_the_limit() -> None:
    own = reader()
    settings = Settings(
        Source(lambda: "3", lambda named: own), Limits(upload_bytes=1 << 20), chambers=0, logged=False
    )

    def endless() -> Iterator[bytes]:
        for _ in range(64):
            yield bytes(1 << 16)

    with client(settings) as web:
        ready(web)
        assert refusal(web.post("/v1/interpret", content=endless())) == (413, "too_large")
        assert refusal(web.post("/v1/feedback", content=bytes(300 << 10))) == (413, "too_large")
        assert web.app.state.house.door.held_bytes == 0


@pytest.mark.parametrize("charset", ["utf-7", "unicode_escape", "utf-16", "zlib", "nonsense"])
def test_names_are_utf_8_whatever_the_form_says(web: Any, charset: str) -> None:
    names = ("+2AA-.png", "\\ud800.png", "\x1b]0;owned\x07.png", "a\u202egnp.exe", "\xe9.png")
    body = b"".join(
        f'--b\r\ncontent-disposition: form-data; name="file"; filename="{name}"\r\n\r\nhello\r\n'.encode()
        for name in names
    )
    content_type = f"multipart/form-data; boundary=b; charset={charset}"
    answer = web.post("/v1/batch", content=body + b"--b--\r\n", headers={"content-type": content_type})
    assert answer.status_code == 200, answer.text
    told = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["file"] for one in told] == list(names)
    assert "\x1b" not in answer.text, "a terminal that shows an answer is told nothing"


def test_a_header_names_no_file_outside(web: Any, tmp_path: Path) -> None:
    _, signals = wfdb()
    for name in (f"{tmp_path}/evil", "../../evil", "..", "a\\b", "~", "record.hea"):
        header = f"r 1 500 5000\n{name} 16 1000/mV 16 0 0 0 0 I\n".encode()
        answer = web.post("/v1/interpret", files=parts(("r.hea", header), ("x", signals)))
        assert answer.status_code in (400, 422), answer.text
    assert list(tmp_path.iterdir()) == []


def dicom(signal: bool) -> bytes:
    """A file that names its patient wherever DICOM lets it, and in a private element."""
    pydicom = pytest.importorskip("pydicom")
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, TwelveLeadECGWaveformStorage, generate_uid

    tree = Dataset()
    tree.file_meta = FileMetaDataset()
    tree.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    tree.file_meta.MediaStorageSOPClassUID = TwelveLeadECGWaveformStorage
    tree.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    tree.PatientName = tree.PatientID = tree.PatientComments = tree.InstitutionName = PATIENT
    block = tree.private_block(0x0099, PATIENT, create=True)
    block.add_new(1, "LO", PATIENT)
    if signal:
        channel = Dataset()
        channel.ChannelLabel = PATIENT
        group = Dataset()
        group.ChannelDefinitionSequence = [channel]
        group.MultiplexGroupLabel = PATIENT
        tree.WaveformSequence = [group]
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, tree, enforce_file_format=True)
    return stream.getvalue()


@pytest.mark.parametrize("signal", [False, True])
def test_a_dicoms_patient_is_in_no_refusal_and_no_log(
    web: Any, signal: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = web.post("/v1/interpret", content=dicom(signal))
    noted = capfd.readouterr()
    assert answer.status_code == 422, answer.text
    for text in (answer.text, noted.out, noted.err, web.get("/metrics").text):
        assert "Jane" not in text


def test_a_wfdb_headers_comments_are_in_no_refusal_and_no_log(
    web: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    header, signals = wfdb()
    named = header + f"# {PATIENT}\n# Name: {PATIENT}\n".encode()
    for files in ((("r.hea", named), ("r.dat", signals)), (("r.hea", named), ("r.dat", signals[:99])),
                  (("r.hea", named),)):  # fmt: skip
        answer = web.post("/v1/interpret", files=parts(*files))
        noted = capfd.readouterr()
        assert "/dev/shm" not in answer.text
        for text in (answer.text, noted.out, noted.err):
            assert "Jane" not in text


class Fails:
    def score(self, pictures: list[bytes]) -> Any:
        raise ValueError(f"{PATIENT} cannot be read")


def test_a_fault_of_ours_is_noted_without_what_it_says(capfd: pytest.CaptureFixture[str]) -> None:
    bad = replace(reader(), scorer=Fails())
    settings = Settings(Source(lambda: "3", lambda named: bad), Limits(decode_s=60), chambers=1)
    with client(settings) as web:
        ready(web)
        one = web.post("/v1/interpret", content=page())
        many = web.post("/v1/batch", files=parts(("a.png", page())))
    noted = capfd.readouterr()
    assert refusal(one) == (500, "internal")
    assert json.loads(many.text)["error"]["code"] == "internal"
    assert noted.err.count("serve: a bug: ValueError at test_hostile.py:") == 2
    for text in (one.text, many.text, noted.out, noted.err):
        assert "Jane" not in text


def test_a_strangers_web_page_gets_nothing_done_here(web: Any) -> None:
    for origin in ("https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1.evil"):
        assert refusal(web.get("/v1/model", headers={"origin": origin})) == (401, "unauthorised")
    for origin in ("http://localhost:8080", "http://127.0.0.1:1", "http://[::1]:8080"):
        assert web.get("/v1/model", headers={"origin": origin}).status_code == 200


def test_what_a_client_makes_up_is_no_label_and_no_word_of_the_log(
    web: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    before = len(web.get("/metrics").text.splitlines())
    for n in range(50):
        web.request(f"DOE{n}", f"/jane/{n}")
    after = web.get("/metrics").text
    assert len(after.splitlines()) < before + 40
    assert "DOE" not in capfd.readouterr().err + after
    assert "jane" not in after


def test_what_is_wrong_with_the_registry_is_told_in_full_to_no_stranger() -> None:
    own = reader()
    now = ["1"]

    def load(named: str) -> Any:
        if named == "2":
            raise OSError("/home/somebody/secret is missing")
        return own

    for token, told in (("", True), ("a token of sixteen and more", False)):
        now[0] = "1"
        settings = Settings(Source(lambda: now[0], load), token=token, chambers=0, logged=False)
        with client(settings) as web:
            ready(web)
            now[0] = "2"
            web.app.state.house.seat.look()
            trouble = web.get("/readyz").json()["trouble"]
            assert trouble.startswith("version 2 cannot be loaded; version 1 stays")
            assert ("somebody" in trouble) is told
            assert "twelvelead_trouble 1.0" in web.get("/metrics").text


def test_what_was_written_down_is_for_the_owner_alone(tmp_path: Path) -> None:
    own = reader()
    book = tmp_path / "said.jsonl"
    settings = Settings(Source(lambda: "3", lambda named: own), feedback=book, chambers=0, logged=False)
    said = {"id": "12345678-1234-1234-1234-123456789abc", "sha256": "d" * 64, "statements": []}
    with client(settings) as web:
        ready(web)
        assert web.post("/v1/feedback", json=said).status_code == 201
    assert book.stat().st_mode & 0o077 == 0


def test_a_feedback_that_trickles_holds_no_place() -> None:
    import asyncio

    from starlette.requests import Request

    from twelvelead.serving.app import create_app, feedback
    from twelvelead.serving.refusal import Refusal

    own = reader()
    app = create_app(Settings(Source(lambda: "3", lambda named: own), Limits(request_s=0.2), chambers=0))

    async def receive() -> Any:
        await asyncio.sleep(3600)

    request = Request({"type": "http", "headers": [], "app": app, "method": "POST"}, receive)
    with pytest.raises(Refusal, match="not done after"):
        asyncio.run(asyncio.wait_for(feedback(request), 60))
    assert app.state.house.door.inside == 0


def test_a_batch_whose_sender_left_before_its_first_line_keeps_no_place() -> None:
    import asyncio

    from twelvelead.serving.app import create_app

    own = reader()
    limits = Limits(waiting=1)
    app = create_app(Settings(Source(lambda: "3", lambda named: own), limits, chambers=0, logged=False))
    app.state.house.seat.look()
    scope = {
        "type": "http", "method": "POST", "path": "/v1/batch", "headers": [(b"host", b"localhost")],
        "query_string": b"", "asgi": {"spec_version": "2.3"},
    }  # fmt: skip

    async def leave(dawdling: bool) -> None:
        sent = iter([{"type": "http.request", "body": b"hello", "more_body": False}])

        async def receive() -> Any:
            return next(sent, {"type": "http.disconnect"})

        async def send(message: Any) -> None:
            if dawdling:
                await asyncio.sleep(3600)

        await asyncio.wait_for(app(dict(scope), receive, send), 60)

    for dawdling in (True, False):
        asyncio.run(leave(dawdling))
        assert app.state.house.door.inside == app.state.house.door.held_bytes == 0


def test_nothing_of_a_picture_or_a_model_outlives_its_turn() -> None:
    from twelvelead.serving.queue import Worker

    first, second = reader(version="1"), reader(version="2")
    old, now = [replace(first, scorer=Scorer())], ["1"]
    seat = Seat(Source(lambda: now[0], lambda named: old.pop() if named == "1" else second))
    worker = Worker()
    assert seat.look()
    gone = weakref.ref(seat.reader.scorer)  # type: ignore[union-attr]
    (sheet,) = sheets_of(page())
    sheet = replace(sheet, measurements=Measurements())  # bytes take no weak reference
    kept = weakref.ref(sheet.measurements)
    worker.submit(seat.reader, sheet, 1e12).result(60)  # type: ignore[arg-type]
    del sheet
    now[0] = "2"
    assert seat.look()
    wait_for(lambda: gc.collect() is not None and kept() is None and gone() is None)
    worker.stop()


class Measurements(dict[str, float]):
    """What of a job can be looked after."""


def sheets_of(data: bytes) -> list[Any]:
    from twelvelead.serving.sheet import Upload
    from twelvelead.serving.source import sheets

    return list(sheets([Upload("", data)], {}, Limits()))


def test_a_batch_ends_on_the_model_it_came_in_under() -> None:
    slow, now = Slow(), ["1"]
    first = replace(reader(version="1"), scorer=slow)
    source = Source(lambda: now[0], lambda named: first if named == "1" else reader(version=named))
    settings = Settings(source, Limits(decode_s=60), chambers=1, logged=False)
    files = parts(*((f"{n}.png", page()) for n in range(3)))
    with client(settings) as web:
        ready(web)
        answers: list[Any] = []
        thread = threading.Thread(target=lambda: answers.append(web.post("/v1/batch", files=files)))
        thread.start()
        assert slow.begun.wait(60)
        now[0] = "2"
        assert web.app.state.house.seat.look() is True
        slow.go.set()
        thread.join(60)
    told = [json.loads(line)["result"]["model"]["version"] for line in answers[0].text.splitlines()]
    assert told == ["1"] * 3
