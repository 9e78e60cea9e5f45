"""The pen, and that its machine code does not depend on the machine."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from twelvelead.paper import trace
from twelvelead.paper.trace import draw_lines

DIGESTS = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
from conftest import wave
from twelvelead.paper.encode import png_bytes
from twelvelead.paper.page import PageStyle, render
for style in (PageStyle(), PageStyle("3x4+1r", 1120, 560)):
    print(hashlib.sha256(png_bytes(render(wave(), 500, style))).hexdigest())
"""
# SHA-256 of pages of `wave`. Change them only when pages are meant to look different; dvc.lock changes too.
PUBLISHED = [
    "6c5a674417037a1acde1452e0e3c869dceef123202ce49473f1802f26e57c8f5",
    "3da8f7c8f3e18b30ef6b31474d0c22a0b9c669b79bcc70e297eb3a6ffee9372f",
]


def digests(**environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", DIGESTS, str(Path(__file__).parent)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_pages_have_the_published_bytes_on_this_processor():
    assert digests() == PUBLISHED


def test_pages_have_the_published_bytes_on_the_plainest_x86(tmp_path):
    plain = digests(NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="", NUMBA_CACHE_DIR=str(tmp_path))
    assert plain == PUBLISHED


def test_without_a_writable_folder_the_pen_still_compiles(monkeypatch):
    real = trace.njit

    def unwritable(function=None, *, cache=False):
        if cache:
            raise RuntimeError("cannot cache function: no locator available for file")
        return real(function)

    monkeypatch.setattr(trace, "njit", unwritable)
    assert trace.compiled(lambda x: x + 1)(1) == 2


@pytest.mark.parametrize("angle_deg", [0, 17, 45, 73, 90, 130])
def test_a_stroke_has_its_width_and_length_in_any_direction(angle_deg):
    mask = np.zeros((200, 200), dtype=np.uint8)
    angle = np.radians(angle_deg)
    half = 60 * np.array([np.cos(angle), np.sin(angle)])
    draw_lines(mask, np.array([100.3 - half, 100.3 + half]), 3.0)
    area = mask.sum() / 255
    assert area == pytest.approx(
        120 * 3.0 + np.pi * 1.5**2, rel=0.02
    )  # the distance rule is 1.7 % light along diagonals


def test_joints_do_not_bead():
    once, pieces = (np.zeros((20, 120), dtype=np.uint8) for _ in range(2))
    draw_lines(once, np.array([(10.0, 10.2), (110.0, 10.2)]), 1.4)
    x = np.linspace(10.0, 110.0, 1001)
    draw_lines(pieces, np.column_stack([x, np.full_like(x, 10.2)]), 1.4)
    assert np.abs(once.astype(int) - pieces).max() <= 1


def test_a_stroke_off_the_page_leaves_it_bare():
    mask = np.zeros((50, 50), dtype=np.uint8)
    draw_lines(mask, np.array([(-100.0, -100.0), (-5.0, 200.0)]), 2.0)
    assert not mask.any()


def by_definition(points, width, shape):
    """Each pixel's ink from its distance to the nearest segment, pixel by pixel."""
    rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
    least = np.full(shape, np.inf)
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        dx, dy = x1 - x0, y1 - y0
        if np.isnan(dx + dy):
            continue
        length = dx * dx + dy * dy
        share = np.clip(((columns - x0) * dx + (rows - y0) * dy) / length, 0, 1) if length else 0.0
        least = np.minimum(least, np.hypot(columns - x0 - share * dx, rows - y0 - share * dy))
    return np.floor(255 * np.clip(width / 2 + 0.5 - least, 0, 1) + 0.5)


@pytest.mark.parametrize("width", [0.6, 1.4, 2.75, 9.0])
@pytest.mark.parametrize("step", [0.06, 0.4, 3.0, 20.0])
def test_a_trace_is_what_its_distances_say_whatever_its_pace_and_pen(width, step):
    rng = np.random.default_rng(round(width * step * 100))
    x = np.arange(-5.0, 75.0, step)
    points = np.column_stack([x, 30 + np.cumsum(rng.normal(0, 2.0 * step**0.5, len(x)))])
    points[len(x) // 3] = np.nan
    points[len(x) // 2 :, 0] -= 20.0  # the pen jumps back and goes over its own line
    mask = np.zeros((60, 70), dtype=np.uint8)
    draw_lines(mask, points, width)
    assert np.abs(mask - by_definition(points, width, mask.shape)).max() <= 1  # of 255: roundings differ


def test_a_line_drawn_from_right_to_left_is_the_same_line():
    points = np.column_stack([np.linspace(3, 90, 300), 20 + 15 * np.sin(np.arange(300) / 20)])
    there, back = (np.zeros((40, 95), dtype=np.uint8) for _ in range(2))
    draw_lines(there, points, 1.4)
    draw_lines(back, points[::-1].copy(), 1.4)
    assert np.abs(there.astype(int) - back).max() <= 1


def test_ink_that_leaves_the_mask_does_not_come_in_again_elsewhere():
    whole = np.full((30, 40), 7, dtype=np.uint8)
    inner = whole[8:22, 10:30]
    for points in ([(0.0, 7.0), (25.0, 7.3)], [(9.0, -9.0), (9.5, 40.0)], [(-300.0, 3.0), (300.0, 5.0)]):
        draw_lines(inner, np.array(points), 3.0)
    assert inner.max() == 255
    inner[:] = 7
    assert (whole == 7).all()
