"""Pages of ours come back as signals, or are refused; none comes back as another page."""

from __future__ import annotations

import numpy as np
import pytest

from twelvelead.errors import RecordError
from twelvelead.paper.compose import compose
from twelvelead.paper.digitise.fidelity import round_trip, shown_on, snr_db
from twelvelead.paper.digitise.hints import Hints
from twelvelead.paper.digitise.picture import digitise
from twelvelead.paper.encode import png_bytes
from twelvelead.paper.jpeg import jpeg_bytes
from twelvelead.paper.page import render
from twelvelead.paper.photo import photograph
from twelvelead.paper.presets import draw_degradation
from twelvelead.paper.style import FORMS, PageStyle
from twelvelead.simulate.population import draw_population
from twelvelead.simulate.record import simulate_record

FS_HZ = 500.0


@pytest.fixture(scope="module")
def signals():
    return [simulate_record(plan).T / 1000.0 for plan in draw_population(40, seed=1)[:2]]


def levels_db(signal, style, found):
    truth = shown_on(signal, FS_HZ, style)
    count = min(truth.shape[1], found.signal_mv.shape[1])
    return snr_db(truth[:, :count], found.signal_mv[:, :count])


@pytest.mark.parametrize("layout", FORMS)
def test_a_clean_page_comes_back_with_its_scale_and_layout(signals, layout):
    style = PageStyle.paper("a4", layout=layout)
    found = digitise(png_bytes(render(signals[0], FS_HZ, style)), FS_HZ)
    assert (found.layout, found.speed_mm_s) == (layout, style.speed_mm_s)
    assert found.px_mm == pytest.approx(style.px_mm, rel=5e-3)
    assert found.gain_mm_mv == pytest.approx(10.0, rel=0.03)
    assert np.nanmedian(levels_db(signals[0], style, found)) > 14


@pytest.mark.parametrize("layout", ["3x4+1r", "6x2"])
def test_a_page_of_two_tiles_comes_back(signals, layout):
    style = PageStyle(layout, 1120, 560)
    found = digitise(png_bytes(render(signals[0], FS_HZ, style)), FS_HZ)
    assert found.layout == layout
    assert np.nanmedian(levels_db(signals[0], style, found)) > 11


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("layout", ["3x4+1r", "4x3"])
def test_a_scanned_page_comes_back_turned_and_tinted_as_it_is(signals, layout, seed):
    style = PageStyle.paper("a4", layout=layout)
    degradation = draw_degradation("scan", np.random.default_rng([seed, 11]))
    data = jpeg_bytes(photograph(compose(signals[0], FS_HZ, style), degradation, (11, seed)))
    found = digitise(data, FS_HZ)
    assert found.layout == layout
    assert np.nanmedian(levels_db(signals[0], style, found)) > 11


def test_without_a_grid_the_pulses_tell_the_scale_and_a_warning_says_so(signals):
    style = PageStyle.paper("a4", layout="3x4+1r", grid="none")
    found = digitise(png_bytes(render(signals[0], FS_HZ, style)), FS_HZ)
    assert found.px_mm == pytest.approx(style.px_mm, rel=0.02)
    assert any("no grid" in warning for warning in found.warnings)


def test_a_page_without_pulses_needs_its_layout_named(signals):
    style = PageStyle.paper("a4", layout="3x4+1r", pulse="none")
    data = png_bytes(render(signals[0], FS_HZ, style))
    with pytest.raises(RecordError, match="give the layout"):
        digitise(data, FS_HZ)
    found = digitise(data, FS_HZ, Hints("3x4+1r"))
    assert any("no calibration pulse" in warning for warning in found.warnings)


def noise(seed):
    return np.random.default_rng(seed).integers(0, 256, (600, 900, 3), dtype=np.uint8)


def stripes():
    picture = np.full((600, 900, 3), 250, np.uint8)
    picture[::40] = 20
    return picture


@pytest.mark.parametrize(
    "picture",
    [np.full((600, 900, 3), 255, np.uint8), np.zeros((600, 900, 3), np.uint8), noise(1), stripes()],
    ids=["white", "black", "noise", "stripes"],
)
def test_what_is_no_page_is_refused(picture):
    with pytest.raises(RecordError):
        digitise(picture, FS_HZ)


def test_a_page_of_too_few_pixels_is_refused(signals):
    with pytest.raises(RecordError):
        digitise(png_bytes(render(signals[0], FS_HZ, PageStyle())), FS_HZ)


@pytest.mark.parametrize("layout", ["12x1", "3x4+3r"])
def test_the_mask_of_a_clean_page_holds_the_signal(signals, layout):
    for signal in signals:
        assert np.median(round_trip(signal, FS_HZ, PageStyle.paper("a4", layout=layout))) > 15
