"""The one pass over a photograph's pixels: paper, grid, ink, light and desk, in integers, as Y, Cb and Cr.

Page coordinates come from the warp's mesh by straight lines between the corners of 16 px cells, light from a
field with a node every 4 px. Nothing is resampled: the grid is looked up by its phase, ink lies in masks
that were drawn where the warp puts it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twelvelead.paper.trace import Mask, compiled
from twelvelead.paper.warp import CELL_PX, STEPS

NODE_PX = 4  # from node to node of the fields of light
UNIT = 1024  # light that changes nothing
FINE = 16  # steps of a level in the fields of colour
PHASES = 1024  # entries of a profile of the grid, over one period
PHASE_SHIFT = 6  # from grid steps to entries: STEPS / PHASES = 1 << 6
TILE = 512  # side of the tiles of noise and of desks
REACH = 256  # entries of the desk's shadow, one every 1/64 period

Field = NDArray[np.int16]


@compiled
def _spread(mesh: NDArray[np.int32], row: int, out: NDArray[np.int32]) -> None:
    """Page coordinates of one row of pixels, at their centres."""
    top = row // CELL_PX
    share = 2 * (row - top * CELL_PX) + 1
    for cell in range(mesh.shape[1] - 1):
        left = np.int64(mesh[top, cell]) * (32 - share) + np.int64(mesh[top + 1, cell]) * share
        right = np.int64(mesh[top, cell + 1]) * (32 - share) + np.int64(mesh[top + 1, cell + 1]) * share
        slope = right - left
        first = cell * CELL_PX
        for pixel in range(CELL_PX):
            out[first + pixel] = (left * 32 + slope * (2 * pixel + 1) + 512) >> 10


@compiled
def _spread_light(field: Field, row: int, out: NDArray[np.int32]) -> None:
    top = row // NODE_PX
    share = row - top * NODE_PX
    for node in range(field.shape[1] - 1):
        left = np.int32(field[top, node]) * (NODE_PX - share) + np.int32(field[top + 1, node]) * share
        right = (
            np.int32(field[top, node + 1]) * (NODE_PX - share) + np.int32(field[top + 1, node + 1]) * share
        )
        first = node * NODE_PX
        for pixel in range(NODE_PX):
            out[first + pixel] = (left * (NODE_PX - pixel) + right * pixel + 8) >> 4


@compiled
def _light_at(field: Field, row: int, column: int) -> np.int32:
    top, left = row // NODE_PX, column // NODE_PX
    down, right = row - top * NODE_PX, column - left * NODE_PX
    above = np.int32(field[top, left]) * (NODE_PX - right) + np.int32(field[top, left + 1]) * right
    below = np.int32(field[top + 1, left]) * (NODE_PX - right) + np.int32(field[top + 1, left + 1]) * right
    return (above * (NODE_PX - down) + below * down + 8) >> 4


@compiled
def develop(
    y: Mask,
    cb: Mask,
    cr: Mask,
    mesh: NDArray[np.int32],
    light: Field,
    room: Field,
    blue: Field,
    red: Field,
    fade: Field,
    trace: Mask,
    print_: Mask,
    pen: Mask,
    lines: NDArray[np.uint8],
    dots: NDArray[np.uint8],
    paper: NDArray[np.int32],
    inks: NDArray[np.int32],
    edge: NDArray[np.int64],
    desk: NDArray[np.int8],
    desk_look: NDArray[np.int32],
    desk_shade: NDArray[np.int32],
    rows: NDArray[np.int32],
) -> None:
    """Write the three planes, chroma at half the size.

    Args:
        y: (height, width) uint8, written.
        cb: ((height + 1) // 2, (width + 1) // 2) uint8, written.
        cr: As cb.
        mesh: Of the warp: (2, rows, columns) page coordinates in grid steps.
        light: Nodes every `NODE_PX`: `UNIT` leaves a pixel as it is.
        room: Light on the desk, where the sheet's folds do not show; nodes as in `light`.
        blue: Added to Cb, in 1 / `FINE` levels.
        red: Added to Cr, likewise.
        fade: Strength of the ink, 256 is full.
        trace: Coverage by signals.
        print_: Coverage by everything else the machine printed.
        pen: Coverage by handwriting.
        lines: (`PHASES`,) level of the grid's lines over a period; the stronger of both axes counts.
        dots: (`PHASES`,) level of its dots; the weaker of both axes counts.
        paper: (3, 256) Y, Cb, Cr by level of the grid; Cb and Cr less 128.
        inks: (3, 3) Y, Cb, Cr of trace, print and pen, likewise.
        edge: Width and height of the sheet in grid steps, pixels of a step times 2**24, offset of the grid's
            phase in x and y, and where the desk's shadow is displaced to in x and y.
        desk: (`TILE`, `TILE`) texture.
        desk_look: Y, Cb, Cr, strength of the texture, and steps through it in 1/256 px: x and y for a pixel
            to the right, x and y for one downwards.
        desk_shade: (`REACH`,) light beside the sheet by distance, 256 is full.
        rows: (8, at least width + `CELL_PX`) scratch.
    """
    height, width = y.shape
    sharp = edge[2]
    dotted, faded = dots.max() > 0, fade.min() < 256
    inner = np.int64(1 << 23) // max(sharp, 1) + 1  # an edge nearer than half a pixel cuts through a pixel
    for row in range(2 * cb.shape[0]):
        if row < height:
            _spread(mesh[0], row, rows[0])
            _spread(mesh[1], row, rows[1])
            _spread_light(light, row, rows[2])
            _lay_paper(rows, lines, dots, dotted, paper, edge[3], edge[4], width)
            _lay_ink(rows, fade, row, print_[row], inks[1], faded)
            _lay_ink(rows, fade, row, trace[row], inks[0], faded)
            _lay_ink(rows, fade, row, pen[row], inks[2], False)
            for first in range(0, width, CELL_PX):
                last = min(first + CELL_PX, width)
                u0, u1, v0, v1 = rows[0, first], rows[0, last - 1], rows[1, first], rows[1, last - 1]
                if not (
                    min(u0, u1) > inner
                    and max(u0, u1) < edge[0] - inner
                    and min(v0, v1) > inner
                    and max(v0, v1) < edge[1] - inner
                ):
                    _lay_desk(rows, room, row, first, last, edge, desk, desk_look, desk_shade)
            for column in range(width):
                level = (rows[3, column] * rows[2, column] + UNIT // 2) >> 10
                y[row, column] = min(max(level, 0), 255)
        if row % 2 == 0:
            rows[6, :width] = rows[4, :width]
            rows[7, :width] = rows[5, :width]
        else:
            # An odd last row is its own neighbour: its colours are still in place.
            for column in range(width):
                rows[6, column] += rows[4, column]
                rows[7, column] += rows[5, column]
            _chroma(cb[row // 2], cr[row // 2], rows, blue, red, row - 1, width)


@compiled
def _lay_paper(
    rows: NDArray[np.int32],
    lines: NDArray[np.uint8],
    dots: NDArray[np.uint8],
    dotted: bool,
    paper: NDArray[np.int32],
    shift_u: int,
    shift_v: int,
    width: int,
) -> None:
    """Bare paper and its grid: rows 3, 4 and 5 become Y, Cb and Cr."""
    for column in range(width):
        at_u = ((rows[0, column] + shift_u) >> PHASE_SHIFT) & (PHASES - 1)
        at_v = ((rows[1, column] + shift_v) >> PHASE_SHIFT) & (PHASES - 1)
        level = max(lines[at_u], lines[at_v])
        if dotted:
            level = max(level, min(dots[at_u], dots[at_v]))
        rows[3, column], rows[4, column], rows[5, column] = paper[0, level], paper[1, level], paper[2, level]


@compiled
def _lay_ink(
    rows: NDArray[np.int32],
    fade: Field,
    row: int,
    mask: NDArray[np.uint8],
    ink: NDArray[np.int32],
    fades: bool,
) -> None:
    for first in range(0, mask.shape[0], CELL_PX):
        last = min(first + CELL_PX, mask.shape[0])
        most = np.uint8(0)
        for column in range(first, last):
            most |= mask[column]
        if not most:  # as nearly everywhere
            continue
        for column in range(first, last):
            if mask[column]:
                cover = np.int64(mask[column]) * 257  # in 1/65536, near enough
                if fades:
                    cover = (cover * _light_at(fade, row, column)) >> 8
                for plane in range(3, 6):
                    under = rows[plane, column]
                    rows[plane, column] = under + (((ink[plane - 3] - under) * cover + 32768) >> 16)


@compiled
def _lay_desk(
    rows: NDArray[np.int32],
    room: Field,
    row: int,
    first: int,
    last: int,
    edge: NDArray[np.int64],
    desk: NDArray[np.int8],
    look: NDArray[np.int32],
    shade: NDArray[np.int32],
) -> None:
    """The desk where the sheet ends, in the light of the room."""
    wide, high = edge[0], edge[1]
    for column in range(first, last):
        u, v = rows[0, column], rows[1, column]
        near = min(min(u, wide - u), min(v, high - v))
        cover = min(max(128 + ((min(max(near, -STEPS), STEPS) * edge[2]) >> 16), 0), 256)
        if cover == 256:
            continue
        across = (column * look[4] + row * look[6]) >> 8
        down = (column * look[5] + row * look[7]) >> 8
        grain = np.int64(desk[down & (TILE - 1), across & (TILE - 1)])
        away = -min(min(u - edge[5], wide + edge[5] - u), min(v - edge[6], high + edge[6] - v))
        dim = shade[min(max(away >> 10, 0), REACH - 1)]
        bare = 256 - cover
        bright = ((look[0] * 128 + grain * look[3]) * dim) >> 15
        rows[2, column] = (rows[2, column] * cover + _light_at(room, row, column) * bare + 128) >> 8
        rows[3, column] = (rows[3, column] * cover + bright * bare + 128) >> 8
        rows[4, column] = (rows[4, column] * cover + ((look[1] * dim) >> 8) * bare + 128) >> 8
        rows[5, column] = (rows[5, column] * cover + ((look[2] * dim) >> 8) * bare + 128) >> 8


@compiled
def _chroma(
    cb: NDArray[np.uint8],
    cr: NDArray[np.uint8],
    rows: NDArray[np.int32],
    blue: Field,
    red: Field,
    row: int,
    width: int,
) -> None:
    """Average two by two, in the light that falls there."""
    _spread_light(blue, row, rows[0])
    _spread_light(red, row, rows[1])
    for index in range(cb.shape[0]):
        left = 2 * index
        right = min(left + 1, width - 1)
        lit = rows[2, left]
        bluish = (rows[6, left] + rows[6, right]) * lit
        reddish = (rows[7, left] + rows[7, right]) * lit
        cb[index] = min(max(128 + ((bluish + 4 * rows[0, left] * (UNIT // FINE) + 2 * UNIT) >> 12), 0), 255)
        cr[index] = min(max(128 + ((reddish + 4 * rows[1, left] * (UNIT // FINE) + 2 * UNIT) >> 12), 0), 255)
