"""Where the camera is held, and how much of the picture the sheet fills."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twelvelead.paper.relief import Relief, direction
from twelvelead.paper.warp import Warp

AWAY = 1.4  # the camera's distance in widths of the sheet: an arm's length over a page


@dataclass(frozen=True, slots=True)
class Pose:
    """How a picture is taken.

    Attributes:
        turn: Of the sheet in the picture's plane, in whole turns, clockwise.
        tilt: Of the camera out of the vertical, in whole turns.
        towards: Direction it is tilted to, in whole turns.
        margin: Share of the picture left free around the sheet.
        zoom: 1 shows the whole sheet.
        cut: The most of a row, and of a strip's length, that may lie outside the picture.
        place: Where the sheet lies in the room that is left, (0..1, 0..1).
    """

    turn: float = 0.0
    tilt: float = 0.0
    towards: float = 0.0
    margin: float = 0.0
    zoom: float = 1.0
    cut: float = 0.0
    place: tuple[float, float] = (0.5, 0.5)


def aim(
    relief: Relief,
    pose: Pose,
    width_px: int,
    height_px: int,
    content_mm: NDArray[np.float64],
    least_mm: float,
) -> Warp:
    """Hold the camera so that the sheet fits the picture.

    Args:
        relief: Of the sheet.
        pose: Angles, margin, zoom.
        width_px: Of the picture.
        height_px: Of the picture.
        content_mm: (n, 2) points of the paper that must be seen: the corners of all strips.
        least_mm: Least extent of a strip; at most the pose's cut of it leaves the picture, at any zoom.
    """
    shape = relief.shape
    camera = _camera(pose, shape.width_mm, shape.height_mm)
    edge = np.linspace(0.0, 1.0, 25)
    ones = np.ones_like(edge)
    outline = np.concatenate(
        [np.column_stack(side) for side in ((edge, 0 * ones), (edge, ones), (0 * ones, edge), (ones, edge))]
    ) * (shape.width_mm, shape.height_mm)
    free = Warp(camera, 1, 1, relief)
    low, high = _extent(free.to_px(outline))
    inner_low, inner_high = _extent(free.to_px(content_mm))
    frame = np.array([width_px, height_px], dtype=np.float64)
    scale = float(min(frame * (1.0 - 2.0 * pose.margin) / (high - low))) * pose.zoom
    beyond = pose.cut * least_mm
    scale = min(scale, float(min(frame / np.maximum(inner_high - inner_low - beyond, 1.0))))
    room = frame - scale * (high - low)
    start = room * pose.place - scale * low
    # What must be seen has the last word over where the sheet lies.
    start = np.maximum(start, -scale * (inner_low + beyond))
    start = np.minimum(start, frame - scale * (inner_high - beyond))
    fit = np.array([(scale, 0, start[0]), (0, scale, start[1]), (0, 0, 1)])
    fitted = (fit[:, :, None] * camera[None, :, :]).sum(axis=1)  # by hand: a BLAS may round as it likes
    return Warp(np.round(fitted, 12), height_px, width_px, relief)


def _extent(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.nanmin(points, axis=0), np.nanmax(points, axis=0)


def _camera(pose: Pose, width_mm: float, height_mm: float) -> NDArray[np.float64]:
    """(3, 4) for a picture in mm around the sheet's middle, which lies at the origin."""
    away = AWAY * max(width_mm, height_mm)
    turn_cos, turn_sin = direction(pose.turn)
    tilt_cos, tilt_sin = direction(pose.tilt)
    cos, sin = direction(pose.towards)
    # In the sheet turned by `turn`: along the axis of the tilt, and across it.
    along = np.array([turn_cos * cos + turn_sin * sin, -turn_sin * cos + turn_cos * sin, 0.0])
    across = np.array([-turn_cos * sin + turn_sin * cos, turn_sin * sin + turn_cos * cos, 0.0])
    up = np.array([0.0, 0.0, 1.0])
    leaning = across * tilt_cos - up * tilt_sin
    depth = -(across * tilt_sin + up * tilt_cos) / away
    rows = np.zeros((3, 4))
    rows[0, :3] = along * cos - leaning * sin
    rows[1, :3] = along * sin + leaning * cos
    rows[2, :3] = depth
    rows[2, 3] = 1.0
    middle = np.array([width_mm / 2, height_mm / 2])
    rows[:, 3] -= rows[:, 0] * middle[0] + rows[:, 1] * middle[1]
    return rows
