"""Photographs as files."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from twelvelead.paper.degrade import Degradation
from twelvelead.paper.jpeg import jpeg_bytes
from twelvelead.paper.layout import PageStyle
from twelvelead.paper.photo import Photo, photograph
from twelvelead.paper.scene import Scene


def picture(width_px: int = 1120, height_px: int = 560, **strengths: float) -> Photo:
    bare = Scene(PageStyle("3x4+1r", 1120, 560), 280.0, 140.0, (), (), 0.35)
    return photograph(bare, Degradation(**strengths), (1,), width_px=width_px, height_px=height_px)


@pytest.mark.parametrize("size", [(1120, 560), (401, 303)])
def test_a_file_opens_as_the_picture_it_was(size):
    photo = picture(*size, light=0.6, tint=0.5, desk=0.5)
    opened = Image.open(io.BytesIO(jpeg_bytes(photo, 98)))
    assert opened.format == "JPEG"
    assert opened.size == size
    away = np.abs(np.asarray(opened).astype(int) - photo.rgb())
    assert np.median(away) <= 2
    assert away.mean() < 4


def test_the_degradation_decides_the_quality():
    sizes = [len(jpeg_bytes(picture(light=0.5, noise=0.2, jpeg=strength))) for strength in (0.0, 0.5, 1.0)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 2.5 * sizes[2]


def test_the_same_picture_is_the_same_file():
    assert jpeg_bytes(picture(noise=0.4)) == jpeg_bytes(picture(noise=0.4))


DIGESTS = """
import hashlib, importlib.util, sys
import numpy as np
from twelvelead.paper.jpeg import jpeg_bytes
spec = importlib.util.spec_from_file_location("pictures", sys.argv[1])
pictures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pictures)
for seed in range(6):
    degradation = pictures.draw_degradation("harsh", np.random.default_rng(seed))
    photo = pictures.photograph(pictures.sheet(), degradation, (11, seed), words=True)
    print(pictures.digest(photo), hashlib.sha256(jpeg_bytes(photo)).hexdigest())
"""


def digests(**environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", DIGESTS, str(Path(__file__).with_name("test_photo.py"))],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_planes_and_files_are_the_same_on_the_plainest_x86(tmp_path):
    plain = digests(
        NUMBA_CPU_NAME="generic",
        NUMBA_CPU_FEATURES="",
        JSIMD_FORCENONE="1",
        NUMBA_CACHE_DIR=str(tmp_path),
        NPY_DISABLE_CPU_FEATURES="AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL",
        GLIBC_TUNABLES="glibc.cpu.hwcaps=-AVX2,-AVX2_Usable,-FMA,-FMA_Usable,-AVX512F,-FMA4",
    )
    assert len(set(plain)) == 6
    assert plain == digests()


@pytest.mark.parametrize("size", [(401, 304), (400, 303), (401, 303)])
def test_an_odd_picture_does_not_depend_on_what_lies_behind_it_in_memory(size):
    photo = picture(*size, light=0.5, noise=0.4)
    files = set()
    for number in range(12):
        junk = [np.full(photo.y.size + 64 * number, 17 * number, np.uint8) for _ in range(3)]
        files.add(jpeg_bytes(photo))
        del junk
    assert len(files) == 1
