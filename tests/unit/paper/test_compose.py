"""Scenes of every layout, measured in millimetres and on pixels."""

from __future__ import annotations

import hashlib
import itertools

import numpy as np
import pytest

from twelvelead.ecg.lead import LEADS
from twelvelead.errors import LeakageError, ParamsError
from twelvelead.paper.compose import compose
from twelvelead.paper.encode import png_bytes
from twelvelead.paper.layout import MEDIAN_BEFORE_S, lay_out
from twelvelead.paper.median import median_complex
from twelvelead.paper.page import PageStyle, Words, draw, render
from twelvelead.paper.style import FORMS
from twelvelead.paper.words import allowed, measurement_lines

STYLES = [
    PageStyle(),
    *(PageStyle.paper("a4", 127.0, layout=name) for name in FORMS if name != "12x1"),
    PageStyle("6x2", 1120, 800, order="cabrera", chest_gain_mm_mv=5.0, pulse="right", separators="dashed"),
    PageStyle("3x4", 1121, 603, ink="blue", font="serif", grid="blue", grid_form="dotted", pulse="both"),
    PageStyle.paper("letter", 150.0, layout="3x4+1r", font="mono", separators="double", grid="beige"),
]
WORDS = Words(
    identity=("Müller, Anna", "ID 4711"),
    measurements=measurement_lines(
        {"rate_bpm": 72.4, "pr_ms": float("nan"), "qt_ms": 388.0, "qtc_ms": 412.0}
    ),
    footer="40Hz",
    redaction=(0,),
)


def name_of(style):
    return f"{style.layout}-{style.width_px}x{style.height_px}"


@pytest.mark.parametrize("style", STYLES, ids=name_of)
def test_the_fast_page_is_the_scene_drawn_flat(style, wave_signal):
    for words in (Words(), WORDS):
        fast = render(wave_signal(), 500, style, words=words)
        slow = draw(compose(wave_signal(), 500, style, words))
        assert np.array_equal(fast.lines, slow.lines)
        assert np.array_equal(fast.trace, slow.trace)
        assert not fast.lines[:, 0].any()


GOLDEN = {
    ("12x1", 336, 336, 25.0, 10.0, "red"): "6c5a674417037a1acde1452e0e3c869dceef123202ce49473f1802f26e57c8f5",
    (
        "3x4+1r",
        1120,
        560,
        25.0,
        10.0,
        "red",
    ): "3da8f7c8f3e18b30ef6b31474d0c22a0b9c669b79bcc70e297eb3a6ffee9372f",
    (
        "12x1",
        1056,
        1056,
        25.0,
        5.0,
        "grey",
    ): "5d827767cf1f72b621ff4357d05e156f8951d97e5b7bfe82afea3b27fe403255",
    (
        "3x4+1r",
        1120,
        560,
        50.0,
        20.0,
        "none",
    ): "f77b40cbab5bed435e6e9165062b7f50356579f0827165b91a04e02908e2c1f8",
}


@pytest.mark.parametrize(("style", "digest"), GOLDEN.items(), ids=str)
def test_pages_are_those_that_the_embedded_base_was_pretrained_on(style, digest, wave_signal):
    page = render(wave_signal(), 500, PageStyle(*style))
    assert hashlib.sha256(png_bytes(page)).hexdigest() == digest


@pytest.mark.parametrize("style", STYLES, ids=name_of)
def test_every_lead_is_shown_on_the_paper_and_rows_do_not_overlap(style):
    layout = lay_out(style)
    assert {strip.lead for strip in layout.strips} == set(range(12))
    for strip in layout.strips:
        right = strip.left_mm + (strip.end_s - strip.start_s) * style.speed_mm_s
        assert 0 <= strip.left_mm < right <= style.width_mm + 1e-9
        assert 0 <= strip.top_mm < strip.baseline_mm < strip.bottom_mm <= style.height_mm + 1e-9
    rows = sorted({(strip.top_mm, strip.bottom_mm) for strip in layout.strips})
    assert all(above[1] <= below[0] + 1e-9 for above, below in itertools.pairwise(rows))


@pytest.mark.parametrize("height_px", [336, 401, 560, 1000])
def test_each_row_of_12x1_is_a_whole_number_of_pixels(height_px):
    style = PageStyle("12x1", 336, height_px)
    tops = [strip.top_mm * style.px_mm for strip in lay_out(style).strips]
    assert np.allclose(tops, np.arange(12) * (height_px // 12), atol=1e-9)


@pytest.mark.parametrize("height_px", [336, 500, 1001])
def test_rows_of_12x1_stay_whole_pixels_below_a_header(height_px, flat_signal):
    style = PageStyle("12x1", 336, height_px)
    strips = [trace.strip for trace in compose(flat_signal(), 500, style, WORDS).traces]
    tops = np.array([strip.top_mm * style.px_mm for strip in strips])
    assert tops[0] >= WORDS.header_mm * style.px_mm - 1e-9
    assert np.allclose(tops, np.rint(tops), atol=1e-6)
    assert len(set(np.rint(np.diff(tops)))) == 1


def test_cabrera_shows_avr_upside_down_between_i_and_ii(flat_signal):
    signal = flat_signal()
    signal[LEADS.index("aVR")] = -0.4
    scene = compose(signal, 500, PageStyle("6x2", 1120, 800, order="cabrera"))
    assert [trace.strip.name for trace in scene.traces[::2]] == ["aVL", "I", "-aVR", "II", "aVF", "III"]
    shown = scene.traces[4]
    assert shown.strip.name == "-aVR"
    assert np.allclose(shown.strip.baseline_mm - shown.points[:, 1], 4.0)  # upwards


def test_chest_leads_have_a_gain_of_their_own_and_everything_says_so(flat_signal):
    style = PageStyle("6x2", 1120, 800, chest_gain_mm_mv=5.0)
    scene = compose(flat_signal() + 1.0, 500, style)
    for trace in scene.traces:
        height = trace.strip.baseline_mm - trace.points[0, 1]
        assert height == pytest.approx(5.0 if trace.strip.name.startswith("V") else 10.0)
    pulses = [mark for mark in scene.marks if mark.kind == "pulse"]
    assert len(pulses) == 12  # the left one speaks for the limb leads, the right one for the chest leads
    heights = [np.nanmax(mark.strokes[:, 1]) - np.nanmin(mark.strokes[:, 1]) for mark in pulses]
    assert sorted({round(height, 6) for height in heights}) == [5.0, 10.0]
    assert "25 mm/s  limb 10 mm/mV  chest 5 mm/mV" in [mark.text for mark in scene.marks]


@pytest.mark.parametrize(
    ("look", "says"),
    [({}, "25 mm/s  10 mm/mV"), ({"speed_mm_s": 12.5, "gain_mm_mv": 20.0}, "12.5 mm/s  20 mm/mV")],
)
def test_the_footer_tells_the_true_scale(look, says, flat_signal):
    scene = compose(flat_signal(), 500, PageStyle("3x4+1r", 1120, 560, **look))
    assert says in [mark.text for mark in scene.marks]


def test_simultaneous_columns_show_the_same_stretch(wave_signal):
    traces = compose(wave_signal(), 500, PageStyle("3x4", 1120, 560, timing="simultaneous")).traces
    assert {(trace.strip.start_s, trace.strip.end_s) for trace in traces} == {(0.0, 2.5)}


def test_a4_at_eight_pixels_a_millimetre_has_its_true_size_and_stands_in_the_middle():
    style = PageStyle.paper("a4", layout="3x4+1r")
    assert (style.width_px, style.height_px, style.px_mm) == (2376, 1680, 8.0)
    strips = lay_out(style).strips
    assert strips[-1].left_mm - 15.0 == pytest.approx((297 - 280) / 2)


def test_ten_seconds_at_fifty_do_not_fit_on_a4():
    with pytest.raises(ParamsError, match="too narrow for 10 s at 50 mm/s"):
        PageStyle.paper("a4", speed_mm_s=50.0, layout="3x4")


def test_a_missing_lead_stays_bare_and_labelled_and_gaps_stay_gaps(flat_signal):
    signal = flat_signal()
    signal[4] = np.nan
    signal[7, 100:200] = np.nan
    page = render(signal, 500, PageStyle("12x1", 1056, 1056))
    for box in page.boxes:
        inked = page.trace[box.y0 : box.y1, box.x0 : box.x1].any(axis=0)
        if box.name == "aVL":
            assert not inked.any()
        elif box.name == "V2":
            assert not inked[24:38].any()
            assert inked[45:].all()
        else:
            assert inked.all()
    names = [mark.text for mark in compose(signal, 500, page.style).marks if mark.kind == "name"]
    assert names == list(LEADS)


def test_a_signal_beyond_its_row_goes_where_it_goes_and_ends_at_the_edge(flat_signal):
    signal = flat_signal()
    signal[0, 2000:2600] = 1e6
    page = render(signal, 500, PageStyle("12x1", 1056, 1056))
    up = page.trace[:44, page.boxes[0].x0 + 395 : page.boxes[0].x0 + 405]
    assert up[:40].max(axis=1).min() > 150  # a line to the top of the page
    assert not page.trace[0:20, page.boxes[0].x0 + 450].any()  # and nothing along it


@pytest.mark.parametrize("fs_hz", [100, 250, 360, 1000])
def test_any_sampling_rate_gives_the_same_times(fs_hz, ink_centre, flat_signal):
    signal = flat_signal(fs_hz)
    signal[:, round(4.0 * fs_hz)] = 0.5
    page = render(signal, fs_hz, PageStyle("12x1", 1056, 1056, grid="none"))
    above = page.trace[: page.boxes[0].y1 // 2 - 6].astype(float).sum(axis=0)
    assert ink_centre(above) == pytest.approx(page.boxes[0].x0 + 400, abs=0.6)


def test_a_median_page_shows_one_complex_a_lead_with_its_r_wave_in_place():
    t = np.arange(5000) / 500
    beat = np.exp(-(((t % 0.8) - 0.4) ** 2) / (2 * 0.01**2))
    ectopic = np.exp(-((t - 5.5) ** 2) / (2 * 0.03**2)) * 2  # one wide beat must not bend the median
    signal = np.outer(np.linspace(0.4, 1.5, 12), beat + ectopic).astype(np.float32)
    scene = compose(signal, 500, PageStyle.paper("a4", layout="median"))
    for trace in scene.traces[:12]:
        peak = trace.points[np.argmin(trace.points[:, 1])]
        assert trace.strip.median
        assert peak[0] - trace.strip.left_mm == pytest.approx(MEDIAN_BEFORE_S * 25, abs=0.3)
        height_mv = (trace.strip.baseline_mm - peak[1]) / 10
        assert height_mv == pytest.approx(signal[trace.strip.lead].max() / 2, rel=0.15) or height_mv > 0.35
    assert [trace.strip.name for trace in scene.traces[12:]] == ["V1", "II", "V5"]


def test_a_median_page_says_so_and_so_does_one_of_simultaneous_columns(flat_signal):
    def said(**look):
        scene = compose(flat_signal(), 500, PageStyle.paper("a4", **look))
        return {mark.text for mark in scene.marks if mark.kind == "text"}, {mark.kind for mark in scene.marks}

    texts, kinds = said(layout="median")
    assert texts == {"25 mm/s  10 mm/mV  median complexes"}
    assert "separator" not in kinds
    assert said(layout="3x4", timing="simultaneous")[0] == {"25 mm/s  10 mm/mV  simultaneous"}


@pytest.mark.parametrize("rr_s", [0.36, 0.5, 1.1])
def test_a_median_complex_stands_on_its_own_zero_at_any_rate(rr_s):
    t = np.arange(5000) / 500
    beat = np.exp(-(((t % rr_s) - rr_s / 2) ** 2) / (2 * 0.012**2))
    median = median_complex(np.outer(np.linspace(0.4, 1.5, 12), beat) + 0.3, 500)  # electrodes' offset
    before_r = round((MEDIAN_BEFORE_S - 0.08) * 500)
    assert np.allclose(median[:, before_r], 0.0, atol=0.02)


def test_a_gap_in_one_beat_leaves_no_hole_in_the_median():
    t = np.arange(5000) / 500
    signal = np.outer(np.linspace(0.4, 1.5, 12), np.exp(-(((t % 0.8) - 0.4) ** 2) / (2 * 0.012**2)))
    signal[5, 2000:2100] = np.nan
    signal[8] = np.nan
    known = np.isfinite(median_complex(signal, 500)).all(axis=1)
    assert known.tolist() == [lead != 8 for lead in range(12)]


def test_without_beats_a_median_page_stays_bare(flat_signal):
    scene = compose(flat_signal(), 500, PageStyle.paper("a4", layout="median"))
    assert all(np.isnan(trace.points).all() for trace in scene.traces[:12])


def test_words_are_printed_where_asked_and_bars_cover_them(wave_signal):
    scene = compose(wave_signal(), 500, PageStyle.paper("a4", layout="3x4+1r", font="sans"), WORDS)
    texts = [mark.text for mark in scene.marks if mark.kind == "text"]
    assert "Vent. rate 72 BPM" in texts
    assert not any("PR" in text for text in texts)  # it was not measured
    assert "Müller, Anna" not in texts  # a bar hides it, and the sidecar cannot tell it either
    bars = [mark for mark in scene.marks if mark.kind == "redaction"]
    assert len(bars) == 1
    page = draw(scene)
    box = bars[0].box
    inside = page.pixels[int(box.y0 * 8) + 2 : int(box.y1 * 8) - 2, int(box.x0 * 8) + 2 : int(box.x1 * 8) - 2]
    assert ((inside & 15) == 15).all()
    lowest = max(mark.box.y1 for mark in scene.marks if mark.text.startswith("QT"))
    assert min(trace.strip.top_mm for trace in scene.traces) > lowest


LONG = Words(
    identity=("Hagedorn-Schlegelberger, Maximiliane Auguste",),
    measurements=("QT/QTc 380/420 ms",) * 5,
    interpretation=("Sinus rhythm with first degree atrioventricular block and left axis deviation",),
    footer="40Hz  005E  12SL  and whatever else a machine has to say of itself at the foot of a page",
)


@pytest.mark.parametrize("font", ["strokes", "mono"])
@pytest.mark.parametrize("speed_mm_s", [12.5, 25.0])
def test_long_words_shrink_instead_of_leaving_the_paper_or_running_into_each_other(
    speed_mm_s, font, flat_signal
):
    style = PageStyle("3x4+1r", 1120, 800, speed_mm_s=speed_mm_s, font=font)
    marks = compose(flat_signal(), 500, style, LONG).marks
    boxes = [mark.box for mark in marks if mark.kind == "text"]
    assert len(boxes) == 9  # the scale, and eight lines
    assert all(0 < box.x0 < box.x1 < style.width_mm for box in boxes)
    for one, other in itertools.combinations(boxes, 2):
        assert one.x1 < other.x0 or other.x1 < one.x0 or one.y1 < other.y0 or other.y1 < one.y0


def test_more_words_than_the_page_has_room_for_are_refused(flat_signal):
    style = PageStyle("6x2+1r", 1120, 240)
    with pytest.raises(ParamsError, match=r"leave .* mm a row"):
        compose(flat_signal(), 500, style, Words(identity=("a line",) * 8))


@pytest.mark.parametrize("footer", ["50mm/s 10mm/mV 40Hz", "25 mm/s 20 mm/mV"])
def test_a_footer_with_another_scale_than_the_pages_is_refused(footer, flat_signal):
    style = PageStyle("3x4+1r", 1120, 560, chest_gain_mm_mv=5.0)
    with pytest.raises(ParamsError, match="the footer says"):
        compose(flat_signal(), 500, style, Words(footer=footer))
    compose(flat_signal(), 500, style, Words(footer="25mm/s 10mm/mV 5mm/mV 40Hz"))


@pytest.mark.parametrize("fold", [9, 10])
def test_no_words_can_be_had_on_evaluated_folds(fold):
    for words in (WORDS, Words(footer="x"), Words(interpretation=("AF",))):
        with pytest.raises(LeakageError, match=f"fold {fold}"):
            allowed(words, fold)
    assert allowed(Words(), fold) == Words()
    assert allowed(WORDS, 8) is WORDS


def test_coloured_ink_leaves_print_black_and_stays_within_a_palette(flat_signal):
    page = render(flat_signal(), 500, PageStyle("12x1", 1056, 1056, ink="blue", grid="red"))
    colour = page.rgb()[page.trace > 150].mean(axis=0)
    assert colour[2] > colour[0] + 60
    pulse = page.rgb()[24, 8:12].min(axis=0).astype(int)
    assert pulse[2] - pulse[0] < 20
    assert page.rgb()[30:40, 500].min() > 150  # bare paper and grid stay pale
