"""Lettering."""

from __future__ import annotations

import numpy as np
import pytest

from twelvelead.ecg.lead import LEADS
from twelvelead.paper.print import lettering


def test_a_capital_is_as_high_as_asked_and_stands_on_its_line():
    points = lettering("V", 10.0, 50.0, 4.0)
    assert np.nanmax(points[:, 1]) == pytest.approx(50.0)
    assert np.nanmin(points[:, 1]) == pytest.approx(46.0)
    assert np.nanmin(points[:, 0]) == pytest.approx(10.0)


def test_every_lead_name_and_any_scale_can_be_written():
    for text in (*LEADS, "12.5 mm/s  7.5 mm/mV", "0123456789"):
        strokes = np.isnan(lettering(text, 0, 0, 3)[:, 0]).sum()
        assert strokes >= len(text.replace(" ", ""))
    assert len({lettering(name, 0, 0, 3).tobytes() for name in LEADS}) == len(LEADS)


def test_letters_stand_beside_each_other_not_on_each_other():
    one, three = lettering("I", 0, 0, 6), lettering("III", 0, 0, 6)
    assert len(three) == 3 * len(one)
    stems = three[::3, 0]
    assert np.diff(stems).min() > 2.5  # of six: apart even where the pen is a quarter of the height


def test_every_printable_character_and_umlaut_has_strokes_of_its_own():
    characters = "".join(chr(code) for code in range(0x21, 0x7F)) + "°ÄÖÜäöüßéèµ"
    drawn = {lettering(character, 0, 0, 6).tobytes() for character in characters}
    assert len(drawn) == len(characters)
    assert np.array_equal(lettering("λ", 0, 0, 6), lettering("?", 0, 0, 6), equal_nan=True)
    assert lettering("", 0, 0, 6).shape == (0, 2)
