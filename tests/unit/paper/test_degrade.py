"""Strengths, and the mixtures of them."""

from __future__ import annotations

import numpy as np
import pytest

from twelvelead.errors import ParamsError
from twelvelead.paper.degrade import KINDS, Degradation
from twelvelead.paper.presets import PRESETS, draw_degradation


def rng(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def test_nothing_happens_by_default():
    assert Degradation().strengths() == {}
    assert Degradation().quality == 94


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_a_strength_beyond_its_range_is_named(strength):
    with pytest.raises(ParamsError, match=r"degradation\.bend: the strength is"):
        Degradation(bend=strength)


def test_an_unknown_preset_lists_the_known_ones():
    with pytest.raises(ParamsError, match="clean, scan, photo, harsh, ecginstruct"):
        draw_degradation("foto", rng(0))


def test_presets_speak_of_known_degradations_within_their_range():
    for preset in PRESETS.values():
        assert set(preset.chances) <= set(KINDS)
        for chance in preset.chances.values():
            assert 0 < chance.often <= 1
            assert 0 <= chance.least <= chance.most <= 1


def test_clean_is_clean_and_the_others_grow_harsher():
    def much(preset: str) -> float:
        drawn = [draw_degradation(preset, rng(seed)) for seed in range(60)]
        return float(np.mean([sum(page.strengths().values()) for page in drawn]))

    assert much("clean") == 0
    assert much("scan") < much("photo") < much("harsh")


def test_about_every_other_page_of_ecginstruct_is_clean():
    clean = [not draw_degradation("ecginstruct", rng(seed)).strengths() for seed in range(400)]
    assert 0.42 < np.mean(clean) < 0.58


def test_a_draw_is_its_generator_and_takes_the_same_numbers_whatever_it_does():
    assert draw_degradation("harsh", rng(3)) == draw_degradation("harsh", rng(3))
    left = set()
    for preset in PRESETS:
        generator = rng(9)
        draw_degradation(preset, generator)
        left.add(float(generator.random()))
    assert len(left) == 1
