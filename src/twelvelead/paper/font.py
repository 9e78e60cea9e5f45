"""Outline fonts as data: glyphs of DejaVu, flattened once, so that no font library decides over pixels.

`fonts/dejavu.npz` holds the printable characters of Latin-1 in three faces. It is made by
`python -m twelvelead.paper.font <folder with DejaVu*.ttf>` (fontTools is needed for that, and nowhere else);
its licence lies beside it.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twelvelead.paper import print as pen

FILE = Path(__file__).parent / "fonts" / "dejavu.npz"
FACES = {"sans": "DejaVuSans.ttf", "serif": "DejaVuSerif.ttf", "mono": "DejaVuSansMono.ttf"}
CHARACTERS = "".join(chr(code) for code in (*range(0x20, 0x7F), *range(0xA0, 0x100)))
GRID = 4096  # units an em: 1/300 mm in a 3 mm capital
CURVE_STEPS = 4
PEN_OF_HEIGHT = 0.1  # a pen stroke is this part of a capital wide

Points = NDArray[np.float64]


def text_ink(text: str, x_mm: float, y_mm: float, height_mm: float, font: str) -> tuple[Points, Points]:
    """Strokes and fills of a line of text, one of them empty.

    Args:
        text: Of printable Latin-1; anything else becomes a question mark.
        x_mm: Left end.
        y_mm: Base line.
        height_mm: Of a capital.
        font: "strokes", or one of FACES.

    Returns:
        Two (n, 2) arrays in mm, y downwards, a row of NaN after each stroke or outline.
    """
    nothing = np.empty((0, 2))
    if font == "strokes":
        return pen.lettering(text, x_mm, y_mm, height_mm), nothing
    if not text:
        return nothing, nothing
    face, numbers = _face(font), _numbers(text)
    unit = height_mm / face.capital
    first, advances = face.starts[numbers], face.advances[numbers].astype(np.int64)
    sizes = face.starts[numbers + 1] - first
    # Rows of all glyphs, one behind the other: each starts where the text has come to.
    rows = np.repeat(first - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())
    points = face.points[rows]
    points[:, 0] = x_mm + (np.repeat(np.cumsum(advances) - advances, sizes) + points[:, 0]) * unit
    points[:, 1] = y_mm - points[:, 1] * unit
    return nothing, points


def text_width(text: str, height_mm: float, font: str) -> float:
    """Length of a line of text in mm."""
    if font == "strokes":
        return pen.width_of(text, height_mm)
    face = _face(font)
    return int(face.advances[_numbers(text)].sum(dtype=np.int64)) * height_mm / face.capital


def _numbers(text: str) -> NDArray[np.intp]:
    """Places of a text's characters among CHARACTERS."""
    known = (character if character in CHARACTERS else pen.UNKNOWN for character in text)
    return np.array([CHARACTERS.index(character) for character in known], dtype=np.intp)


class _Face:
    """One face: outlines of all characters one behind the other, in units of the em's grid, y upwards."""

    def __init__(self, stored: Any, name: str) -> None:
        points = stored[f"{name}_points"].astype(np.float64)
        points[points[:, 0] == _BREAK] = np.nan
        self.points: Points = points
        self.starts: NDArray[np.int32] = stored[f"{name}_starts"]
        self.advances: NDArray[np.int16] = stored[f"{name}_advances"]
        self.capital = float(stored[f"{name}_capital"])


_BREAK = -32768


@lru_cache(maxsize=len(FACES))
def _face(name: str) -> _Face:
    with np.load(FILE) as stored:
        return _Face(stored, name)


def make(folder: Path) -> None:
    """Read the TrueType files and write FILE."""
    from fontTools.pens.recordingPen import DecomposingRecordingPen
    from fontTools.ttLib import TTFont

    arrays: dict[str, Any] = {}
    for name, file in FACES.items():
        font = TTFont(folder / file)
        glyphs, table = font.getGlyphSet(), font.getBestCmap()
        scale = GRID / font["head"].unitsPerEm
        points: list[tuple[int, int]] = []
        starts, advances = [0], []
        for character in CHARACTERS:
            glyph = table.get(ord(character), table[ord(pen.UNKNOWN)])
            recorded = DecomposingRecordingPen(glyphs)
            glyphs[glyph].draw(recorded)
            points += _flatten(recorded.value, scale)
            starts.append(len(points))
            advances.append(round(glyphs[glyph].width * scale))
        arrays |= {
            f"{name}_points": np.array(points, np.int16),
            f"{name}_starts": np.array(starts, np.int32),
            f"{name}_advances": np.array(advances, np.int16),
            f"{name}_capital": np.array(max(y for _, y in points[slice(*_places(starts, "H"))])),
        }
    np.savez_compressed(FILE, **arrays)


def _places(starts: list[int], character: str) -> tuple[int, int]:
    number = CHARACTERS.index(character)
    return starts[number], starts[number + 1]


def _flatten(commands: Any, scale: float) -> list[tuple[int, int]]:
    points: list[tuple[int, int]] = []
    here = (0.0, 0.0)
    for command, given in commands:
        if command in ("closePath", "endPath"):
            points.append((_BREAK, _BREAK))
        elif command in ("moveTo", "lineTo"):
            here = given[0]
            points.append((round(here[0] * scale), round(here[1] * scale)))
        else:  # TrueType: a chain of quadratic curves, joined half way between their control points
            controls, end = list(given[:-1]), given[-1]
            for number, control in enumerate(controls):
                last = number + 1 == len(controls)
                after = (
                    end
                    if last
                    else tuple((a + b) / 2 for a, b in zip(control, controls[number + 1], strict=True))
                )
                for step in range(1, CURVE_STEPS + 1):
                    t = step / CURVE_STEPS
                    x, y = (
                        (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t * t * c
                        for a, b, c in zip(here, control, after, strict=True)
                    )
                    points.append((round(x * scale), round(y * scale)))
                here = after
    return points


if __name__ == "__main__":
    make(Path(sys.argv[1]))
