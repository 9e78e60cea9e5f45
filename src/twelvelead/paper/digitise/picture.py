"""A picture of a page becomes a signal again, for pages of ours: clean, or scanned.

Ink is told from grid by its colour, the grid gives scale, rotation and bend, the calibration pulses give 0 mV
and time; each trace is followed column by column through what is left. There is no model in it. Lettering is
not read, so the order of the leads is one of the two that are printed, told apart by Einthoven's law.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twelvelead.ecg.lead import LEADS
from twelvelead.errors import ParamsError, RecordError
from twelvelead.paper.digitise.calibration import Lattice, find_lattice, find_turn, level_out
from twelvelead.paper.digitise.frame import Frame, find_frame
from twelvelead.paper.digitise.hints import Hints
from twelvelead.paper.digitise.ink import find_ink, open_picture
from twelvelead.paper.digitise.pulse import find_pulses, lean_of
from twelvelead.paper.digitise.reading import Reading, places, read_strips
from twelvelead.paper.digitise.run import find_runs, pen_px
from twelvelead.paper.layout import MEDIAN_S
from twelvelead.paper.style import FORMS, WINDOW_S

Floats = NDArray[np.float64]

CERTAIN = 0.3  # Einthoven's law must hold that much better in the one order
FINE_PX_MM = 6.5  # coarser pages are looked at enlarged: ink between two columns counts
LEAST_PX_MM = 2.5
USUAL_MM = 280.0  # width of a page whose scale is not known
LEANS = 2e-4  # radians
FAR_FS_HZ = 20_000.0


@dataclass(frozen=True, slots=True, eq=False)
class Digitised:
    """What was on a page.

    Attributes:
        signal_mv: (12, n) mV over ten seconds, rows in the order of LEADS; NaN where the page shows nothing.
        fs_hz: Samples a second.
        px_mm: Pixels a millimetre of the picture.
        layout: One of FORMS.
        speed_mm_s: Of the paper.
        gain_mm_mv: Of the limb leads.
        turn_rad: How far the sheet lay turned clockwise.
        median_mv: (12, m) the median complexes of a page that shows them, else None.
        warnings: What was guessed or is missing.
    """

    signal_mv: Floats
    fs_hz: float
    px_mm: float
    layout: str
    speed_mm_s: float
    gain_mm_mv: float
    turn_rad: float
    median_mv: Floats | None
    warnings: tuple[str, ...]


def digitise(picture: bytes | NDArray[Any], fs_hz: float = 500.0, hints: Hints | None = None) -> Digitised:
    """Recover the signals of a page.

    Args:
        picture: A PNG or JPEG file, or (height, width) grey or (height, width, 3) RGB.
        fs_hz: Samples a second that are wanted.
        hints: What is known of the page.

    Raises:
        RecordError: It is no picture, shows no ECG, or nothing tells its scale.
        ParamsError: The rate is not positive.
    """
    if not 0 < fs_hz <= FAR_FS_HZ:
        raise ParamsError(f"is {fs_hz}", where="fs_hz", expected=f"a number of Hz up to {FAR_FS_HZ:g}")
    known = hints or Hints()
    image = open_picture(picture) if isinstance(picture, bytes) else picture
    ink = find_ink(image)
    lattice = find_lattice(ink.grid)
    flat = lattice or Lattice.level(image.shape[1] / USUAL_MM, find_turn(ink.coverage))
    finer = 2 if flat.px_mm < FINE_PX_MM else 1
    coverage = level_out(ink.coverage, flat, finer)
    runs = find_runs(coverage)
    if not pen_px(runs):
        raise RecordError("there is no ECG trace on the picture", expected="rows of leads in dark ink")
    if lattice is None:
        groups = find_pulses(coverage, runs, flat.px_mm * finer, pen_px(runs))
        if abs(lean := lean_of(coverage, groups, pen_px(runs))) > LEANS:
            flat = Lattice.level(flat.px_mm, flat.turn_rad + lean)
            coverage = level_out(ink.coverage, flat, finer)
            runs = find_runs(coverage)
    pen = pen_px(runs)
    frame = find_frame(
        coverage, runs, pen, flat.px_mm * finer, lattice is not None, known.layout, known.speed_mm_s
    )
    if frame.px_mm / finer < LEAST_PX_MM:
        raise RecordError(
            f"the page has {frame.px_mm / finer:.1f} px/mm",
            expected=f"{LEAST_PX_MM:g} px/mm at least: a trace must be told from its neighbours",
            fix="draw or scan it with more pixels",
        )
    strips = read_strips(coverage, runs, pen, frame, known, fs_hz)
    return _joined(strips, frame, finer, known, fs_hz, flat.turn_rad)


def _joined(
    strips: tuple[Reading, ...], frame: Frame, finer: int, known: Hints, fs_hz: float, turn_rad: float
) -> Digitised:
    """Twelve leads of the strips; where a lead has two, the long one counts and the other fills its gaps."""
    order = known.order or _order(strips)
    count = round(WINDOW_S * fs_hz)
    signal = np.full((len(LEADS), count), np.nan)
    median = np.full((len(LEADS), round(MEDIAN_S * fs_hz) + 1), np.nan)
    warnings = list(frame.warnings)
    placed = places(frame, known, order)
    for strip, reading in sorted(zip(placed, strips, strict=True), key=lambda one: not one[0].rhythm):
        if not np.isfinite(reading.signal_mv).any():
            warnings.append(f"{strip.name}: no trace where it should be")
        own = reading.signal_mv * strip.sign
        if strip.median:
            median[strip.lead, : len(own)] = own[: median.shape[1]]
            continue
        first = math.ceil(strip.start_s * fs_hz - 1e-6)
        part = signal[strip.lead, first : first + len(own)]
        part[:] = np.where(np.isnan(part), own[: len(part)], part)
    if not np.isfinite(signal).any():
        raise RecordError("there is no ECG trace on the picture", expected="rows of leads in dark ink")
    return Digitised(
        signal, fs_hz, frame.px_mm / finer, frame.layout, frame.speed_mm_s,
        strips[0].gain_px_mv / frame.px_mm,
        turn_rad, median if FORMS[frame.layout].median else None, tuple(warnings),
    )  # fmt: skip


def _order(strips: tuple[Reading, ...]) -> str:
    """Standard, unless the limb leads obey Einthoven's law in Cabrera's order and not in the standard one."""
    limb = [reading.signal_mv for reading in strips if reading.limb]
    ranks = [reading.rank for reading in strips if reading.limb]
    by_rank = dict(zip(ranks, limb, strict=True))
    size = min(len(by_rank[rank]) for rank in range(3))
    one, two, three = (by_rank[rank][:size] for rank in range(3))
    power = np.nanmean(one**2 + two**2 + three**2) if np.isfinite(one + two + three).any() else 0.0
    if not power:
        return "standard"
    standard = np.nanmean((one + three - two) ** 2) / power  # I + III = II
    cabrera = np.nanmean((one + three - 1.5 * two) ** 2) / power  # aVL + -aVR = 1.5 I
    return "cabrera" if cabrera < CERTAIN * standard else "standard"
