"""The contact sheet shows every layout and preset in one file that loads nothing."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from twelvelead.ecg.record import Record
from twelvelead.paper.presets import PRESETS
from twelvelead.paper.style import FONTS, FORMS, GRID_FORMS, GRIDS
from twelvelead.reports import contact_sheet


@pytest.fixture(scope="module")
def html() -> str:
    time_s = np.arange(5000) / 500.0
    beat = np.exp(-(((time_s % 0.8 - 0.4) / 0.012) ** 2))
    signal = np.stack([(0.4 + 0.1 * lead) * beat for lead in range(12)]).astype(np.float32)
    return contact_sheet.render_sheet(Record("a<b", signal, 500.0), seed=1)


def test_every_layout_stands_under_every_preset(html: str) -> None:
    names = re.findall(r'alt="([^"]+)"', html)
    for layout in (*FORMS, "6x2+1r cabrera"):
        for preset in PRESETS:
            assert names.count(f"{layout}, {preset}") == 1


def test_every_grid_and_font_is_shown(html: str) -> None:
    names = re.findall(r'alt="([^"]+)"', html)
    for grid in GRIDS[:-1]:
        for form in GRID_FORMS:
            assert f"grid {grid}, grid_form {form}" in names
    assert {f"font {font}" for font in FONTS} < set(names)


def test_pictures_are_inside_and_of_the_size_they_say(html: str) -> None:
    found = re.findall(r'width="(\d+)" height="(\d+)" src="data:image/(png|jpeg);base64,([^"]+)"', html)
    assert len(found) == html.count("<img loading")
    for width, height, kind, data in found[::5]:
        picture = Image.open(io.BytesIO(base64.b64decode(data)))
        assert (picture.width, picture.height) == (int(width), int(height))
        assert picture.format == kind.upper()


def test_it_loads_nothing_and_escapes_the_name(html: str) -> None:
    assert not re.findall(r"""(?:src|href)=(?!"data:image/)|@import|url\(|https?:""", html)
    assert "Contact sheet of a&lt;b" in html


def test_degraded_columns_are_degraded(html: str) -> None:
    cells = re.findall(r'alt="[^"]+, (\w+)"></button><figcaption>([^<]+)<', html)
    for preset, note in cells:
        assert (note == "nothing happened to it") == (preset == "clean")
