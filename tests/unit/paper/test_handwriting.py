"""Pen strokes: where they may be, and what they may not say."""

from __future__ import annotations

import numpy as np
import pytest

from twelvelead.ecg.lead import LEADS
from twelvelead.ecg.statement import STATEMENTS
from twelvelead.paper import handwriting
from twelvelead.paper.handwriting import INITIALS, WORDS, glyphs, scribble, smooth


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def test_every_word_can_be_written():
    for character in "".join([*WORDS, *INITIALS, "0123456789./-:"]):
        width, strokes = glyphs()[character]
        assert width > 0
        assert all(np.isfinite(stroke).all() and len(stroke) > 1 for stroke in strokes)


def test_no_word_names_anything_of_the_heart():
    telling = {code.upper() for code in STATEMENTS} | {lead.upper() for lead in LEADS}
    telling |= {"ST", "AF", "MI", "LBBB", "RBBB", "AV", "VT", "VF", "BBB", "PVC", "NORMAL", "ABNORMAL"}
    for word in (*WORDS, *INITIALS):
        assert word.replace(".", "").upper() not in telling


def test_an_evaluated_page_gets_marks_only(monkeypatch):
    def refuse(*_args):
        raise AssertionError("a word was written")

    monkeypatch.setattr(handwriting, "_letters", refuse)
    monkeypatch.setattr(handwriting, "_signature", refuse)
    for seed in range(60):
        scribble(1.0, 280.0, 140.0, rng(seed), words=False)
    with pytest.raises(AssertionError, match="a word"):
        [scribble(1.0, 280.0, 140.0, rng(seed), words=True) for seed in range(60)]


@pytest.mark.parametrize("words", [False, True])
def test_strokes_begin_on_the_sheet_and_end_with_a_gap(words):
    for seed in range(40):
        writing = scribble(0.7, 280.0, 140.0, rng(seed), words)
        assert np.isnan(writing.strokes[-1]).all()
        inked = writing.strokes[~np.isnan(writing.strokes[:, 0])]
        middle = np.median(inked, axis=0)
        assert (middle > 0).all()
        assert (middle < (280, 140)).all()
        assert 0.3 < writing.pen_mm < 1.5


def test_a_smooth_stroke_passes_through_its_points():
    points = np.array([(0.0, 0.0), (1.0, 2.0), (3.0, 1.0), (4.0, 4.0)])
    curve = smooth(points)
    for point in points:
        assert np.abs(curve - point).sum(axis=1).min() < 1e-12


def test_more_strength_writes_more():
    def ink(strength: float) -> float:
        return float(
            np.mean([len(scribble(strength, 280, 140, rng(seed), True).strokes) for seed in range(30)])
        )

    assert ink(0.1) < ink(0.5) < ink(1.0)
