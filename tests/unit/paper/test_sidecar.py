"""What a page's sidecar tells, against the page."""

from __future__ import annotations

import numpy as np
import pytest

from twelvelead.errors import DataError
from twelvelead.paper.compose import compose
from twelvelead.paper.degrade import Degradation
from twelvelead.paper.page import PageStyle, Words, draw, render
from twelvelead.paper.photo import photograph
from twelvelead.paper.sidecar import MOST_BYTES, read_sidecar, write_sidecar
from twelvelead.paper.style import FORMS
from twelvelead.paper.truth import flat_warp, lead_masks, pixel_traces, places

BENT = Degradation(rotation=0.3, perspective=0.4, bend=0.5, wrinkle=0.4, crop=0.1)


def rough(seed=1, fs_hz=500, noise_mv=0.02):
    """Twelve leads that obey Einthoven, with beats, noise, a gap and a lost lead."""
    rng = np.random.default_rng(seed)
    t = np.arange(fs_hz * 10) / fs_hz
    beat = np.exp(-(((t % 0.83) - 0.4) ** 2) / (2 * 0.012**2))
    free = np.linspace(0.5, 1.4, 8)[:, None] * beat + rng.normal(0, noise_mv, (8, t.size))
    i, ii = free[:2]
    signal = np.stack([i, ii, ii - i, -(i + ii) / 2, i - ii / 2, ii - i / 2, *free[2:]])
    signal[8, 700:900] = np.nan
    signal[10] = np.nan
    return signal


STYLES = [PageStyle(), *(PageStyle.paper("a4", layout=name) for name in FORMS if name != "12x1")]


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.layout)
def test_a_sidecar_gives_the_scene_back_to_its_quantum(style):
    signal = rough()
    data = write_sidecar(signal, 500, style, words=Words(footer="40Hz"))
    assert len(data) <= MOST_BYTES
    truth = read_sidecar(data)
    scene = compose(signal, 500, style, Words(footer="40Hz"))
    assert truth.scene.style == style
    assert [mark.text for mark in truth.scene.marks] == [mark.text for mark in scene.marks]
    for found, real in zip(truth.scene.traces, scene.traces, strict=True):
        assert found.strip == real.strip
        assert np.array_equal(np.isnan(found.points), np.isnan(real.points))
        off_mm = np.nanmax(np.abs(found.points - real.points), initial=0.0)
        assert off_mm <= truth.quantum_mv * real.gain_mm_mv / 2 + 1e-9
    assert truth.quantum_mv * 10 * style.px_mm <= 1 / 4 + 1e-9  # a quarter of a pixel


@pytest.mark.parametrize("layout", ["12x1", "3x4+3r"])
def test_even_a_noisy_record_at_full_size_stays_within_twenty_kilobytes(layout):
    style = PageStyle.paper("a4", layout=layout) if layout != "12x1" else PageStyle("12x1", 2200, 1700)
    data = write_sidecar(rough(noise_mv=0.04), 500, style)
    assert len(data) <= MOST_BYTES
    assert read_sidecar(data).quantum_mv * 10 * style.px_mm <= 4.0 + 1e-9


def test_under_every_distortion_the_masks_of_the_leads_make_the_mask_of_the_photo():
    style, signal = PageStyle("3x4+1r", 1120, 560), rough()
    photo = photograph(compose(signal, 500, style), BENT, (1, 2, 3))
    truth = read_sidecar(write_sidecar(signal, 500, style, warp=photo.warp))
    together = np.maximum.reduce(list(lead_masks(truth.scene, truth.warp)))
    differs = np.abs(together.astype(int) - photo.mask)
    assert np.percentile(differs, 99.9) <= 16  # an eighth of a pixel of a stroke's edge
    exact = np.maximum.reduce(list(lead_masks(compose(signal, 500, style), photo.warp)))
    assert np.abs(exact.astype(int) - photo.mask).max() <= 1


def test_the_masks_of_the_leads_of_a_clean_page_make_its_trace():
    scene = compose(rough(), 500, PageStyle("6x2+1r", 1120, 800))
    together = np.maximum.reduce(list(lead_masks(scene, flat_warp(scene))))
    assert np.abs(together.astype(int) - draw(scene).trace).max() <= 1


def test_traces_say_where_each_millivolt_is_and_when():
    style = PageStyle("6x2", 1120, 800, order="cabrera")
    signal = rough()
    scene = compose(signal, 500, style)
    for trace in pixel_traces(scene, flat_warp(scene)):
        shown = np.isfinite(trace.signal_mv)
        at = np.rint(trace.time_s[shown] * 500).astype(int)
        assert np.allclose(trace.signal_mv[shown], signal[trace.strip.lead, at], atol=1e-9)
        height_px = trace.strip.baseline_mm * style.px_mm - trace.points[:, 1]
        assert np.allclose(height_px, trace.signal_mv * trace.strip.sign * 10 * style.px_mm, equal_nan=True)


def test_boxes_hold_the_ink_they_are_named_after_on_a_bent_page():
    style = PageStyle.paper("a4", 101.6, layout="3x4+1r", font="sans")
    words = Words(identity=("A", "B"), measurements=("Vent. rate 70 BPM",), redaction=(1,))
    scene = compose(np.zeros((12, 5000)), 500, style, words)
    photo = photograph(scene, BENT, (4,))
    dark = photo.y.astype(int)
    kinds = set()
    for place in places(scene, photo.warp):
        kinds.add(place.kind)
        x0, y0, x1, y1 = (round(edge) for edge in place.box)
        if place.kind in ("name", "text", "redaction"):
            inside, around = dark[y0:y1, x0:x1], dark[y0 - 4 : y1 + 4, x0 - 4 : x1 + 4]
            assert inside.min() < np.median(around) - 50, (place.kind, place.text)
    assert kinds == {"lead", "name", "pulse", "separator", "text", "redaction"}


@pytest.mark.parametrize(
    "spoil", [lambda d: b"", lambda d: b"PNG?" + d[4:], lambda d: d[:300], lambda d: d[:-9]]
)
def test_other_bytes_are_refused(spoil):
    data = write_sidecar(rough(), 500, PageStyle())
    with pytest.raises(DataError, match="no sidecar"):
        read_sidecar(spoil(data))


def test_the_truth_does_not_depend_on_what_the_page_does_not_show():
    signal = rough()
    other = signal.copy()
    other[6, :1000] += 1.0  # V1 before its column's time
    style = PageStyle("3x4", 1120, 560)
    assert write_sidecar(signal, 500, style) == write_sidecar(other, 500, style)
    assert np.array_equal(render(signal, 500, style).lines, render(other, 500, style).lines)
