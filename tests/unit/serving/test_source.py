"""Anything may come in; what is no ECG, too much or broken is refused with its reason."""

import io
import zipfile

import numpy as np
import pytest
from tests.serving.road import page, wfdb

from twelvelead.params import Synthesize
from twelvelead.serving.limits import Limits
from twelvelead.serving.parcel import from_zip, grouped
from twelvelead.serving.refusal import Refusal
from twelvelead.serving.sheet import Upload
from twelvelead.serving.sniff import kind_of
from twelvelead.serving.source import sheets

PAGE = Synthesize().model_dump(mode="json")
LIMITS = Limits()


def opened(*files, only=0, limits=LIMITS, **more):
    uploads = [one if isinstance(one, Upload) else Upload("", one) for one in files]
    return list(sheets(uploads, PAGE, limits, only=only, **more))


def encoded(image, form, **more):
    stream = io.BytesIO()
    image.save(stream, form, **more)
    return stream.getvalue()


@pytest.fixture(scope="module")
def png():
    return page()


@pytest.fixture(scope="module")
def image(png):
    from PIL import Image

    return Image.open(io.BytesIO(png)).convert("RGB")


def pdf_of(image):
    return encoded(image, "PDF", resolution=100)


def test_kinds_are_told_by_bytes_whatever_the_name(png, image):
    header, signals = wfdb()
    found = [kind_of(data) for data in (
        png, encoded(image, "JPEG"), encoded(image, "TIFF"), pdf_of(image), header, b"\0" * 128 + b"DICM",
        b"PK\x03\x04", signals, b"", b"hello there", b"GIF89a"
    )]  # fmt: skip
    assert found == ["png", "jpeg", "tiff", "pdf", "wfdb", "dicom", "zip", "", "", "", ""]


@pytest.mark.parametrize("dpi", [203.2, 406.4])
def test_the_scale_of_a_large_picture_is_that_of_the_picture(dpi):
    from archive import signal_uv

    from twelvelead.paper.encode import png_bytes
    from twelvelead.paper.page import PageStyle, render

    style = PageStyle.paper("a4", dpi, layout="3x4+1r")
    (sheet,) = opened(png_bytes(render(signal_uv(1).T / 1000, 500.0, style)), scaled=True)
    assert sheet.width_px > 2300
    assert sheet.geometry.px_per_mm_x == pytest.approx(dpi / 25.4, rel=2e-3)
    assert (sheet.geometry.speed_mm_s, sheet.geometry.gain_mm_mv) == (25.0, pytest.approx(10.0, abs=0.1))


def test_a_jpeg_of_many_scans_reaches_the_model_as_other_bytes_and_the_same_pixels(image):
    from PIL import Image

    jpeg = encoded(image, "JPEG", progressive=True, quality=90)
    last, end = jpeg.rindex(b"\xff\xda"), jpeg.rindex(b"\xff\xd9")
    slow = jpeg[:end] + jpeg[last:end] * 20 + jpeg[end:]
    (kept,), (made,) = opened(jpeg), opened(slow)
    assert kept.picture == jpeg
    assert made.picture.startswith(b"\x89PNG"), "the model goes over it as often as whoever sent it likes"
    shown, sent = (np.asarray(Image.open(io.BytesIO(data))) for data in (made.picture, slow))
    assert (shown == sent).all()


def test_a_png_or_jpeg_goes_to_the_model_as_it_came(png, image):
    jpeg = encoded(image, "JPEG", quality=90)
    for data, kind in ((png, "png"), (jpeg, "jpeg")):
        (sheet,) = opened(data)
        assert (sheet.picture, sheet.kind, sheet.page, sheet.size_bytes) == (data, kind, 1, len(data))


def test_a_turned_photograph_is_set_upright(image):
    from PIL import Image

    exif = Image.Exif()
    exif[274] = 6
    (sheet,) = opened(encoded(image.rotate(90, expand=True), "JPEG", exif=exif, quality=95))
    assert (sheet.width_px, sheet.height_px) == image.size
    shown = np.asarray(Image.open(io.BytesIO(sheet.picture)).convert("L"), float)
    assert np.abs(shown - np.asarray(image.convert("L"), float)).mean() < 8


def test_what_is_transparent_or_deep_is_shown_on_white(image):
    from PIL import Image

    grey = np.asarray(image.convert("L"))
    cut_out = Image.fromarray(np.dstack([np.zeros_like(grey)] * 3 + [255 - grey]), "RGBA")
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    for data in (encoded(cut_out, "PNG"), encoded(deep, "PNG")):
        (sheet,) = opened(data)
        shown = np.asarray(Image.open(io.BytesIO(sheet.picture)).convert("L"), int)
        assert np.abs(shown - grey.astype(int)).max() <= 2


def test_every_page_of_a_tiff_or_pdf_is_a_sheet_and_one_can_be_asked_for(image):
    tiff = encoded(image, "TIFF", save_all=True, append_images=[image, image])
    pdf = encoded(image, "PDF", save_all=True, append_images=[image])
    assert [(one.page, one.pages) for one in opened(tiff)] == [(1, 3), (2, 3), (3, 3)]
    assert [one.page for one in opened(pdf)] == [1, 2]
    (second,) = opened(pdf, only=2)
    assert (second.page, second.warnings[0]) == (2, "page 2 of 2")
    with pytest.raises(Refusal, match="no page 4"):
        opened(tiff, only=4)


def test_a_bad_page_does_not_take_the_others_with_it(image):
    from PIL import Image

    white = Image.new("RGB", image.size, "white")
    good, bad = opened(encoded(image, "TIFF", save_all=True, append_images=[white]))
    assert good.page == 1
    assert isinstance(bad, Refusal)
    assert bad.code == "not_an_ecg"


@pytest.mark.parametrize(
    ("limits", "form", "code"),
    [
        (Limits(pixels=10_000), "PNG", "too_large"),
        (Limits(pixels=10_000), "TIFF", "too_large"),
        (Limits(pages=2), "TIFF", "too_large"),
        (Limits(pages=2), "PDF", "too_large"),
    ],
)
def test_too_many_pixels_or_pages_are_refused_before_they_are_decoded(image, limits, form, code):
    more = {} if form == "PNG" else {"save_all": True, "append_images": [image] * 2}
    with pytest.raises(Refusal) as refused:
        opened(encoded(image, form, **more), limits=limits)
    assert refused.value.code == code


def test_a_bomb_is_refused_by_its_header():
    import struct
    import zlib

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = zlib.compress(b"\0" * 1_000_000)
    head = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    with pytest.raises(Refusal, match="100000 x 100000"):
        opened(bomb)


@pytest.mark.parametrize("cut", [9, 40, 300, 5000])
def test_a_damaged_file_is_unreadable_not_a_crash(png, image, cut):
    for data in (png, encoded(image, "JPEG"), encoded(image, "TIFF"), pdf_of(image)):
        with pytest.raises(Refusal) as refused:
            opened(data[:cut])
        assert refused.value.code in ("unreadable", "unsupported", "not_an_ecg")


def test_what_is_no_ecg_is_refused_with_its_reason():
    from PIL import Image

    noise = np.random.default_rng(1).integers(0, 255, (400, 600, 3), dtype=np.uint8)
    for picture, reason in (
        (Image.new("RGB", (600, 400), "white"), "blank"),
        (Image.new("RGB", (60, 40), "white"), "too small"),
        (Image.fromarray(noise), "not look like a 12-lead ECG"),
    ):
        with pytest.raises(Refusal, match=reason) as refused:
            opened(encoded(picture, "PNG"))
        assert refused.value.code == "not_an_ecg"
    for data in (b"", b"hello", b"GIF89a"):
        with pytest.raises(Refusal) as refused:
            opened(data)
        assert refused.value.code == "unsupported"


def test_a_record_comes_whole_under_any_name(png):
    header, signals = wfdb()
    (sheet,) = opened(Upload("../../etc/passwd", signals), Upload("x.txt", header))
    assert (sheet.kind, sheet.signal_mv.shape) == ("wfdb", (12, 5000))
    with pytest.raises(Refusal, match=r"came without 00001_hr\.dat"):
        opened(header)
    with pytest.raises(Refusal, match="several WFDB headers"):
        opened(header, header, signals)
    with pytest.raises(Refusal, match="none of them is a WFDB header"):
        opened(png, png)
    with pytest.raises(Refusal, match="checksum"):
        opened(header, bytes(100) + signals[100:])
    outside = header.replace(b"00001_hr.dat", b"../../x.dat")
    with pytest.raises(Refusal, match="outside its folder"):
        opened(outside, signals)


def test_a_flat_record_is_no_ecg():
    from twelvelead.data.wfdb import encode

    header, signals = encode("flat", np.zeros((5000, 12), np.int16), 500.0)
    with pytest.raises(Refusal, match="flat") as refused:
        opened(header, signals)
    assert refused.value.code == "not_an_ecg"


def test_the_scale_of_a_page_is_found_if_asked_for(png):
    (sheet,) = opened(png, scaled=True)
    assert sheet.geometry.px_per_mm_x == pytest.approx(4.0, abs=0.02)
    assert (sheet.geometry.speed_mm_s, sheet.geometry.gain_mm_mv) == (25.0, 10.0)


def zipped(**files):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def test_a_zip_is_bounded_by_what_it_unfolds_to():
    limits = Limits(unpacked_bytes=10_000, files=3)
    assert [one.name for one in from_zip(zipped(a=b"1", b=b"2"), limits)] == ["a", "b"]
    with pytest.raises(Refusal, match="unfolds"):
        from_zip(zipped(a=bytes(9_000), b=bytes(9_000)), limits)
    with pytest.raises(Refusal, match="4 files"):
        from_zip(zipped(a=b"", b=b"", c=b"", d=b""), limits)
    with pytest.raises(Refusal, match="damaged"):
        from_zip(zipped(a=bytes(500))[:-30], limits)


def test_headers_and_their_signals_go_together(png):
    header, signals = wfdb()
    files = [
        Upload("x/1.dat", signals),
        Upload("p.png", png),
        Upload("x/1.hea", header),
        Upload("2.dat", signals),
    ]
    assert [(name, len(group)) for name, group in grouped(files)] == [
        ("p.png", 1),
        ("x/1.hea", 2),
        ("2.dat", 1),
    ]
