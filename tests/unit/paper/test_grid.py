"""The millimetre paper, measured."""

from __future__ import annotations

import numpy as np
import pytest

from twelvelead.paper.grid import _coverage
from twelvelead.paper.page import PageStyle, blank


def lines(page):
    """Columns where a vertical line runs, and how strong each is, along a row between horizontal lines."""
    levels = (page.pixels >> 4).min(axis=0)
    return np.flatnonzero(levels), levels


def test_lines_are_a_millimetre_apart_and_every_fifth_is_stronger():
    at, levels = lines(blank(PageStyle("3x4+1r", 1120, 560)))
    assert at.tolist() == list(range(0, 1120, 4))
    strong = np.flatnonzero(levels == levels.max())
    assert strong.tolist() == list(range(0, 1120, 20))


def test_where_a_millimetre_has_few_pixels_only_five_millimetre_lines_remain():
    page = blank(PageStyle())
    at, _ = lines(page)
    groups = np.split(at, np.flatnonzero(np.diff(at) > 1) + 1)
    middles = [group.mean() for group in groups]
    assert np.diff(middles).mean() == pytest.approx(5 * page.px_mm, abs=0.1)


@pytest.mark.parametrize(("grid", "tint"), [("red", True), ("grey", False)])
def test_the_grid_has_the_colour_asked_for(grid, tint):
    colours = blank(PageStyle("3x4+1r", 1120, 560, grid=grid)).rgb().reshape(-1, 3).astype(int)
    darkest = colours[colours.sum(axis=1).argmin()]
    assert (darkest[0] - darkest[2] > 40) == tint
    assert (np.ptp(darkest) == 0) == (not tint)


def rules(form, px_mm=8):
    """Levels across one 5 mm square between two lines, and along a row of millimetre crossings."""
    levels = blank(PageStyle("3x4+1r", 280 * px_mm, 140 * px_mm, grid_form=form)).pixels >> 4
    square = levels[: 10 * px_mm, : 10 * px_mm].astype(int)
    return square[5 * px_mm // 2, 5 * px_mm : -1], square[px_mm, 5 * px_mm : -1]


def test_each_form_of_grid_has_its_own_lines():
    solid, faint, coarse = (rules(form)[0] for form in ("lines", "faint", "coarse"))
    assert np.flatnonzero(solid)[::2].size >= 5
    assert (faint[solid > 0] < 0.6 * solid[solid > 0]).all()
    assert np.flatnonzero(coarse).max() <= 2  # beside the 5 mm line there is nothing
    between, crossings = rules("dotted")
    assert np.flatnonzero(between).max() <= 2
    assert [bool(crossings[8 * mm]) for mm in range(1, 5)] == [True] * 4  # a dot every millimetre
    assert not crossings[12]


@pytest.mark.parametrize("px_mm", [1.3, 2.5, 3.1, 4.0, 7.857142857142857, 23.6])
def test_lines_are_where_millimetres_are_at_any_resolution(px_mm):
    share = _coverage(500, 5 * px_mm, max(1.0, 0.25 * px_mm))
    for number in range(int(480 / (5 * px_mm))):
        centre = 0.5 + 5 * px_mm * number
        near = slice(max(int(centre - 2 * px_mm), 0), int(centre + 2 * px_mm) + 1)
        middle = (share[near] * (np.arange(500)[near] + 0.5)).sum() / share[near].sum()
        if number:
            assert middle == pytest.approx(centre, abs=0.2 / px_mm)
            assert share[near].sum() == pytest.approx(max(1.0, 0.25 * px_mm))
