"""Millimetres found on a picture: the printed grid is a ruler that lies everywhere on the page.

The grid shows in the picture's spectrum as a row of peaks to the right of the middle and one below it, a
quarter turn apart. Their distance gives the pixels a millimetre, their direction the rotation. The phase of
a peak, taken tile by tile, then says to a hundredth of a pixel where the lines are and how the sheet is bent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

Floats = NDArray[np.float64]
Levels = NDArray[np.float32]

MAJOR_MM, MINORS = 5.0, 5
MOST_DEGREES, LEAST_DEGREES = 3.5, 0.3
HIGHEST = 0.48  # cycles a pixel: Nyquist, almost
LEAST_PERIOD_PX, MOST_PERIOD_PX = 5, 160  # of the 5 mm lines: 1 to 32 px/mm
TEETH = 4  # harmonics of the 5 mm lines that are looked at
CLEAR, SEEN = 6.0, 2.0  # times the spectrum around: a peak for certain; one where one is expected
ALIASED = 0.4  # cycles a pixel: above, peaks may be mirrored ones
TILE_PX, TILE_MAJORS = 24, 2  # the larger of both; whole 5 mm squares keep their other harmonics out
WIDE_TILES = 2.5  # neighbours whose phases are smoothed before they are unwound
BENT_PX = 0.3  # an even sheet's tiles lie closer than this to their places
MOST_POINTS = 200_000  # of ink that are looked at
TURNED = 2e-4  # radians; a quarter of a pixel over a whole page


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """The map from a picture to its paper.

    Attributes:
        px_mm: Pixels a millimetre.
        turn_rad: How far the paper is turned clockwise.
        matrix: (2, 2) px to mm.
        bend_mm: (2, rows, columns) what is to be added to it at the tiles' centres; None on an even sheet.
        tile_px: Side of a tile; the next one begins half a side further.
    """

    px_mm: float
    turn_rad: float
    matrix: Floats
    bend_mm: Floats | None = None
    tile_px: int = TILE_PX

    @classmethod
    def level(cls, px_mm: float, turn_rad: float = 0.0) -> Lattice:
        """An even sheet."""
        cos, sin = np.cos(turn_rad), np.sin(turn_rad)
        return cls(px_mm, turn_rad, np.array([(cos, sin), (-sin, cos)]) / px_mm)

    @property
    def is_level(self) -> bool:
        """Whether the paper lies straight and even in the picture."""
        return self.bend_mm is None and abs(self.turn_rad) < TURNED and self._shear < TURNED

    @property
    def _shear(self) -> float:
        (a, b), (c, d) = self.matrix * self.px_mm
        return float(max(abs(a - 1), abs(d - 1), abs(b), abs(c)))


def find_lattice(grid: Levels) -> Lattice | None:
    """Find the grid.

    Args:
        grid: (height, width) darkness, ink no darker than the grid.

    Returns:
        The map; None where no grid shows.
    """
    height, width = grid.shape
    window = np.outer(np.hanning(height), np.hanning(width)).astype(np.float32)
    flat = (grid - grid.mean()) * window
    size = fft.next_fast_len(height, True), fft.next_fast_len(width, True)
    spectrum = np.abs(fft.fft2(flat, size, workers=1)).astype(np.float32)
    across = _Fan(spectrum, 0)
    down = _Fan(spectrum, 1)
    found = _fundamental(across, down)
    if found is None:
        return None
    teeth = [tooth for tooth in range(1, MINORS + 1) if found * tooth < HIGHEST]
    tooth = max(teeth, key=lambda tooth: tooth * min(fan.height(found * tooth) for fan in (across, down)))
    right, below = across.place(found * tooth), down.place(found * tooth)
    return _refined(grid, np.array([right, below[::-1]]), MAJOR_MM / tooth)


def level_out(levels: Levels, lattice: Lattice, finer: int = 1) -> Levels:
    """The picture as if its sheet lay straight and even, with `finer` times the lattice's pixels."""
    if lattice.is_level and finer == 1:
        return levels
    height, width = levels.shape
    to_px = np.linalg.inv(lattice.matrix)
    corners = np.array([(0, 0), (width, 0), (0, height), (width, height)], dtype=np.float64)
    seen = corners @ lattice.matrix.T
    low, high = seen.min(axis=0), seen.max(axis=0)
    px_mm = lattice.px_mm * finer
    columns, rows = np.ceil((high - low) * px_mm - 1e-6).astype(int)
    x = low[0] + (np.arange(columns) + 0.5) / px_mm
    y = low[1] + (np.arange(rows) + 0.5) / px_mm
    at = np.empty((2, rows, columns), dtype=np.float32)
    at[1] = x[None, :] * to_px[0, 0] + y[:, None] * to_px[0, 1]
    at[0] = x[None, :] * to_px[1, 0] + y[:, None] * to_px[1, 1]
    if lattice.bend_mm is not None:
        tiles = at / (lattice.tile_px / 2) - 1.0
        bend = [ndimage.map_coordinates(field, tiles, order=1, mode="nearest") for field in lattice.bend_mm]
        at[1] -= bend[0] * to_px[0, 0] + bend[1] * to_px[0, 1]
        at[0] -= bend[0] * to_px[1, 0] + bend[1] * to_px[1, 1]
    at -= 0.5  # pixel i has its centre at i + .5, and map_coordinates counts centres
    return np.clip(ndimage.map_coordinates(levels, at, order=3, mode="constant", prefilter=True), 0.0, 1.0)


class _Fan:
    """The part of a spectrum close to one axis, by distance from its middle."""

    def __init__(self, spectrum: Levels, axis: int) -> None:
        """Args: spectrum: of the picture. axis: 0 for lines that follow each other to the right."""
        self.axis = axis
        along = spectrum if axis == 0 else spectrum.T
        self.steps, self.steps_across = along.shape[1], along.shape[0]  # a bin is 1 / steps cycles a pixel
        reach = int(np.ceil(np.tan(np.radians(MOST_DEGREES)) * 0.5 * self.steps_across)) + 2
        self.rows = np.arange(-reach, reach + 1)
        self.part = along[self.rows][:, : self.steps // 2]
        self.look(0.0, MOST_DEGREES)

    def look(self, slope: float, degrees: float) -> None:
        """Look in one direction only, give or take some degrees."""
        far = np.arange(self.steps // 2) / self.steps
        off = np.abs(self.rows[:, None] / self.steps_across - slope * far)
        self.open = off <= far * np.tan(np.radians(degrees)) + 2 / self.steps_across
        self.profile = np.where(self.open, self.part, 0.0).max(axis=0)
        self.floor = ndimage.median_filter(self.profile, 61, mode="nearest") + 1e-9
        self.clear = self.profile / self.floor

    def height(self, cycles_px: float) -> float:
        """How clear the peak at a distance is."""
        column = self._column(cycles_px)
        return float(self.clear[column]) if column else 0.0

    def place(self, cycles_px: float) -> tuple[float, float]:
        """Where the peak at a distance is: along the axis and across it, cycles a pixel."""
        column = self._column(cycles_px)
        row = int(np.argmax(np.where(self.open[:, column], self.part[:, column], 0.0)))
        along = (column + _vertex(self.part[row], column)) / self.steps
        return along, (self.rows[row] + _vertex(self.part[:, column], row)) / self.steps_across

    def _column(self, cycles_px: float) -> int:
        middle = round(cycles_px * self.steps)
        slack = max(1, round(0.004 * middle))
        low, high = max(middle - slack, 1), min(middle + slack + 1, len(self.profile))
        return low + int(np.argmax(self.profile[low:high])) if high > low else 0


def _vertex(values: NDArray[Any], peak: int) -> float:
    """Offset of a peak's top from its highest sample, by a parabola through logarithms."""
    if not 0 < peak < len(values) - 1:
        return 0.0
    left, top, right = np.log(np.asarray(values[peak - 1 : peak + 2], dtype=np.float64) + 1e-12)
    bent = left - 2 * top + right
    return float(np.clip(0.5 * (left - right) / bent, -0.5, 0.5)) if bent < 0 else 0.0


def _fundamental(across: _Fan, down: _Fan) -> float | None:
    """Cycles a pixel of the 5 mm lines: the lowest row of peaks that both directions have."""
    low, high = across.steps // MOST_PERIOD_PX, int(across.steps * ALIASED)
    columns = low + np.argsort(across.clear[low:high])[::-1][:40]
    strongest = max(columns, key=lambda column: min(across.clear[column], down.height(column / across.steps)))
    first = float(strongest / across.steps)
    if min(across.height(first), down.height(first)) < CLEAR:
        return None
    along, aside = across.place(first)
    across.look(aside / along, LEAST_DEGREES)
    down.look(-aside / along, LEAST_DEGREES)
    for k in range(int(along * MOST_PERIOD_PX), 0, -1):
        cycles = along / k
        if cycles > 1 / LEAST_PERIOD_PX:
            break
        teeth = [tooth for tooth in range(1, TEETH + 1) if cycles * tooth < HIGHEST]
        heights = [min(across.height(cycles * tooth), down.height(cycles * tooth)) for tooth in teeth]
        if min(heights) > SEEN and np.log(heights).mean() > np.log(2 * SEEN):
            return cycles
    return None


def _refined(grid: Levels, carriers: Floats, period_mm: float) -> Lattice:
    """Where the lines are, tile by tile, by the phase of their peak."""
    major_px = MAJOR_MM / period_mm / float(np.hypot(*carriers[0]))
    tile = max(TILE_PX, 2 * round(TILE_MAJORS / 2 * major_px))
    phases, weights = zip(*(_tile_phases(grid, carrier, tile) for carrier in carriers), strict=True)
    rows, columns = phases[0].shape
    x, y = ((np.arange(count) + 1) * (tile // 2) for count in (columns, rows))
    spots = np.column_stack([np.tile(x, rows), np.repeat(y, columns), np.ones(rows * columns)])
    matrix = np.empty((2, 2))
    bends = []
    trust = []
    for axis in range(2):
        whole = spots[:, :2] @ carriers[axis] + phases[axis].ravel()
        weight = weights[axis].ravel()
        plane = _plane(spots, whole, weight)
        matrix[axis] = plane[:2] * period_mm
        bends.append(((whole - spots @ plane) * period_mm).reshape(rows, columns))
        trust.append(weight.reshape(rows, columns))
    px_mm = float(1 / np.sqrt(abs(np.linalg.det(matrix))))
    turn = float(np.arctan2(matrix[0, 1] - matrix[1, 0], matrix[0, 0] + matrix[1, 1]))
    field = np.stack([_smooth(bend, weight) for bend, weight in zip(bends, trust, strict=True)])
    sure = np.minimum(*trust) > 0.3 * np.median(np.minimum(*trust))
    bent_px = float(np.percentile(np.abs(field[:, sure]), 95) * px_mm) if sure.any() else 0.0
    return Lattice(px_mm, turn, matrix, field if bent_px > BENT_PX else None, tile)


def _tile_phases(grid: Levels, carrier: Floats, tile: int) -> tuple[Floats, Floats]:
    """(rows, columns) cycles by which the lines lie before their places, and how sure that is."""
    height, width = grid.shape
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    turn_x = np.exp(-2j * np.pi * carrier[0] * x).astype(np.complex64)
    turn_y = np.exp(-2j * np.pi * carrier[1] * y).astype(np.complex64)
    spun = (grid - ndimage.uniform_filter(grid, tile, mode="nearest")) * turn_x * turn_y[:, None]
    window = np.hanning(tile + 2)[1:-1].astype(np.float32)
    rows = range(0, max(height - tile, 0) + 1, tile // 2)
    tall = np.stack([(spun[row : row + tile] * window[: height - row, None]).sum(axis=0) for row in rows])
    starts = range(0, max(width - tile, 0) + 1, tile // 2)
    tiles = np.stack(
        [(tall[:, start : start + tile] * window[: width - start]).sum(axis=1) for start in starts], axis=1
    )
    tiles = tiles.astype(np.complex128)
    slow = _slow_cycles(tiles)
    return np.angle(tiles * np.exp(-2j * np.pi * slow)) / (2 * np.pi) + slow, np.abs(tiles)


def _slow_cycles(tiles: NDArray[np.complex128]) -> Floats:
    """The phases of many tiles together, in cycles, without jumps: a plane, and how a sheet bends off it."""
    rows, columns = tiles.shape
    wide = np.abs(np.fft.fft2(tiles, (4 * rows, 4 * columns)))
    row, column = np.unravel_index(int(np.argmax(wide)), wide.shape)
    slopes = np.fft.fftfreq(4 * rows)[row], np.fft.fftfreq(4 * columns)[column]
    plane = slopes[0] * np.arange(rows)[:, None] + slopes[1] * np.arange(columns)[None, :]
    left = tiles * np.exp(-2j * np.pi * plane)
    plane = plane + np.angle(left.sum()) / (2 * np.pi)
    left = left * np.exp(-1j * np.angle(left.sum()))
    real, imaginary = (ndimage.gaussian_filter(part, WIDE_TILES) for part in (left.real, left.imag))
    calm = real + 1j * imaginary
    return np.asarray(plane + _unwound(np.angle(calm)) / (2 * np.pi))


def _unwound(angles: Floats) -> Floats:
    """Angles without jumps, from the middle outwards."""
    middle = angles.shape[0] // 2
    flat = np.unwrap(angles, axis=0)
    flat += 2 * np.pi * np.rint((angles[middle] - flat[middle]) / (2 * np.pi))[None, :]
    line = np.unwrap(flat[middle])
    return np.asarray(flat + (line - flat[middle])[None, :])


def _plane(spots: Floats, values: Floats, weight: Floats) -> Floats:
    """Coefficients of x, y and 1, with tiles that disagree left out."""
    keep = weight > 0.3 * np.median(weight)
    plane: Floats = np.zeros(3)
    for _ in range(4):
        root = np.sqrt(weight[keep])[:, None]
        plane = np.asarray(np.linalg.lstsq(spots[keep] * root, values[keep] * root[:, 0], rcond=None)[0])
        off = np.abs(values - spots @ plane)
        keep = (weight > 0.3 * np.median(weight)) & (off < max(3.0 * np.median(off[keep]), 0.02))
    return plane


def _smooth(bend: Floats, weight: Floats) -> Floats:
    """The bend with unsure tiles filled from their neighbours."""
    sure = np.where(weight > 0.3 * np.median(weight), weight, 0.0) + 1e-9
    steady = ndimage.median_filter(bend, 3, mode="nearest")
    value = np.where(np.abs(bend - steady) < 0.15, bend, steady)
    return np.asarray(ndimage.gaussian_filter(value * sure, 0.8, mode="nearest")) / ndimage.gaussian_filter(
        sure, 0.8, mode="nearest"
    )


def find_turn(coverage: Levels) -> float:
    """How far a page without a grid is turned clockwise: level lines then gather in the fewest rows."""
    y, x = np.nonzero(coverage > 0.5)
    if not len(x):
        return 0.0
    step = max(len(x) // MOST_POINTS, 1)
    x, y = x[::step].astype(np.float64), y[::step].astype(np.float64)

    def gathered(turn: float) -> float:
        counts = np.bincount(np.rint(y - np.tan(turn) * x + coverage.shape[1]).astype(int))
        return float((counts.astype(np.float64) ** 2).sum())

    best = 0.0
    for reach, step_rad in ((np.radians(MOST_DEGREES), 0.002), (0.002, 0.0002)):
        turns = best + np.arange(-reach, reach + step_rad / 2, step_rad)
        best = float(max(turns, key=gathered))
    return best if abs(best) > 0.0004 else 0.0
