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
from twelvelead.params import Synthesize

WINDOW_S = 10.0
MIN_ROW_MM = 5.0  # half a millivolt: below, rows are a tangle
PULSE_S = 0.2
PULSE_MV = 1.0
RHYTHM_LEAD = LEADS.index("II")
GRIDS = ("red", "grey", "none")


@dataclass(frozen=True, slots=True)
class PageStyle:
    """How a page looks; hashable, so that what depends on it alone is drawn once.

    Pixels are square: the page is as many millimetres wide as its layout needs at this speed, and as high
    as the pixels then are. 12x1 at 25 mm/s on 336 x 336 px is 264 x 264 mm, so that each lead has 22 mm or
    28 px, one row of the tiny model's patches. 3x4+1r on 1120 x 560 px is 280 x 140 mm: two Mllama tiles
    of 560 px, four pixels a millimetre.

    Attributes:
        trace_mm: Width of the pen; 0 takes 0.35 mm, but never less than 1.4 px.

    Raises:
        ParamsError: The layout or the grid is unknown, a size is not positive, or a row would be too low.
    """

    layout: str = "12x1"
    width_px: int = 336
    height_px: int = 336
    speed_mm_s: float = 25.0
    gain_mm_mv: float = 10.0
    grid: str = "red"
    trace_mm: float = 0.0

    def __post_init__(self) -> None:
        for key, known in (("layout", tuple(_FORMS)), ("grid", GRIDS)):
            if (value := getattr(self, key)) not in known:
                raise ParamsError(
                    f"there is no {key} {value!r}", where=f"synthesize.{key}", expected=", ".join(known)
                )
        for key in ("width_px", "height_px", "speed_mm_s", "gain_mm_mv"):
            if not 0 < (value := getattr(self, key)) < math.inf:
                raise ParamsError(f"is {value}", where=f"synthesize.{key}", expected="a positive number")
        if self.row_mm < MIN_ROW_MM:
            raise ParamsError(
                f"{self.width_px} x {self.height_px} px leave {max(self.row_mm, 0):.1f} mm a row",
                where="synthesize.height_px",
                expected=f"at least {MIN_ROW_MM:g} mm",
                fix="make the page higher or less wide",
            )

    @property
    def px_mm(self) -> float:
        """Pixels a millimetre."""
        form = _FORMS[self.layout]
        return self.width_px / (_left_mm(form, self.speed_mm_s) + WINDOW_S * self.speed_mm_s + form.right_mm)

    @property
    def row_mm(self) -> float:
        """Height of one row of leads."""
        form = _FORMS[self.layout]
        return (self.height_px / self.px_mm - form.head_mm - form.foot_mm) / (form.rows + form.rhythm)

    @classmethod
    def from_params(cls, params: Synthesize) -> PageStyle:
        """The style that the synthesize section asks for."""
        return cls(
            layout=params.layout,
            width_px=params.width_px,
            height_px=params.height_px,
            speed_mm_s=params.speed_mm_s,
            gain_mm_mv=params.gain_mm_mv,
            grid=params.grid,
        )


@dataclass(frozen=True, slots=True)
class Strip:
    """One lead over one stretch of time.

    Attributes:
        lead: Row of the signal, in the order of `LEADS`.
        start_s: First instant shown, at `left_mm`.
        end_s: Last instant shown.
        baseline_mm: Height of 0 mV.
        name_mm: Left end of the base line of the lead's name.
    """

    lead: int
    start_s: float
    end_s: float
    left_mm: float
    top_mm: float
    bottom_mm: float
    baseline_mm: float
    name_mm: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Layout:
    """A page in millimetres.

    Attributes:
        strips: The traces.
        pulses_mm: Left foot of each calibration pulse.
        separators_mm: Column separators: x, top, bottom.
        footer_mm: Left end of the base line of the scale's text.
        name_height_mm: Height of a capital letter of the names.
    """

    strips: tuple[Strip, ...]
    pulses_mm: tuple[tuple[float, float], ...]
    separators_mm: tuple[tuple[float, float, float], ...]
    footer_mm: tuple[float, float]
    name_height_mm: float


@dataclass(frozen=True, slots=True)
class _Form:
    """What tells one layout from another: margins in mm, rows, columns, where a name stands."""

    rows: int
    columns: int
    rhythm: bool
    pulse_mm: float  # bare paper before the pulse, and after it
    right_mm: float
    head_mm: float
    foot_mm: float
    name_height_mm: float


_FORMS = {
    "12x1": _Form(12, 1, False, 2.5, 4.0, 0.0, 0.0, 4.5),
    "3x4+1r": _Form(3, 4, True, 5.0, 15.0, 4.0, 8.0, 3.5),
}


def _left_mm(form: _Form, speed_mm_s: float) -> float:
    """Where time begins: behind the pulse."""
    return form.pulse_mm + PULSE_S * speed_mm_s + form.pulse_mm


def lay_out(style: PageStyle) -> Layout:
    """Place strips, pulses, separators and lettering of a style."""
    form = _FORMS[style.layout]
    left = _left_mm(form, style.speed_mm_s)
    band_mm = style.row_mm
    column_s = WINDOW_S / form.columns
    strips, pulses, separators = [], [], []
    for band in range(form.rows + form.rhythm):
        top = form.head_mm + band * band_mm
        middle = top + band_mm / 2
        pulses.append((form.pulse_mm, middle))
        whole = band == form.rows
        for column in range(1 if whole else form.columns):
            x = left + column * column_s * style.speed_mm_s
            # A column of its own has room for names beside the trace; four columns carry them above it.
            name = (1.0, middle) if form.columns == 1 else (x + 1.5, top)
            strips.append(
                Strip(
                    lead=RHYTHM_LEAD if whole else column * form.rows + band,
                    start_s=column * column_s,
                    end_s=WINDOW_S if whole else (column + 1) * column_s,
                    left_mm=x,
                    top_mm=top,
                    bottom_mm=top + band_mm,
                    baseline_mm=middle,
                    name_mm=(name[0], name[1] + form.name_height_mm + 1.5),
                )
            )
            if column:
                separators.append((x, middle - 4.0, middle + 4.0))
    return Layout(
        tuple(strips),
        tuple(pulses),
        tuple(separators),
        (left, style.height_px / style.px_mm - 2.0),
        form.name_height_mm,
    )
