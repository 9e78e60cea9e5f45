"""Lettering as pen strokes in millimetres: no font file, so the same bytes everywhere.

Only what a page says is here: lead names and the scale. Nothing else is ever printed on one.
"""

from __future__ import annotations

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


def lettering(text: str, x_mm: float, y_mm: float, height_mm: float) -> NDArray[np.float64]:
    """The strokes of a text.

    Args:
        text: Made of the characters of lead names and scales.
        x_mm: Its left end.
        y_mm: Its base line.
        height_mm: Of a capital.

    Returns:
        (n, 2) points in mm, y downwards, a row of NaN after each stroke.

    Raises:
        KeyError: A character has no strokes; the text is ours, so this is a bug.
    """
    unit = height_mm / CAP
    points: list[tuple[float, float]] = []
    for character in text:
        width, _, strokes = _GLYPHS[character].partition("|")
        for stroke in filter(None, strokes.split(";")):
            for point in stroke.split():
                x, y = map(float, point.split(","))
                points.append((x_mm + x * unit, y_mm - y * unit))
            points.append((np.nan, np.nan))
        x_mm += (float(width) + GAP) * unit
    return np.array(points, dtype=np.float64).reshape(-1, 2)
