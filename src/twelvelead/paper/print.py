"""Lettering as pen strokes in millimetres: no font file, so the same bytes everywhere.

The characters of lead names and scales are here, those that pages need beside in strokes.txt, drawn for this
project in the manner of a plotter; letters with an umlaut or accent are their base letter and a mark.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CAP = 6.0  # a capital's height in the units below
GAP = 1.5

# width | strokes: points x,y from the left end of the base line, y upwards; strokes apart by ";"
_GLYPHS = {
    " ": "2.5|",
    ".": "0.4|0.2,0 0.2,0.4",
    "/": "3|0,-0.8 3,6.5",
    "0": "4|1.3,0 0.4,0.8 0,2 0,4 0.4,5.2 1.3,6 2.7,6 3.6,5.2 4,4 4,2 3.6,0.8 2.7,0 1.3,0",
    "1": "2.6|0.4,4.6 2,6 2,0",
    "2": "4|0,4.6 0.3,5.5 1.2,6 2.8,6 3.7,5.4 4,4.5 3.6,3.4 0,0 4,0",
    "3": "4|0.2,6 3.8,6 2,3.7 3,3.5 3.8,2.8 4,1.9 3.6,0.7 2.6,0 1.2,0 0,0.8",
    "4": "4|3.1,0 3.1,6 0,1.8 4.2,1.8",
    "5": "4|3.7,6 0.6,6 0.3,3.3 1.2,3.8 2.6,3.8 3.6,3.1 4,2 3.6,0.8 2.6,0 1.2,0 0,0.8",
    "6": "4|3.5,5.5 2.6,6 1.5,6 0.5,5 0,3.5 0,1.8 0.5,0.6 1.5,0 "
    "2.6,0 3.6,0.7 4,1.8 3.6,3 2.6,3.6 1.4,3.6 0.4,2.9 0,1.8",
    "7": "4|0,6 4,6 1.5,0",
    "8": "4|2,3.2 0.8,3.7 0.3,4.6 0.7,5.5 1.5,6 2.5,6 3.3,5.5 3.7,4.6 3.2,3.7 "
    "2,3.2 0.6,2.5 0,1.5 0.5,0.5 1.5,0 2.5,0 3.5,0.5 4,1.5 3.4,2.5 2,3.2",
    "9": "4|0.5,0.5 1.4,0 2.5,0 3.5,1 4,2.5 4,4.2 3.5,5.4 2.5,6 "
    "1.4,6 0.4,5.3 0,4.2 0.4,3 1.4,2.4 2.6,2.4 3.6,3.1 4,4.2",
    "F": "3.6|0,0 0,6 3.6,6;0,3.1 3,3.1",
    "I": "2|1,0 1,6",
    "L": "3.4|0,6 0,0 3.4,0",
    "R": "4|0,0 0,6 2.8,6 3.7,5.5 4,4.6 3.7,3.6 2.8,3.1 0,3.1;2.2,3.1 4,0",
    "V": "4.4|0,6 2.2,0 4.4,6",
    "a": "3.2|0.2,3.5 1,4 2.1,4 3,3.4 3.1,2.6 3.1,0;3.1,2.4 "
    "1.1,2.4 0.1,1.8 0,1 0.4,0.2 1.2,0 2.2,0.1 3.1,0.9",
    "m": "5.4|0,0 0,4;0,3 1,4 1.9,4 2.7,3.2 2.7,0;2.7,3 3.7,4 4.6,4 5.4,3.2 5.4,0",
    "s": "3|2.9,3.4 2.2,4 0.8,4 0.1,3.4 0.1,2.7 0.8,2.2 2.3,1.8 3,1.3 3,0.7 2.2,0 0.8,0 0,0.6",
}  # fmt: skip


_ACCENTS = {
    "\u0308": "0.4,0.9 0.4,1.2;1.8,0.9 1.8,1.2",
    "\u0301": "0.8,0.5 1.6,1.4",
    "\u0300": "1.4,0.5 0.6,1.4",
}
_ACCENT_WIDTH = 2.2
UNKNOWN = "?"


def lettering(text: str, x_mm: float, y_mm: float, height_mm: float) -> NDArray[np.float64]:
    """The strokes of a text; a character that has none is printed as a question mark.

    Args:
        text: Of printable Latin-1.
        x_mm: Its left end.
        y_mm: Its base line.
        height_mm: Of a capital.

    Returns:
        (n, 2) points in mm, y downwards, a row of NaN after each stroke.
    """
    if not text:
        return np.empty((0, 2))
    unit = height_mm / CAP
    left_mm, glyphs = [], [_outline(character) for character in text]
    for character in text:
        left_mm.append(x_mm)
        x_mm += (_glyph(character)[0] + GAP) * unit
    points = np.concatenate(glyphs)
    points[:, 0] = np.repeat(left_mm, [len(glyph) for glyph in glyphs]) + points[:, 0] * unit
    points[:, 1] = y_mm - points[:, 1] * unit
    return points


def width_of(text: str, height_mm: float) -> float:
    """Length of a text in mm, from its first stroke to behind its last letter."""
    return max(sum(_glyph(character)[0] + GAP for character in text) - GAP, 0.0) * height_mm / CAP


Stroke = tuple[tuple[float, float], ...]


@lru_cache(maxsize=512)
def _glyph(character: str) -> tuple[float, tuple[Stroke, ...]]:
    if character in _GLYPHS:
        width, _, strokes = _GLYPHS[character].partition("|")
        return float(width), _strokes(strokes)
    if character in _more():
        return _more()[character]
    parts = unicodedata.normalize("NFD", character)
    base, marks = parts[0], parts[1:]
    if marks and all(mark in _ACCENTS for mark in marks):
        wide, own = _glyph(base)
        height = max((y for stroke in own for _, y in stroke), default=CAP)
        left = (wide - _ACCENT_WIDTH) / 2
        extra = [
            tuple((x + left, y + height) for x, y in stroke)
            for mark in marks
            for stroke in _strokes(_ACCENTS[mark])
        ]
        return wide, (*own, *extra)
    return _more()[UNKNOWN]


@lru_cache(maxsize=512)
def _outline(character: str) -> NDArray[np.float64]:
    """The strokes of a character in its own units, a row of NaN after each."""
    rows = [point for stroke in _glyph(character)[1] for point in (*stroke, (np.nan, np.nan))]
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


@lru_cache(maxsize=1)
def _more() -> dict[str, tuple[float, tuple[Stroke, ...]]]:
    found = {}
    for line in Path(__file__).with_name("strokes.txt").read_text(encoding="utf-8").splitlines():
        character, width, strokes = line[0], *line[2:].split("|")[-2:]
        found[character] = (float(width), _strokes(strokes))
    return found


def _strokes(text: str) -> tuple[Stroke, ...]:
    return tuple(
        tuple((float(x), float(y)) for x, y in (point.split(",") for point in stroke.split()))
        for stroke in text.split(";")
        if stroke.strip()
    )
