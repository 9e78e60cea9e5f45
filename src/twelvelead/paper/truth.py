"""Where everything on a picture of a page is: boxes, traces in pixels and millivolts, masks.

All of it follows from the scene and the map it was drawn through, so it is exact under every distortion, and
nothing has to be searched for in pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twelvelead.paper.layout import Strip
from twelvelead.paper.scene import Kind, Rect, Scene
from twelvelead.paper.trace import Mask, draw_lines
from twelvelead.paper.warp import Warp

Points = NDArray[np.float64]
EDGE_POINTS = 9  # a side of a box: bent paper bends it


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """One thing on the picture.

    Attributes:
        kind: "lead" for the cell of a strip, else what the mark is.
        text: Name of the lead, or what the mark says.
        outline: (n, 2) px along its edge, clockwise from its top left corner.
    """

    kind: Kind | str
    text: str
    outline: Points

    @property
    def box(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 in px around the outline."""
        (x0, y0), (x1, y1) = self.outline.min(axis=0), self.outline.max(axis=0)
        return float(x0), float(y0), float(x1), float(y1)


@dataclass(frozen=True, slots=True, eq=False)
class PixelTrace:
    """The samples of one strip on the picture.

    Attributes:
        strip: Which lead and stretch of time.
        points: (n, 2) px, NaN at gaps.
        time_s: (n,) from the record's start; around the R wave for a median complex.
        signal_mv: (n,) mV of the lead as it was recorded, whichever way up it is shown.
    """

    strip: Strip
    points: Points
    time_s: Points
    signal_mv: Points


def flat_warp(scene: Scene) -> Warp:
    """The map of the clean page of a scene."""
    return Warp.flat(scene.style.px_mm, scene.width_mm, scene.height_mm)


def places(scene: Scene, warp: Warp) -> tuple[Place, ...]:
    """Cells of the strips in reading order, then names, pulses, separators, text and bars."""
    found = []
    for trace in scene.traces:
        strip = trace.strip
        right = strip.left_mm + (strip.end_s - strip.start_s) * scene.style.speed_mm_s
        cell = Rect(strip.left_mm, strip.top_mm, right, strip.bottom_mm)
        found.append(Place("lead", strip.name, warp.to_px(_edge(cell))))
    found += [Place(mark.kind, mark.text, warp.to_px(_edge(mark.box))) for mark in scene.marks]
    return tuple(found)


def pixel_traces(scene: Scene, warp: Warp) -> Iterator[PixelTrace]:
    """Every strip's samples, in reading order."""
    for trace in scene.traces:
        strip = trace.strip
        time_s = strip.start_s + (trace.points[:, 0] - strip.left_mm) / scene.style.speed_mm_s
        signal_mv = (strip.baseline_mm - trace.points[:, 1]) / (trace.gain_mm_mv * strip.sign)
        yield PixelTrace(strip, warp.to_px(trace.points), time_s, signal_mv)


def lead_masks(scene: Scene, warp: Warp) -> Iterator[Mask]:
    """(height, width) uint8 coverage by each strip's signal alone, in reading order; 255 is full ink.

    Their maximum is the mask of all signals, which page and photo carry.
    """
    px_mm = scene.style.px_mm
    width_px = scene.pen_mm * px_mm
    if warp.shape != (scene.style.height_px, scene.style.width_px) or not _is_flat(warp, px_mm):
        from twelvelead.paper.plot import pen_px

        width_px = pen_px(scene, warp)
    for trace in scene.traces:
        mask = np.zeros(warp.shape, dtype=np.uint8)
        draw_lines(mask, warp.to_px(trace.points), width_px)
        yield mask


def _is_flat(warp: Warp, px_mm: float) -> bool:
    expected = np.array([(px_mm, 0, 0, 0), (0, px_mm, 0, 0), (0, 0, 0, 1)], dtype=np.float64)
    return bool((warp.camera == expected).all())


def _edge(box: Rect) -> Points:
    along = np.linspace(0.0, 1.0, EDGE_POINTS)[:-1]
    corners = [(box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1)]
    sides = []
    for number, (x, y) in enumerate(corners):
        to_x, to_y = corners[(number + 1) % 4]
        sides.append(np.column_stack([x + (to_x - x) * along, y + (to_y - y) * along]))
    return np.concatenate(sides)
