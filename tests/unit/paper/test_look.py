"""What is drawn for a page, and what may never be drawn."""

from __future__ import annotations

import io
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from twelvelead.errors import LeakageError
from twelvelead.paper.look import Look, draw_look, empty_picture, look_of, picture, vary
from twelvelead.paper.page import PageStyle, blank
from twelvelead.paper.words import Words
from twelvelead.params import Synthesize

PAGE = {"layout": "3x4+1r", "width_px": 1120, "height_px": 560}
BUSY = Synthesize(**PAGE, look="varied", degradation="photo", words=True)
FACTS = {"rate_bpm": 71.0, "pr_ms": 160.0, "qrs_ms": 90.0, "qt_ms": 390.0, "qtc_ms": 410.0, "axis_deg": 40.0}


def test_a_look_depends_on_seed_record_and_variant_alone():
    first = draw_look(BUSY, "00017", 2, 1, FACTS)
    assert draw_look(BUSY, "00017", 2, 5, FACTS) == first  # whichever training fold
    others = [
        draw_look(BUSY, "00018", 2, 1, FACTS),
        draw_look(BUSY, "00017", 3, 1, FACTS),
        draw_look(BUSY.model_copy(update={"seed": 2}), "00017", 2, 1, FACTS),
    ]
    assert all(other != first for other in others)


@pytest.mark.parametrize("fold", [9, 10])
def test_evaluated_folds_get_the_fixed_look_whatever_is_asked_of_training_pages(fold):
    look = draw_look(BUSY, "00017", 0, fold, FACTS)
    assert look.style == PageStyle("3x4+1r", 1120, 560)
    assert look.degradation is None
    assert look.words == Words()


def test_words_cannot_be_smuggled_onto_an_evaluated_page(flat_signal):
    look = Look(PageStyle(), Words(identity=("AF",)), None, "clean", (1, 2, 3))
    with pytest.raises(LeakageError, match="fold 10"):
        picture(flat_signal(), 500, look, 10)


def test_words_never_interpret_and_tell_measured_values_only():
    words = [draw_look(BUSY, str(number), 0, 1, FACTS).words for number in range(60)]
    assert not any(each.interpretation for each in words)
    told = Counter(line for each in words for line in each.measurements)
    assert set(told) == {
        "Vent. rate 71 BPM", "PR interval 160 ms", "QRS duration 90 ms", "QT/QTc 390/410 ms", "R axis 40°",
    }  # fmt: skip
    assert 20 < told["R axis 40°"] < 60


def test_varied_looks_cover_every_choice_and_always_fit():
    rng = np.random.default_rng(0)
    for base in (PageStyle(), PageStyle("3x4+1r", 1120, 560), PageStyle.paper("a4", layout="3x4")):
        styles = [vary(base, rng) for _ in range(400)]
        assert {style.layout for style in styles} >= {"3x4+1r", "3x4+3r", "12x1", "6x2", "median"}
        assert {style.grid for style in styles} == {"red", "pink", "grey", "blue", "beige", "none"}
        assert {(style.width_px, style.height_px) for style in styles} == {(base.width_px, base.height_px)}


def test_the_imitation_of_ecginstruct_is_half_clean_and_rarely_without_grid():
    params = Synthesize(**PAGE, degradation="ecginstruct")
    looks = [draw_look(params, str(number), 0, 1) for number in range(1500)]
    clean = sum(look.degradation is None for look in looks) / len(looks)
    bare = sum(look.style.grid == "none" for look in looks) / len(looks)
    assert clean == pytest.approx(0.5, abs=0.05)
    assert bare == pytest.approx(0.02, abs=0.012)


def test_the_empty_page_of_a_look_is_its_paper_under_its_light(flat_signal):
    plain = draw_look(Synthesize(**PAGE), "1", 0, 10)
    with Image.open(io.BytesIO(empty_picture(plain.state()))) as image:
        assert np.array_equal(np.asarray(image.convert("RGB")), blank(plain.style).rgb())
    look = draw_look(Synthesize(**PAGE, evaluate_degradation="photo"), "1", 0, 10)
    assert look_of(look.state()) == look
    signal = flat_signal()
    signal += 0.3 * np.sin(np.arange(5000) / 20)
    shown, empty = (
        np.asarray(Image.open(io.BytesIO(data)).convert("L")).astype(int)
        for data in (picture(signal, 500, look, 10).data, empty_picture(look.state()))
    )
    assert (empty - shown > 60).mean() > 0.005  # the signals, and nothing else, are gone
    assert np.median(np.abs(empty - shown)) <= 2
