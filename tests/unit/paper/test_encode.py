"""PNG files of pages."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from twelvelead.paper.encode import png_bytes
from twelvelead.paper.page import PageStyle, blank, render

STYLES = [PageStyle(), PageStyle("3x4+1r", 1120, 560, grid="grey"), PageStyle("12x1", 337, 401, grid="none")]


@pytest.mark.parametrize("style", STYLES)
def test_pillow_reads_the_very_pixels_and_colours_of_the_page(style, wave_signal):
    page = render(wave_signal(), 500, style)
    with Image.open(io.BytesIO(png_bytes(page))) as picture:
        assert picture.mode == "P"
        assert np.array_equal(np.asarray(picture), page.pixels)
        assert np.array_equal(np.asarray(picture.convert("RGB")), page.rgb())


def test_the_file_is_whole():
    with Image.open(io.BytesIO(png_bytes(blank(PageStyle())))) as picture:
        picture.verify()  # checks every chunk's checksum


def test_the_file_says_how_large_the_paper_is():
    with Image.open(io.BytesIO(png_bytes(blank(PageStyle("3x4+1r", 1120, 560))))) as picture:
        assert picture.info["dpi"][0] == pytest.approx(4.0 * 25.4, abs=0.01)


def test_the_file_holds_nothing_but_the_picture():
    data = png_bytes(blank(PageStyle()))
    kinds, at = [], 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kinds.append(data[at + 4 : at + 8])
        at += 12 + length
    assert kinds == [b"IHDR", b"PLTE", b"pHYs", b"IDAT", b"IEND"]
