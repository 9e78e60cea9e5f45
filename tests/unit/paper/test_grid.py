"""The millimetre paper, measured."""

from __future__ import annotations

import numpy as np
import pytest

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
