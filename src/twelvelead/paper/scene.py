"""Everything that is on a sheet of paper, in millimetres, before anybody has decided on pixels.

A scene is drawn flat for a clean page, and through a warp for a photograph. Both put ink where the scene
says, so the truth about a page is the scene and the map it was drawn through.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from twelvelead.paper.layout import Strip

Points = NDArray[np.float64]
Kind = Literal["name", "pulse", "separator", "text", "redaction"]


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle on the paper in mm from its top left corner, y downwards."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """Something printed that is not a signal.

    Attributes:
        kind: What it is.
        text: What it says; "" for a pulse, a separator or a bar.
        box: Its extent.
        strokes: (n, 2) polylines in mm, a row of NaN after each.
        fills: (n, 2) closed outlines in mm filled by the non-zero rule, a row of NaN after each.
        pen_mm: Width of its strokes.
    """

    kind: Kind
    text: str
    box: Rect
    strokes: Points
    fills: Points
    pen_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """The ink of one strip.

    Attributes:
        strip: Which lead, which seconds, where on the paper.
        points: (n, 2) mm, one a sample in time order; rows that are NaN are gaps.
        gain_mm_mv: Scale of this strip.
    """

    strip: Strip
    points: Points
    gain_mm_mv: float


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One sheet.

    Attributes:
        style: The `PageStyle` it was composed with.
        width_mm: Of the paper.
        height_mm: Of the paper.
        traces: The signals, in reading order; the rhythm strips come last.
        marks: All other ink.
        pen_mm: Width of the signals' pen.
    """

    style: Any
    width_mm: float
    height_mm: float
    traces: tuple[Trace, ...]
    marks: tuple[Mark, ...]
    pen_mm: float
