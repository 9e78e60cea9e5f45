"""Pages, measured with a ruler on their pixels."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twelvelead.ecg.lead import LEADS
from twelvelead.errors import RecordError
from twelvelead.paper.page import PageStyle, blank, render

PX_MM = 4.0
PAGE = PageStyle("12x1", 1056, 1056, grid="none")  # 4 px/mm: every length below is a whole number of pixels
CELLS = PageStyle("3x4+1r", 1120, 560, grid="none")
TINY = PageStyle()
TENTH_MM = 0.1 * PX_MM


def ink(page, rows=slice(None), columns=slice(None)):
    return (page.pixels & 15)[rows, columns]


def test_a_calibration_pulse_is_ten_millimetres_high_and_five_wide(flat_signal, ink_centre):
    page = render(flat_signal(), 500, PAGE, names=False)
    row = slice(0, 88)
    top = ink_centre(ink(page, row, 20))  # x = 5 mm, the middle of the pulse
    baseline = ink_centre(page.trace[row, 400])
    assert baseline - top == pytest.approx(10 * PX_MM, abs=TENTH_MM)
    feet = ink(page, 24, slice(0, 40))  # half way up
    left, right = ink_centre(feet[:20]), 20 + ink_centre(feet[20:])
    assert right - left == pytest.approx(5 * PX_MM, abs=TENTH_MM)


@pytest.mark.parametrize("gain_mm_mv", [5.0, 10.0, 20.0])
def test_a_millivolt_is_as_high_as_the_gain_says_and_so_is_the_pulse(gain_mm_mv, flat_signal, ink_centre):
    style = PageStyle("12x1", 1056, 1056, gain_mm_mv=gain_mm_mv, grid="none")
    signal = flat_signal()
    signal[6, 1000:2000] = -1.0  # V1, downwards, where no pulse of another row lies
    page = render(signal, 500, style, names=False)
    box = page.boxes[6]
    below = slice(box.y0, None)
    quiet = ink_centre(page.trace[box.y0 : box.y1, box.x0 + 100])
    deep_column = page.trace[below, box.x0 + 300].copy()
    for other in page.boxes[7:]:  # other leads are flat: their baselines are not what is measured
        middle = (other.y0 + other.y1) // 2 - box.y0
        deep_column[middle - 3 : middle + 3] = 0
    if gain_mm_mv < 20.0:
        assert ink_centre(deep_column) - quiet == pytest.approx(gain_mm_mv * PX_MM, abs=TENTH_MM)
    pulse = ink(page, slice(0, box.y1), 20)[: 6 * 88 + 44]
    foot_to_top = 6 * 88 + 44 - gain_mm_mv * PX_MM
    assert pulse[int(foot_to_top) - 1 : int(foot_to_top) + 1].min() > 0


@pytest.mark.parametrize(("speed_mm_s", "width_px"), [(25.0, 1056), (50.0, 2076), (12.5, 544)])
def test_a_second_is_as_long_as_the_speed_says(speed_mm_s, width_px, flat_signal, ink_centre):
    style = PageStyle("12x1", width_px, 1056, speed_mm_s=speed_mm_s, grid="none")
    signal = flat_signal()
    signal[0, [1000, 1500]] = 0.5
    page = render(signal, 500, style)
    above = page.trace[: int(page.boxes[0].y1 / 2 - 2 * style.px_mm)].astype(float).sum(axis=0)
    between = round(page.boxes[0].x0 + 2.5 * speed_mm_s * style.px_mm)
    first, second = ink_centre(above[:between]), between + ink_centre(above[between:])
    assert second - first == pytest.approx(speed_mm_s * style.px_mm, abs=0.1 * style.px_mm)


def test_each_lead_of_the_tiny_page_runs_through_the_middle_of_its_own_28_pixel_row(flat_signal, ink_centre):
    page = render(flat_signal(), 500, TINY)
    assert page.pixels.shape == (336, 336)
    for number, (box, name) in enumerate(zip(page.boxes, LEADS, strict=True)):
        assert (box.name, box.y0, box.y1) == (name, 28 * number, 28 * number + 28)
        column = page.trace[box.y0 : box.y1, 150]
        assert ink_centre(column) == pytest.approx(14.0, abs=0.05)


def test_the_tiny_trace_is_dark_and_thick_enough_to_see(flat_signal):
    page = render(flat_signal(), 500, TINY)
    thickness_px = page.trace[:28, 50:300].sum(axis=0) / 255
    assert thickness_px.min() >= 1.2
    assert thickness_px.max() <= 1.7
    darkest = page.rgb()[:28, 50:300].max(axis=2).min(axis=0)
    assert darkest.max() < 90
    assert blank(TINY).rgb().min() > 180  # the grid stays pale


def test_the_left_and_right_end_of_ten_seconds_lie_where_the_box_says(flat_signal):
    page = render(flat_signal(), 500, PAGE)
    columns = np.flatnonzero(page.trace.any(axis=0))
    box = page.boxes[0]
    assert (box.x0, box.x1) == (40, 1040)
    assert columns[0] == pytest.approx(box.x0, abs=1)
    assert columns[-1] == pytest.approx(box.x1, abs=1)


def test_a_clinical_page_shows_each_lead_in_its_cell_and_the_same_moment_along_a_column(
    flat_signal, ink_centre
):
    signal = flat_signal()
    signal += np.linspace(-0.55, 0.55, 12, dtype=np.float32)[:, None]
    page = render(signal, 500, CELLS, names=False)
    order = "I aVR V1 V4 II aVL V2 V5 III aVF V3 V6 II"
    assert [box.name for box in page.boxes] == order.split()
    for box in page.boxes:
        middle = (box.x0 + box.x1) // 2
        height_mm = ((box.y0 + box.y1) / 2 - box.y0 - ink_centre(page.trace[box.y0 : box.y1, middle])) / PX_MM
        assert height_mm / 10 == pytest.approx(signal[LEADS.index(box.name), 0], abs=0.01)


def test_columns_of_a_clinical_page_are_consecutive_windows_and_the_strip_is_all_of_them(flat_signal):
    signal = flat_signal()
    signal[:, 2000] = 0.5  # 4 s: 1.5 s into the second column
    trace = render(signal, 500, CELLS, names=False).trace
    boxes = render(signal, 500, CELLS).boxes
    for number, box in enumerate(boxes):
        above = trace[box.y0 + 20 : (box.y0 + box.y1) // 2 - 4, box.x0 + 3 : box.x1 - 3].any(axis=0)
        struck = np.flatnonzero(above) + box.x0 + 3
        if number == 12:
            assert struck.mean() == pytest.approx(box.x0 + 4.0 * 100, abs=1)
        elif number % 4 == 1:
            assert struck.mean() == pytest.approx(box.x0 + 1.5 * 100, abs=1)
        else:
            assert len(struck) == 0


def test_columns_are_set_apart_by_separators(flat_signal):
    page = render(flat_signal(), 500, CELLS, names=False)
    box = page.boxes[1]
    middle = (box.y0 + box.y1) // 2
    assert ink(page, slice(middle - 12, middle - 6), slice(box.x0 - 1, box.x0 + 1)).min() > 0
    assert ink(page, slice(middle - 12, middle - 6), box.x0 + 40).max() == 0


def test_missing_samples_leave_bare_paper(flat_signal):
    signal = flat_signal()
    signal[3, 2000:3000] = np.nan  # 4 s to 6 s
    page = render(signal, 500, PAGE)
    box = page.boxes[3]
    drawn = page.trace[box.y0 : box.y1].any(axis=0)
    assert not drawn[box.x0 + 402 : box.x0 + 598].any()
    assert drawn[box.x0 : box.x0 + 398].all()
    assert drawn[box.x0 + 602 : box.x1].all()


def test_a_lone_sample_between_gaps_is_a_dot(flat_signal):
    signal = flat_signal()
    signal[:] = np.nan
    signal[0, 2500] = 0.0
    trace = render(signal, 500, PAGE).trace
    rows, columns = np.nonzero(trace)
    assert set(rows) <= {43, 44}
    assert set(columns) <= {539, 540}
    assert trace.max() > 100


def test_a_short_record_ends_where_it_ends_and_a_long_one_with_the_window(flat_signal):
    short = render(flat_signal(seconds=4), 500, PAGE)
    assert np.flatnonzero(short.trace.any(axis=0))[-1] == pytest.approx(40 + 400, abs=1)
    long = render(flat_signal(seconds=15), 500, PAGE)
    assert np.flatnonzero(long.trace.any(axis=0))[-1] == pytest.approx(1040, abs=1)
    two_columns = render(flat_signal(seconds=4), 500, CELLS)
    assert not two_columns.trace[:400, two_columns.boxes[2].x0 + 2 :].any()


def test_a_trace_that_leaves_its_row_is_drawn_where_it_goes(flat_signal, ink_centre):
    signal = flat_signal()
    signal[5, 2000:3000] = 3.0  # 30 mm up, over the row above and into the next
    trace = render(signal, 500, PAGE).trace
    expected = 5.5 * 88 - 30 * PX_MM
    found = ink_centre(trace[int(expected) - 5 : int(expected) + 5, 40 + 500]) + int(expected) - 5
    assert found == pytest.approx(expected, abs=TENTH_MM)


@pytest.mark.parametrize("absurd", [1e6, -1e30, np.inf])
def test_absurd_samples_end_at_the_edge_of_the_page(absurd, flat_signal):
    signal = flat_signal()
    signal[5, 2500] = absurd
    usual = render(flat_signal(), 500, PAGE).trace
    trace = render(signal, 500, PAGE).trace
    assert np.array_equal(trace[:, :530], usual[:, :530])
    assert np.array_equal(trace[:, 550:], usual[:, 550:])


def test_lines_are_antialiased(wave_signal):
    levels = np.unique(render(wave_signal(), 500, PAGE).pixels & 15)
    assert len(levels) == 16


@settings(max_examples=25, deadline=None)
@given(st.floats(-0.9, 0.9), st.integers(0, 11))
def test_any_level_can_be_read_back_from_the_pixels(level_mv, lead):
    signal = np.full((12, 5000), np.nan)
    signal[lead] = level_mv
    page = render(signal, 500, PAGE)
    weight = page.trace[:, 500].astype(float)
    y = (weight * (np.arange(len(weight)) + 0.5)).sum() / weight.sum()
    assert ((lead + 0.5) * 88 - y) / (10 * PX_MM) == pytest.approx(level_mv, abs=0.004)  # 0.04 mm


def test_a_lower_sampling_rate_draws_the_same_line(wave_signal):
    smooth = np.repeat(np.linspace(-0.5, 0.5, 1000, dtype=np.float32)[None], 12, axis=0)
    fine = np.repeat(np.linspace(-0.5, 0.5, 4996, dtype=np.float32)[None], 12, axis=0)
    coarse_trace, fine_trace = render(smooth, 100, PAGE).trace, render(fine, 500, PAGE).trace
    assert np.abs(coarse_trace.astype(int) - fine_trace).max() <= 3


def test_single_and_double_precision_give_the_same_page(wave_signal):
    once = render(wave_signal(), 500, TINY).pixels
    assert np.array_equal(once, render(wave_signal().astype(np.float64), 500.0, TINY).pixels)


@pytest.mark.parametrize("style", [PAGE, CELLS, PageStyle("3x4+1r", 1120, 560)])
def test_without_names_no_lettering_is_left_and_with_them_every_lead_has_one(style, flat_signal):
    named, bare = (render(flat_signal(), 500, style, names=names) for names in (True, False))
    letters = (named.pixels & 15) > (bare.pixels & 15)
    x_mm, y_mm = 1.0, 6.0
    for number, box in enumerate(named.boxes):
        if style.layout == "12x1":
            zone = letters[box.y0 : box.y1, : box.x0 + 16]
        else:
            zone = letters[box.y0 : box.y0 + int(y_mm * PX_MM), box.x0 + int(x_mm * PX_MM) : box.x1]
        assert zone.any(), number
        letters[box.y0 : box.y1, : box.x1] = False
    footer = np.flatnonzero(letters.any(axis=1))
    assert len(footer) == 0 or footer[0] > named.boxes[-1].y1 - 20


def test_the_scale_is_printed_where_it_can_be_read(flat_signal):
    for style, printed in ((CELLS, True), (PageStyle("3x4+1r", 336, 168, grid="none"), False)):
        page = render(flat_signal(), 500, style)
        assert ink(page, slice(page.boxes[-1].y1, None)).any() == printed


def test_the_printed_scale_follows_speed_and_gain(flat_signal):
    def footer(**scale):
        style = PageStyle("3x4+1r", 1120, 560, grid="none", **scale)
        page = render(flat_signal(), 500, style)
        return ink(page, slice(page.boxes[-1].y1 + 4, None))

    assert not np.array_equal(footer(), footer(gain_mm_mv=5.0))
    assert footer(gain_mm_mv=7.5).any()


def test_a_blank_page_is_paper_and_grid_alone():
    for style in (TINY, CELLS, PageStyle("3x4+1r", 1120, 560)):
        page = blank(style)
        assert not (page.pixels & 15).any()
        assert not page.trace.any()
    assert (blank(CELLS).rgb() == 255).all()


def test_the_trace_mask_holds_the_signals_alone(flat_signal):
    page = render(flat_signal(), 500, PAGE)
    assert not page.trace[:, : page.boxes[0].x0 - 1].any()  # no pulse, no name
    assert ((page.pixels & 15) >= (page.trace.astype(int) + 8) // 17).all()


def test_a_page_does_not_depend_on_what_was_drawn_before(wave_signal, flat_signal):
    first = render(wave_signal(), 500, TINY).pixels
    blank(TINY)
    render(flat_signal(), 500, TINY, names=False)
    assert np.array_equal(first, render(wave_signal(), 500, TINY).pixels)


@pytest.mark.parametrize("shape", [(5000, 12), (11, 5000), (12, 0), (5000,)])
def test_a_signal_that_is_not_twelve_leads_is_refused(shape):
    with pytest.raises(RecordError, match="shape"):
        render(np.zeros(shape), 500, TINY)


@pytest.mark.parametrize("fs_hz", [0, -1, float("nan")])
def test_a_sampling_rate_that_is_no_rate_is_refused(fs_hz, flat_signal):
    with pytest.raises(RecordError, match="sampling rate"):
        render(flat_signal(), fs_hz, TINY)


def test_threads_do_not_draw_into_each_others_pages(wave_signal, flat_signal):
    signals = [wave_signal(), flat_signal(), wave_signal()[::-1].copy()]
    alone = [render(signal, 500, TINY).pixels for signal in signals]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda number: render(signals[number % 3], 500, TINY).pixels, range(60)))
    assert all(np.array_equal(page, alone[number % 3]) for number, page in enumerate(together))


def test_the_trace_mask_is_the_ink_that_was_laid(wave_signal):
    page = render(wave_signal(), 500, PAGE, names=False)
    inside = page.trace[:, page.boxes[0].x0 + 2 :]
    assert np.array_equal(ink(page)[:, page.boxes[0].x0 + 2 :], (inside.astype(int) + 8) // 17)
