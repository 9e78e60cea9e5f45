"""The pen, and that its machine code does not depend on the machine."""

from __future__ import annotations

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
