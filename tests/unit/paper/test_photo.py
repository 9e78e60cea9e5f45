"""Pictures of paper: a ruler held against what the warp promises, and that each degradation does its own."""

from __future__ import annotations

import hashlib
import tracemalloc

import numpy as np
import pytest

from twelvelead.errors import ParamsError
from twelvelead.paper.compose import compose
from twelvelead.paper.degrade import KINDS, Degradation
from twelvelead.paper.layout import PageStyle, Strip
from twelvelead.paper.page import draw
from twelvelead.paper.photo import Photo, photograph
from twelvelead.paper.presets import draw_degradation
from twelvelead.paper.scene import Mark, Rect, Scene, Trace

NOTHING = np.empty((0, 2))
WIDTH_MM, HEIGHT_MM = 280.0, 140.0


def sheet(grid: str = "red", inked: bool = True, width_px: int = 1120, height_px: int = 560) -> Scene:
    """Three rows of triangles, and a black bar."""
    style = PageStyle("3x4+1r", width_px, height_px, grid=grid)
    traces, marks = [], []
    x = np.arange(0, 250.01, 0.2)
    for row in range(3) if inked else ():
        baseline = 30.0 + 35 * row
        strip = Strip(row, 0.0, 10.0, 15.0, baseline - 15, baseline + 15, baseline, (16.0, baseline - 10))
        y = baseline - np.abs((x * (row + 3)) % 20 - 10)
        traces.append(Trace(strip, np.column_stack([15.0 + x, y]), 10.0))
    if inked:
        bar = np.array([(200.0, 120.0), (240.0, 120.0), (240.0, 126.0), (200.0, 126.0), (np.nan, np.nan)])
        marks.append(Mark("redaction", "", Rect(200, 120, 240, 126), NOTHING, bar, 0.35))
    return Scene(style, WIDTH_MM, HEIGHT_MM, tuple(traces), tuple(marks), 0.35)


def digest(photo: Photo) -> str:
    planes = (photo.y, photo.cb, photo.cr, photo.mask)
    return hashlib.sha256(b"".join(plane.tobytes() for plane in planes)).hexdigest()


def at(photo: Photo, points_mm: np.ndarray) -> np.ndarray:
    """Brightness of the pixels that show points of the paper."""
    pixels = np.floor(photo.warp.to_px(points_mm)).astype(int)
    return photo.y[pixels[:, 1], pixels[:, 0]].astype(float)


@pytest.mark.parametrize(
    "style",
    [
        PageStyle(),
        PageStyle("3x4+1r", 1120, 560),
        PageStyle("6x2+1r", 1120, 560, grid="blue", grid_form="faint", ink="violet", font="sans"),
        PageStyle("3x4+3r", 1400, 900, grid="pink", grid_form="dotted", ink="blue", separators="dashed"),
        PageStyle("3x4", 1120, 560, grid="none", pulse="both", font="mono"),
        PageStyle.paper("a4", 127.0, layout="3x4+1r", grid="grey", grid_form="coarse"),
    ],
)
def test_without_degradation_it_is_the_clean_page(style, wave_signal):
    scene = compose(wave_signal(), 500.0, style)
    photo, clean = photograph(scene, Degradation(), (1,)), draw(scene)
    assert photo.y.shape == (style.height_px, style.width_px)
    red, green, blue = clean.rgb().transpose(2, 0, 1).astype(float)
    away = np.abs(photo.y - (0.299 * red + 0.587 * green + 0.114 * blue))
    assert np.median(away) < 1
    assert (away > 16).mean() < 0.01
    assert np.abs(photo.mask.astype(int) - clean.trace).mean() < 0.2


@pytest.mark.parametrize("seed", range(8))
def test_ink_is_where_the_warp_says(seed):
    scene = sheet(grid="none")
    photo = photograph(scene, draw_degradation("photo", np.random.default_rng(seed)), (2, seed))
    for trace in scene.traces:
        there = np.round(photo.warp.to_px(trace.points) - 0.5).astype(int)
        inside = (there >= 0).all(axis=1) & (there < (1120, 560)).all(axis=1)
        there = there[inside]
        assert len(there) > 0.6 * len(trace.points)
        assert (photo.mask[there[:, 1], there[:, 0]] > 90).mean() > 0.97
        ink = np.median(photo.y[there[:, 1], there[:, 0]])
        beside = np.median(photo.y[np.clip(there[:, 1] - 8, 0, None), there[:, 0]])
        assert beside - ink > 40


@pytest.mark.parametrize("seed", range(4))
def test_the_grid_is_where_the_warp_says(seed):
    degradation = Degradation(rotation=0.4, perspective=0.5, bend=0.5, crease=0.5, wrinkle=0.3, desk=0.4)
    photo = photograph(sheet(inked=False), degradation, (3, seed))
    shift = (
        0.5 / photo.y.shape[1] * WIDTH_MM
    )  # a page's first line runs through the middle of its first pixel
    x = 5.0 * np.arange(2, 54) + shift
    line = [at(photo, np.column_stack([x, np.full_like(x, y)])) for y in np.arange(12.5, 130, 10)]
    between = [at(photo, np.column_stack([x + 2.5, np.full_like(x, y)])) for y in np.arange(12.5, 130, 10)]
    assert np.mean(between) - np.mean(line) > 12


@pytest.mark.parametrize("kind", ["rotation", "perspective", "bend", "crease", "wrinkle", "desk", "crop"])
def test_what_moves_the_sheet_moves_it_the_further_the_stronger(kind):
    points = np.array([(x, y) for x in range(20, 280, 40) for y in range(15, 140, 15)], dtype=float)
    tilt = {"perspective": 0.3} if kind in ("bend", "crease", "wrinkle") else {}

    def places(key: int, **strengths: float) -> np.ndarray:
        return photograph(sheet(inked=False), Degradation(**{**tilt, **strengths}), (7, key)).warp.to_px(
            points
        )

    def moved(strength: float) -> float:
        keys = range(5)
        return float(np.mean([np.abs(places(key, **{kind: strength}) - places(key)).mean() for key in keys]))

    assert 0.05 < moved(0.2) < moved(1.0)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"jpeg", "rotation", "perspective", "desk", "crop"}))
def test_each_degradation_alone_changes_the_picture_the_more_the_stronger(kind):
    scene = sheet()
    clean = photograph(scene, Degradation(), (7,)).rgb().astype(int)

    def change(strength: float) -> float:
        keys = range(3)
        pictures = [photograph(scene, Degradation(**{kind: strength}), (7, key)).rgb() for key in keys]
        return float(np.mean([np.abs(picture.astype(int) - clean).mean() for picture in pictures]))

    assert 0.02 < change(0.25) < change(1.0)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "jpeg"])
def test_another_key_is_another_picture_and_the_same_key_the_same(kind):
    degradation = Degradation(**{kind: 0.6})
    first, again, other = (photograph(sheet(), degradation, key) for key in ((1, 4), (1, 4), (1, 5)))
    assert digest(first) == digest(again)
    assert digest(first) != digest(other)


def test_degradations_do_not_disturb_each_other():
    still = photograph(sheet(), Degradation(rotation=0.5, perspective=0.4, crease=0.5), (9,))
    noisy = photograph(
        sheet(), Degradation(rotation=0.5, perspective=0.4, crease=0.5, noise=0.5, stain=1), (9,)
    )
    assert still.warp.state() == noisy.warp.state()


def test_a_picture_does_not_depend_on_what_was_taken_before_it():
    harsh = draw_degradation("harsh", np.random.default_rng(1))
    alone = digest(photograph(sheet(), harsh, (1, 1)))
    photograph(sheet(), Degradation(handwriting=1, desk=1), (5,))
    photograph(sheet(), Degradation(), (5,), width_px=401, height_px=303)
    assert digest(photograph(sheet(), harsh, (1, 1))) == alone


def test_noise_has_the_grain_it_is_documented_to_have():
    bare = sheet(grid="none", inked=False)
    # White paper clips; in low light it does not.
    dark = Degradation(light=1.0), Degradation(light=1.0, noise=1.0)
    smooth, noisy = (photograph(bare, degradation, (3,)).y.astype(int) for degradation in dark)
    assert (noisy - smooth).std() == pytest.approx(10.0, abs=1.0)
    assert abs((noisy - smooth).mean()) < 0.5


def test_blur_spreads_ink_and_keeps_its_amount():
    scene = sheet(grid="none")
    sharp, blurred = (photograph(scene, Degradation(blur=strength), (4,)).y for strength in (0.0, 1.0))
    inked = sharp < 60
    assert np.median(blurred[inked]) > np.median(sharp[inked]) + 60
    assert blurred.mean() == pytest.approx(sharp.mean(), abs=0.6)


def test_fading_takes_ink_and_leaves_the_grid():
    fresh, faded = (photograph(sheet(), Degradation(fading=strength), (4,)) for strength in (0.0, 0.8))
    inked = fresh.mask == 255
    assert faded.y[inked].mean() - fresh.y[inked].mean() > 60
    assert faded.y[0].mean() == pytest.approx(fresh.y[0].mean(), rel=0.12)


def test_outside_the_sheet_is_a_desk_and_inside_is_paper():
    photo = photograph(sheet(grid="none", inked=False), Degradation(desk=1.0, rotation=0.5), (12,))
    corners = photo.warp.to_mm(np.array([(2.0, 2.0), (1117.0, 2.0), (2.0, 557.0), (1117.0, 557.0)]))
    beyond = (corners < 0) | (corners > (WIDTH_MM, HEIGHT_MM))
    assert beyond.any(axis=1).all()
    inner = at(photo, np.array([(x, y) for x in (20.3, 140.3, 260.3) for y in (20.3, 70.3, 120.3)]))
    assert inner.min() > 200
    assert max(photo.y[2, 2], photo.y[557, 1117]) < 215


@pytest.mark.parametrize("seed", range(12))
def test_no_crop_ever_loses_a_strip(seed):
    scene = sheet()
    degradation = Degradation(crop=1.0, rotation=0.3, perspective=0.3, desk=0.5)
    photo = photograph(scene, degradation, (6, seed))
    for trace in scene.traces:
        there = photo.warp.to_px(trace.points)
        seen = ((there >= 0) & (there < (1120, 560))).all(axis=1)
        assert seen.mean() > 0.6


def test_any_size_of_picture_can_be_taken():
    for width, height in ((401, 303), (64, 64), (1700, 1276)):
        photo = photograph(
            sheet(), Degradation(desk=0.5, rotation=0.2), (1,), width_px=width, height_px=height
        )
        assert photo.y.shape == (height, width)
        assert photo.cb.shape == ((height + 1) // 2, (width + 1) // 2)
        assert photo.rgb().shape == (height, width, 3)
    with pytest.raises(ParamsError, match="at least 64"):
        photograph(sheet(), Degradation(), (1,), width_px=30, height_px=30)


def test_memory_stays_flat_from_picture_to_picture():
    def take(first: int, last: int) -> None:
        for seed in range(first, last):
            photograph(sheet(), draw_degradation("harsh", np.random.default_rng(seed)), (8, seed))

    take(0, 20)
    tracemalloc.start()
    take(20, 24)
    before = tracemalloc.get_traced_memory()[0]
    take(24, 40)
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 200_000
