"""Where everything lies on the paper, in millimetres from the top left corner; pixels come last.

25 mm/s and 10 mm/mV are the standard scale of a paper electrocardiogram, and the calibration pulse is
1 mV for 200 ms: 10 mm high and 5 mm wide at that scale (AHA/ACC/HRS 2007 recommendations, part I,
doi:10.1161/CIRCULATIONAHA.106.180200).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from twelvelead.ecg.lead import LEADS
from twelvelead.errors import ParamsError
from twelvelead.paper.style import FORMS, MIN_ROW_MM, PULSE_MV, PULSE_S, WINDOW_S, PageStyle

__all__ = ["FORMS", "PULSE_MV", "PULSE_S", "WINDOW_S", "Layout", "PageStyle", "Pulse", "Strip", "lay_out"]

# Cabrera's sequence turns clockwise through the frontal plane in steps of 30 degrees (Dower 1990).
ORDERS = {
    "standard": tuple((lead, 1.0) for lead in range(len(LEADS))),
    "cabrera": (
        *((LEADS.index(name), sign) for name, sign in (
            ("aVL", 1.0), ("I", 1.0), ("aVR", -1.0), ("II", 1.0), ("aVF", 1.0), ("III", 1.0)
        )),
        *((lead, 1.0) for lead in range(6, len(LEADS))),
    ),
}  # fmt: skip
MEDIAN_S = 1.2  # of a median complex: room for the P of a long PR and the T of a long QT
MEDIAN_BEFORE_S = 0.45  # of it, before the R wave


@dataclass(frozen=True, slots=True)
class Strip:
    """One lead over one stretch of time.

    Attributes:
        lead: Row of the signal, in the order of `LEADS`.
        start_s: First instant shown, at `left_mm`.
        end_s: Last instant shown.
        baseline_mm: Height of 0 mV.
        name_mm: Left end of the base line of the lead's name.
        gain_mm_mv: Its scale.
        sign: -1 where the lead is shown upside down (-aVR).
        median: Shows the median complex instead; time runs from `start_s` before its R wave.
        rhythm: A long strip below the others.
    """

    lead: int
    start_s: float
    end_s: float
    left_mm: float
    top_mm: float
    bottom_mm: float
    baseline_mm: float
    name_mm: tuple[float, float]
    gain_mm_mv: float = 10.0
    sign: float = 1.0
    median: bool = False
    rhythm: bool = False

    @property
    def name(self) -> str:
        """What is printed beside it."""
        return ("-" if self.sign < 0 else "") + LEADS[self.lead]


@dataclass(frozen=True, slots=True)
class Pulse:
    """A calibration pulse: left foot, and the gain it shows."""

    x_mm: float
    y_mm: float
    gain_mm_mv: float


@dataclass(frozen=True, slots=True)
class Layout:
    """A page in millimetres.

    Attributes:
        strips: The traces.
        pulses: Calibration pulses.
        separators_mm: Column separators: x, top, bottom of the row.
        footer_mm: Left end of the base line of the scale's text.
        name_height_mm: Height of a capital letter of the names.
        header_mm: Left end of the base line of the header's first line.
    """

    strips: tuple[Strip, ...]
    pulses: tuple[Pulse, ...]
    separators_mm: tuple[tuple[float, float, float], ...]
    footer_mm: tuple[float, float]
    name_height_mm: float
    header_mm: tuple[float, float]


def lay_out(style: PageStyle, header_mm: float = 0.0) -> Layout:
    """Place strips, pulses, separators and lettering of a style.

    Args:
        style: The page.
        header_mm: Room to keep free for lines of text above the leads.

    Raises:
        ParamsError: The header leaves too little room for the leads.
    """
    form, left = style.form, style.left_mm
    rows = form.rows + len(style.strips_below)
    header_mm, band_mm = _bands(style, header_mm, rows)
    column_s = WINDOW_S / form.columns
    order = ORDERS[style.order]
    strips: list[Strip] = []
    pulses: list[Pulse] = []
    separators = []
    for band in range(rows):
        top = form.head_mm + header_mm + band * band_mm
        middle = top + band_mm / 2
        whole = band >= form.rows
        row: list[Strip] = []
        for column in range(1 if whole else form.columns):
            x = left + column * column_s * style.speed_mm_s
            lead, sign = (
                (LEADS.index(style.strips_below[band - form.rows]), 1.0)
                if whole
                else order[column * form.rows + band]
            )
            start, end = _stretch(style, column, column_s, whole)
            # A column of its own has room for names beside the trace; others carry them above it.
            name = (style.shift_mm + 1.0, middle) if form.columns == 1 else (x + 1.5, top)
            row.append(
                Strip(
                    lead, start, end, x, top, top + band_mm, middle,
                    (name[0], name[1] + form.name_height_mm + 1.5),
                    style.gain_of(lead), sign, form.median and not whole, whole,
                )
            )  # fmt: skip
            if column and not form.median:  # between complexes that are apart there is nothing to separate
                separators.append((x, top, top + band_mm))
        pulses += _pulses(style, row, middle)
        strips += row
    header = (left, form.head_mm + 2.0)
    return Layout(
        tuple(strips),
        tuple(pulses),
        tuple(separators),
        (left, style.height_mm - 2.0),
        form.name_height_mm,
        header,
    )


def _bands(style: PageStyle, header_mm: float, rows: int) -> tuple[float, float]:
    """Heights of the header and of a row, both whole pixels on a page of one column."""
    if not header_mm:
        return 0.0, style.row_mm
    if style.layout == "12x1":
        header_px = math.ceil(header_mm * style.px_mm)
        header_mm, band_mm = header_px / style.px_mm, (style.height_px - header_px) // rows / style.px_mm
    else:
        band_mm = style.row_mm - header_mm / rows
    if band_mm < MIN_ROW_MM:
        raise ParamsError(
            f"{header_mm:.0f} mm of text leave {max(band_mm, 0):.1f} mm a row",
            where="synthesize.words",
            expected=f"at least {MIN_ROW_MM:g} mm",
            fix="print fewer lines, or make the page higher",
        )
    return header_mm, band_mm


def _stretch(style: PageStyle, column: int, column_s: float, whole: bool) -> tuple[float, float]:
    if whole:
        return 0.0, WINDOW_S
    if style.form.median:
        return -MEDIAN_BEFORE_S, MEDIAN_S - MEDIAN_BEFORE_S
    if style.timing == "simultaneous":
        return 0.0, column_s
    return column * column_s, (column + 1) * column_s


def _pulses(style: PageStyle, row: list[Strip], y_mm: float) -> list[Pulse]:
    """The pulses of a row; one that stands alone must not speak for leads of another gain."""
    first, last = row[0].gain_mm_mv, row[-1].gain_mm_mv
    pad = style.form.pulse_mm
    at_left = Pulse(style.shift_mm + pad, y_mm, first)
    end = style.left_mm + WINDOW_S * style.speed_mm_s
    at_right = Pulse(end + min(pad, (style.right_mm - style.pulse_foot_mm) / 2), y_mm, last)
    room = style.right_mm >= style.pulse_foot_mm + 1.0
    if style.pulse == "none":
        return []
    if style.pulse == "both" or first != last:
        return [at_left, at_right] if room else [at_left]
    return [at_right] if style.pulse == "right" and room else [at_left]
