"""What people write on a page with a pen: ticks, circles, arrows; initials, dates and signatures.

Words are of the kind that a reader of electrocardiograms leaves behind and that say nothing about the heart;
on pages that a model is evaluated on not even those are allowed, only marks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from twelvelead.paper.relief import direction
from twelvelead.paper.trace import Points

Line = NDArray[np.float64]

PENS = ((38, 52, 132), (30, 40, 96), (28, 28, 34), (176, 34, 40), (92, 92, 98), (20, 96, 70))  # RGB
WORDS = ("ok", "seen", "noted", "copy", "filed", "sent", "ward", "checked", "file", "time", "no.", "page")
INITIALS = ("J.K.", "D.H.", "G.N.", "K.L.", "E.W.", "H.M.", "N.J.", "K.W.", "J.D.", "M.G.")
GLYPH = 4.0  # height of a small letter in the units of the data
BETWEEN = 4  # points that a smooth stroke gets between two of its own
LINE_MM = 14.0  # around a piece of writing is kept on the sheet


@dataclass(frozen=True, slots=True, eq=False)
class Handwriting:
    """Pen strokes on a sheet.

    Attributes:
        strokes: (n, 2) mm, a row of NaN after each.
        pen_mm: Width of the pen.
        rgb: Of its ink.
    """

    strokes: Points
    pen_mm: float
    rgb: tuple[int, int, int]


def scribble(
    strength: float, width_mm: float, height_mm: float, rng: np.random.Generator, words: bool
) -> Handwriting:
    """Write on a sheet.

    Args:
        strength: How much and how large.
        width_mm: Of the sheet.
        height_mm: Of the sheet.
        rng: Decides everything else.
        words: False leaves marks alone, as an evaluated page must have it.
    """
    rgb = PENS[rng.integers(0, len(PENS))]
    pen_mm = rng.uniform(0.35, 0.6) if rng.uniform() < 0.85 else rng.uniform(0.9, 1.4)
    lines: list[Line] = []
    for _ in range(1 + round(5 * strength * rng.uniform(0.3, 1.0))):
        size = rng.uniform(1.8, 3.0) * (0.85 + 0.5 * strength)
        piece = _writing(size, rng) if words and rng.uniform() < 0.6 else _mark(size, rng)
        lean = direction(rng.uniform(-0.03, 0.03))
        # Mostly in the free space above and below, sometimes across the signals.
        across = rng.uniform(0.03, 0.8)
        down = rng.uniform(0.04, 0.16) if rng.uniform() < 0.45 else rng.uniform(0.1, 0.94)
        x, y = LINE_MM / 2 + across * (width_mm - LINE_MM), down * height_mm
        for line in piece:
            turned = np.column_stack(
                [line[:, 0] * lean[0] - line[:, 1] * lean[1], line[:, 0] * lean[1] + line[:, 1] * lean[0]]
            )
            lines.append(turned + np.array([x, y]))
    return Handwriting(_joined(lines), pen_mm, rgb)


def _joined(lines: Iterable[Line]) -> Points:
    gap = np.full((1, 2), np.nan)
    return np.concatenate([part for line in lines for part in (line, gap)])


@lru_cache(maxsize=1)
def glyphs() -> dict[str, tuple[float, tuple[Line, ...]]]:
    """Character → its width, and its strokes as points, y upwards."""
    found = {}
    text = (files("twelvelead.paper") / "handwriting.txt").read_text(encoding="ascii")
    for row in text.splitlines():
        if row.startswith("# "):
            continue
        character, width, strokes = row.split(" ", 2)
        lines = tuple(
            np.array([[float(number) for number in point.split(",")] for point in stroke.split()])
            for stroke in strokes.split(";")
        )
        found[character] = (float(width), lines)
    return found


def smooth(line: Line) -> Line:
    """A curve through points: Catmull and Rom's spline, uniform."""
    if len(line) < 3:
        return line
    before, after = 2 * line[0] - line[1], 2 * line[-1] - line[-2]
    knots = np.concatenate([before[None], line, after[None]])
    a, b, c, d = knots[:-3], knots[1:-2], knots[2:-1], knots[3:]
    t = (np.arange(BETWEEN + 1) / (BETWEEN + 1))[:, None, None]
    curve = 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t * t * t
    )
    return np.concatenate([curve.transpose(1, 0, 2).reshape(-1, 2), line[-1:]])


def _writing(size_mm: float, rng: np.random.Generator) -> list[Line]:
    kind = rng.integers(0, 5)
    if kind == 0:
        return _letters(WORDS[rng.integers(0, len(WORDS))], size_mm, rng)
    if kind == 1:
        return _letters(INITIALS[rng.integers(0, len(INITIALS))], size_mm, rng)
    if kind == 2:
        mark = "./-"[rng.integers(0, 3)]
        return _letters(mark.join(str(rng.integers(1, top)) for top in (29, 13, 25)), size_mm, rng)
    if kind == 3:
        return _letters(f"{rng.integers(0, 24)}:{rng.integers(10, 60)}", size_mm, rng)
    return _signature(size_mm, rng)


def _letters(text: str, size_mm: float, rng: np.random.Generator) -> list[Line]:
    """Text by hand: no two letters alike, leaning one way, wandering off the line."""
    unit, slant, x = size_mm / GLYPH, rng.uniform(0.0, 0.35), 0.0
    lines = []
    for character in text:
        width, strokes = glyphs()[character]
        lift, grow = rng.uniform(-0.4, 0.4), rng.uniform(0.88, 1.12)
        for stroke in strokes:
            shaky = smooth(stroke * grow + rng.uniform(-0.16, 0.16, size=stroke.shape))
            y = shaky[:, 1] + lift
            lines.append(np.column_stack([x + shaky[:, 0] + slant * y, -y]) * unit)
        x += width * grow + rng.uniform(0.6, 1.4)
    return lines


def _signature(size_mm: float, rng: np.random.Generator) -> list[Line]:
    """A capital's loop, a few hasty waves, and a tail."""
    unit, slant = size_mm / GLYPH, rng.uniform(0.15, 0.5)
    x, points = 0.0, [(0.0, 1.0), (2.2, 9.0), (3.6, 7.0), (1.2, 0.4)]
    x = 2.4
    for _ in range(rng.integers(3, 8)):
        high = rng.uniform(1.5, 4.5) if rng.uniform() < 0.8 else rng.uniform(6.0, 9.0)
        points += [
            (x + 0.6, high),
            (x + rng.uniform(0.2, 1.4), high * 0.6),
            (x + 1.1, rng.uniform(-0.6, 0.8)),
        ]
        x += rng.uniform(1.2, 2.6)
    points += [(x + 3, 0.8), (x + 8, rng.uniform(1.0, 3.5))]
    if rng.uniform() < 0.5:
        points += [(x + 4, -2.6), (0.5, -2.0), (x + 6, rng.uniform(-3.4, -1.6))]
    line = smooth(np.array(points))
    return [np.column_stack([line[:, 0] + slant * line[:, 1], -line[:, 1]]) * unit]


def _mark(size_mm: float, rng: np.random.Generator) -> list[Line]:
    """A tick, cross, circle, underline, arrow, bracket or a cover of zigzags."""
    kind = rng.integers(0, 7)
    if kind == 0:
        return [smooth(np.array([(0.0, -1.2), (0.5, -0.6), (1.0, 0.2), (1.5, -1.4), (3.2, -4.0)]) * size_mm)]
    if kind == 1:
        return [np.array(stroke) * size_mm for stroke in ([(0, 0), (2.0, -2.1)], [(0.2, -2.2), (1.9, 0.1)])]
    if kind == 2:
        wide, high, start = rng.uniform(2, 7), rng.uniform(1.5, 4), rng.uniform()
        turns = [direction(start + step / 14) for step in range(17)]
        grow = np.linspace(0.94, 1.1, 17)[:, None]
        return [smooth(np.array(turns) * (wide, high) * grow * size_mm)]
    if kind == 3:
        long = rng.uniform(8, 20)
        lines = []
        for row in range(rng.integers(1, 3)):
            x = np.linspace(0, long, 7)
            lines.append(smooth(np.column_stack([x, row * 0.7 + rng.uniform(-0.15, 0.15, 7)]) * size_mm))
        return lines
    if kind == 4:
        cos, sin = direction(rng.uniform())
        long = rng.uniform(4, 9)
        shaft = np.array([(0.0, 0.0), (0.5 * long, rng.uniform(-0.6, 0.6)), (long, 0.0)])
        head = np.array([(long - 1.3, -0.9), (long, 0.0), (long - 1.2, 1.0)])
        turn = [smooth(shaft), head]
        return [
            np.column_stack([line[:, 0] * cos - line[:, 1] * sin, line[:, 0] * sin + line[:, 1] * cos])
            * size_mm
            for line in turn
        ]
    if kind == 5:
        long = rng.uniform(4, 10)
        return [
            smooth(np.array([(0.9, 0), (0.1, 0.3), (0, long / 2), (0.2, long - 0.3), (1, long)]) * size_mm)
        ]
    count = rng.integers(5, 12)
    steps = np.arange(count) * rng.uniform(0.35, 0.7)
    y = np.where(np.arange(count) % 2, -1.8, 0.0) + rng.uniform(-0.4, 0.4, count)
    return [smooth(np.column_stack([steps, y]) * size_mm)]
