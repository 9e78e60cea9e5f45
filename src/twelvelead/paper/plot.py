"""A scene's ink, put where a warp shows it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from twelvelead.paper.fill import fill_outlines
from twelvelead.paper.handwriting import Handwriting
from twelvelead.paper.scene import Scene
from twelvelead.paper.trace import Mask, Points, compiled, draw_lines
from twelvelead.paper.warp import Warp

BEND_MM = 2.5  # a longer line is drawn in pieces, so that it follows the paper
LEAST_PX = 1.1  # no lens draws a thinner line


def strip_corners(scene: Scene) -> NDArray[np.float64]:
    """(n, 2) mm: the corners of all strips."""
    corners = []
    for trace in scene.traces:
        strip = trace.strip
        right = strip.left_mm + (strip.end_s - strip.start_s) * scene.style.speed_mm_s
        corners += [(x, y) for x in (strip.left_mm, right) for y in (strip.top_mm, strip.bottom_mm)]
    whole = [(0.0, 0.0), (scene.width_mm, scene.height_mm)]
    return np.clip(np.array(corners or whole), 0.0, (scene.width_mm, scene.height_mm))


def least_mm(scene: Scene) -> float:
    """The least height or length of a strip."""
    return min(
        (
            min(
                trace.strip.bottom_mm - trace.strip.top_mm,
                (trace.strip.end_s - trace.strip.start_s) * scene.style.speed_mm_s,
            )
            for trace in scene.traces
        ),
        default=scene.height_mm,
    )


def pen_px(scene: Scene, warp: Warp) -> float:
    """Width of the signals' pen on a picture."""
    return max(scene.pen_mm * warp.px_mm(scene.width_mm / 2, scene.height_mm / 2), LEAST_PX)


def plot(scene: Scene, warp: Warp, trace: Mask, printed: Mask) -> None:
    """Draw the signals into one mask and everything else into another."""
    px_mm = warp.px_mm(scene.width_mm / 2, scene.height_mm / 2)
    gap = np.full((1, 2), np.nan)
    if scene.traces:
        points = np.concatenate([part for each in scene.traces for part in (each.points, gap)])
        draw_lines(trace, warp.to_px(points), pen_px(scene, warp))
    pens: dict[float, list[Points]] = {}
    for mark in scene.marks:
        if len(mark.strokes):
            pens.setdefault(mark.pen_mm, []).extend((mark.strokes, gap))
        if len(mark.fills):  # one by one: a fill takes time by the area around it
            fill_outlines(printed, warp.to_px(cut(_closed(mark.fills), BEND_MM)))
    for pen_mm, lines in pens.items():
        pieces = cut(np.concatenate(lines), BEND_MM)
        draw_lines(printed, warp.to_px(pieces), max(pen_mm * px_mm, LEAST_PX))


def _closed(outlines: Points) -> Points:
    """Outlines that return to their first point, so that their last side bends as well."""
    ends = np.flatnonzero(np.isnan(outlines[:, 0]))
    if not len(ends) or ends[-1] != len(outlines) - 1:
        ends = np.append(ends, len(outlines))
    starts = np.append(0, ends[:-1] + 1)
    return np.insert(outlines, ends, outlines[starts], axis=0)


def plot_pen(writing: Handwriting, warp: Warp, mask: Mask) -> None:
    """Draw handwriting."""
    shape = warp.relief.shape
    px_mm = warp.px_mm(shape.width_mm / 2, shape.height_mm / 2)
    draw_lines(mask, warp.to_px(writing.strokes), max(writing.pen_mm * px_mm, LEAST_PX))


def cut(points: Points, most_mm: float) -> Points:
    """The same lines with no two neighbouring points further apart; rows of NaN stay."""
    pieces = np.empty(max(len(points) - 1, 0), dtype=np.int64)
    total = _count(np.ascontiguousarray(points, dtype=np.float64), most_mm, pieces)
    out = np.empty((total, 2), dtype=np.float64)
    _cut(np.ascontiguousarray(points, dtype=np.float64), pieces, out)
    return out


@compiled
def _count(points: Points, most: float, pieces: NDArray[np.int64]) -> int:
    total = min(points.shape[0], 1)
    for index in range(points.shape[0] - 1):
        dx, dy = points[index + 1, 0] - points[index, 0], points[index + 1, 1] - points[index, 1]
        length = math.sqrt(dx * dx + dy * dy)
        pieces[index] = max(math.ceil(length / most), 1) if math.isfinite(length) else 1
        total += pieces[index]
    return total


@compiled
def _cut(points: Points, pieces: NDArray[np.int64], out: Points) -> None:
    at = 0
    for index in range(pieces.shape[0]):
        for piece in range(pieces[index]):
            share = piece / pieces[index]
            for axis in range(2):
                here, there = points[index, axis], points[index + 1, axis]
                out[at, axis] = here if piece == 0 else here + (there - here) * share
            at += 1
    if points.shape[0]:
        out[at, 0], out[at, 1] = points[-1, 0], points[-1, 1]
