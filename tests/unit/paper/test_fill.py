"""Filled outlines against exact areas, and letters made of them."""

from __future__ import annotations

import numpy as np
import pytest

from twelvelead.paper.fill import fill_outlines
from twelvelead.paper.font import CHARACTERS, text_ink, text_width

GAP = [[np.nan, np.nan]]


def filled(*outlines, shape=(40, 40)):
    mask = np.zeros(shape, np.uint8)
    fill_outlines(mask, np.concatenate([part for each in outlines for part in (np.array(each, float), GAP)]))
    return mask


@pytest.mark.parametrize(
    ("outline", "area"),
    [
        ([(3.25, 5.5), (17.75, 5.5), (17.75, 20.25), (3.25, 20.25)], 14.5 * 14.75),
        ([(5, 30), (30, 30), (17, 4.5)], 25 * 25.5 / 2),
        ([(30, 30), (5, 30), (17, 4.5)], 25 * 25.5 / 2),
    ],
)
def test_an_outline_covers_its_area_in_either_direction(outline, area):
    assert filled(outline).astype(float).sum() / 255 == pytest.approx(area, rel=2e-3)


def test_an_outline_that_runs_the_other_way_is_a_hole():
    outer = [(5, 5), (35, 5), (35, 35), (5, 35)]
    inner = [(15, 15), (15, 25), (25, 25), (25, 15)]
    mask = filled(outer, inner)
    assert mask[20, 20] == 0
    assert mask[10, 10] == 255


def test_what_lies_outside_the_page_is_cut_and_harms_nothing():
    assert filled([(-20, -20), (60, -20), (60, 60), (-20, 60)]).min() == 255
    assert filled([(100, 100), (120, 100), (110, 130)]).max() == 0
    mask = filled([(-30, 10), (10, 10), (10, 20), (-30, 20)])
    assert mask[15, :10].min() == 255
    assert mask[15, 10:].max() == 0


@pytest.mark.parametrize("font", ["strokes", "sans", "serif", "mono"])
def test_every_character_of_latin_1_has_ink_and_a_width(font):
    for character in CHARACTERS:
        strokes, fills = text_ink(character, 0.0, 0.0, 3.0, font)
        if not character.isspace() and character != "\xad":
            assert len(strokes) + len(fills) > 0, character
    assert text_width("WW", 3.0, font) > text_width("W", 3.0, font) > 0


@pytest.mark.parametrize("font", ["strokes", "sans", "serif", "mono"])
def test_a_capital_is_as_high_as_asked_and_stands_on_its_line(font):
    strokes, fills = text_ink("H", 10.0, 20.0, 3.0, font)
    points = np.concatenate([strokes, fills])
    assert np.nanmax(points[:, 1]) == pytest.approx(20.0, abs=0.02)
    assert np.nanmin(points[:, 1]) == pytest.approx(17.0, abs=0.02)
    assert np.nanmin(points[:, 0]) >= 10.0


def test_what_has_no_glyph_becomes_a_question_mark():
    for font in ("strokes", "sans"):
        shown, asked = (text_ink(text, 0, 0, 3.0, font) for text in ("心", "?"))
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(shown, asked, strict=True))
