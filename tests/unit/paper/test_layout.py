"""What a style refuses, and what it means."""

from __future__ import annotations

import pytest

from twelvelead.errors import ParamsError
from twelvelead.paper.page import PageStyle
from twelvelead.params import Synthesize


def test_a_style_takes_every_key_of_its_params_section():
    params = Synthesize(
        layout="3x4+1r", width_px=1120, height_px=560, speed_mm_s=50.0, gain_mm_mv=5.0, grid="grey"
    )
    assert PageStyle.from_params(params) == PageStyle("3x4+1r", 1120, 560, 50.0, 5.0, "grey")


def test_the_default_style_is_that_of_the_default_params():
    assert PageStyle.from_params(Synthesize()) == PageStyle()


def test_a_clinical_page_on_two_tiles_has_four_pixels_a_millimetre():
    assert PageStyle("3x4+1r", 1120, 560).px_mm == pytest.approx(4.0)
    assert PageStyle("12x1", 336, 336).px_mm == pytest.approx(336 / 264)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"layout": "12x2"}, "12x1, 6x2"),
        ({"grid": "green"}, "red, pink, grey"),
        ({"speed_mm_s": 0.0}, "positive"),
        ({"gain_mm_mv": float("nan")}, "positive"),
        ({"speed_mm_s": float("inf")}, "positive"),
        ({"width_px": 4096, "height_px": 112}, "at least 5 mm"),
    ],
)
def test_a_style_that_makes_no_page_is_refused_with_its_key(wrong, says):
    with pytest.raises(ParamsError, match=says) as fault:
        PageStyle(**wrong)
    assert fault.value.where.startswith("synthesize.")
