"""How a page looks: everything that is the same on all pages of a style."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from twelvelead.errors import ParamsError
from twelvelead.params import Synthesize

WINDOW_S = 10.0
PULSE_S = 0.2
PULSE_MV = 1.0
MIN_ROW_MM = 5.0  # half a millivolt: below, rows are a tangle
MIN_RIGHT_MM = 3.0
MM_PER_INCH = 25.4
PAPERS_MM = {"a4": (297.0, 210.0), "letter": (279.4, 215.9)}  # landscape

GRIDS = ("red", "pink", "grey", "blue", "beige", "none")
GRID_FORMS = ("lines", "dotted", "faint", "coarse")
INKS = ("black", "blue", "violet", "brown")
FONTS = ("strokes", "sans", "serif", "mono")
PULSES = ("left", "right", "both", "none")
SEPARATORS = ("tick", "line", "dashed", "double", "none")
ORDERS = ("standard", "cabrera")
TIMINGS = ("sequential", "simultaneous")


@dataclass(frozen=True, slots=True)
class Form:
    """What tells one layout from another: rows, columns, rhythm strips, margins in mm, size of a name."""

    rows: int
    columns: int
    rhythm: tuple[str, ...]
    pulse_mm: float  # bare paper before the pulse, and after it
    right_mm: float
    head_mm: float
    foot_mm: float
    name_height_mm: float
    median: bool = False


_GRID = (5.0, 15.0, 4.0, 8.0, 3.5)
FORMS = {
    "12x1": Form(12, 1, (), 2.5, 4.0, 0.0, 0.0, 4.5),
    "6x2": Form(6, 2, (), *_GRID),
    "6x2+1r": Form(6, 2, ("II",), *_GRID),
    "3x4": Form(3, 4, (), *_GRID),
    "3x4+1r": Form(3, 4, ("II",), *_GRID),
    "3x4+3r": Form(3, 4, ("V1", "II", "V5"), *_GRID),
    "4x3": Form(4, 3, (), *_GRID),
    "4x3+1r": Form(4, 3, ("II",), *_GRID),
    "median": Form(3, 4, ("V1", "II", "V5"), *_GRID, median=True),
}
_CHOICES = {
    "layout": tuple(FORMS), "grid": GRIDS, "grid_form": GRID_FORMS, "ink": INKS, "font": FONTS,
    "pulse": PULSES, "separators": SEPARATORS, "order": ORDERS, "timing": TIMINGS,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PageStyle:
    """How a page looks; hashable, so that what depends on it alone is drawn once.

    Pixels are square. Without `px_mm_fixed` the page is as many millimetres wide as its layout needs at this
    speed, and as high as the pixels then are: 12x1 at 25 mm/s on 336 x 336 px is 264 x 264 mm, so that each
    lead has 22 mm or 28 px, one row of the tiny model's patches; 3x4+1r on 1120 x 560 px is 280 x 140 mm:
    two Mllama tiles of 560 px, four pixels a millimetre. With it the paper has a size of its own.

    Attributes:
        trace_mm: Width of the pen; 0 takes 0.35 mm, but never less than 1.4 px.
        chest_gain_mm_mv: Gain of V1 to V6; 0 is that of the limb leads.
        px_mm_fixed: Pixels a millimetre of a given paper; 0 fits the paper to the layout.
        grid_form: Solid lines, dots every millimetre, faint lines, or lines every 5 mm only.
        ink: Colour of the signals; what is printed stays black.
        pulse: Where the calibration pulses stand. Where a row's leads differ in gain, both ends have one.
        order: Cabrera's is aVL, I, -aVR, II, aVF, III.
        timing: Columns show consecutive stretches of time, or all the same one.
        rhythm: Leads of the long strips; empty takes the layout's.

    Raises:
        ParamsError: A word is unknown, a size is not positive, or the leads do not fit on the paper.
    """

    layout: str = "12x1"
    width_px: int = 336
    height_px: int = 336
    speed_mm_s: float = 25.0
    gain_mm_mv: float = 10.0
    grid: str = "red"
    trace_mm: float = 0.0
    chest_gain_mm_mv: float = 0.0
    px_mm_fixed: float = 0.0
    grid_form: str = "lines"
    ink: str = "black"
    font: str = "strokes"
    pulse: str = "left"
    separators: str = "tick"
    order: str = "standard"
    timing: str = "sequential"
    rhythm: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for key, known in _CHOICES.items():
            if (value := getattr(self, key)) not in known:
                raise ParamsError(
                    f"there is no {key} {value!r}", where=f"synthesize.{key}", expected=", ".join(known)
                )
        for key in ("width_px", "height_px", "speed_mm_s", "gain_mm_mv"):
            if not 0 < (value := getattr(self, key)) < math.inf:
                raise ParamsError(f"is {value}", where=f"synthesize.{key}", expected="a positive number")
        for key in ("trace_mm", "chest_gain_mm_mv", "px_mm_fixed"):
            if not 0 <= (value := getattr(self, key)) < math.inf:
                raise ParamsError(f"is {value}", where=f"synthesize.{key}", expected="0 or a positive number")
        if len(self.strips_below) != len(self.form.rhythm):
            raise ParamsError(
                f"names {len(self.rhythm)} leads",
                where="synthesize.rhythm",
                expected=f"none, or the {len(self.form.rhythm)} of layout {self.layout}",
            )
        if self.right_mm < MIN_RIGHT_MM - 1e-6:
            raise ParamsError(
                f"{self.width_px} px are {self.width_mm:.0f} mm, too narrow for {WINDOW_S:g} s at "
                f"{self.speed_mm_s:g} mm/s",
                where="synthesize.width_px",
                expected=f"at least {self.left_mm + WINDOW_S * self.speed_mm_s + MIN_RIGHT_MM:.0f} mm",
                fix="take larger paper, or a lower speed",
            )
        if self.row_mm < MIN_ROW_MM:
            raise ParamsError(
                f"{self.width_px} x {self.height_px} px leave {max(self.row_mm, 0):.1f} mm a row",
                where="synthesize.height_px",
                expected=f"at least {MIN_ROW_MM:g} mm",
                fix="make the page higher or less wide",
            )

    @classmethod
    def paper(cls, name: str, dpi: float = 203.2, **look: Any) -> Self:
        """A style on landscape A4 or letter; 203.2 dpi is 8 px/mm, which makes the grid exactly periodic.

        Raises:
            ParamsError: The paper is unknown, or the leads do not fit on it.
        """
        if name not in PAPERS_MM:
            raise ParamsError(
                f"there is no paper {name!r}", where="synthesize.paper", expected=", ".join(PAPERS_MM)
            )
        px_mm = dpi / MM_PER_INCH
        width_px, height_px = (round(side * px_mm) for side in PAPERS_MM[name])
        return cls(width_px=width_px, height_px=height_px, px_mm_fixed=px_mm, **look)

    @classmethod
    def from_params(cls, params: Synthesize) -> Self:
        """The style that the synthesize section asks for."""
        own = {
            field.name: getattr(params, field.name) for field in fields(cls) if hasattr(params, field.name)
        }
        if (name := getattr(params, "paper", "fit")) != "fit":
            for key in ("width_px", "height_px"):
                del own[key]
            return cls.paper(name, params.dpi, **own)
        return cls(**own)

    def but(self, **changes: Any) -> Self:
        """The same style with some fields changed."""
        return replace(self, **changes)

    @property
    def form(self) -> Form:
        """Rows, columns and margins of the layout."""
        return FORMS[self.layout]

    @property
    def strips_below(self) -> tuple[str, ...]:
        """Leads of the long strips."""
        return self.rhythm or self.form.rhythm

    @property
    def pulse_foot_mm(self) -> float:
        """Width of the calibration pulse."""
        return PULSE_S * self.speed_mm_s

    @property
    def left_mm(self) -> float:
        """Where time begins: behind the pulse."""
        return self.shift_mm + self._least_left_mm

    @property
    def shift_mm(self) -> float:
        """How far everything is moved to the right to stand in the middle of wider paper."""
        if not self.px_mm_fixed:
            return 0.0
        needed = self._least_left_mm + WINDOW_S * self.speed_mm_s + self._wanted_right_mm
        return max(self.width_px / self.px_mm_fixed - needed, 0.0) / 2

    @property
    def split_gain(self) -> bool:
        """Whether limb and chest leads differ in gain."""
        return self.chest_gain_mm_mv not in (0.0, self.gain_mm_mv)

    @property
    def px_mm(self) -> float:
        """Pixels a millimetre."""
        if self.px_mm_fixed:
            return self.px_mm_fixed
        return self.width_px / (self._least_left_mm + WINDOW_S * self.speed_mm_s + self._wanted_right_mm)

    @property
    def width_mm(self) -> float:
        """Width of the paper."""
        return self.width_px / self.px_mm

    @property
    def height_mm(self) -> float:
        """Height of the paper."""
        return self.height_px / self.px_mm

    @property
    def right_mm(self) -> float:
        """Bare paper behind the last sample, with a pulse on it or not."""
        return self.width_mm - self.left_mm - WINDOW_S * self.speed_mm_s

    @property
    def row_mm(self) -> float:
        """Height of one row of leads without any header; for 12x1 a whole number of pixels."""
        if self.layout == "12x1":
            return math.floor(self.height_px / self.form.rows) / self.px_mm
        rows = self.form.rows + len(self.form.rhythm)
        return (self.height_mm - self.form.head_mm - self.form.foot_mm) / rows

    def gain_of(self, lead: int) -> float:
        """Gain in mm/mV of a lead, by its row in LEADS."""
        return self.chest_gain_mm_mv if lead >= 6 and self.split_gain else self.gain_mm_mv

    @property
    def scale(self) -> str:
        """What the footer says of speed and gain."""
        speed = f"{self.speed_mm_s:g} mm/s"
        if self.split_gain:
            return f"{speed}  limb {self.gain_mm_mv:g} mm/mV  chest {self.chest_gain_mm_mv:g} mm/mV"
        return f"{speed}  {self.gain_mm_mv:g} mm/mV"

    @property
    def footer(self) -> str:
        """The scale, and what else a reader must know to read the page right."""
        if self.form.median:
            return f"{self.scale}  median complexes"
        alike = self.timing == "simultaneous" and self.form.columns > 1
        return f"{self.scale}  simultaneous" if alike else self.scale

    @property
    def _least_left_mm(self) -> float:
        return self.form.pulse_mm + self.pulse_foot_mm + self.form.pulse_mm

    @property
    def _wanted_right_mm(self) -> float:
        needs_pulse = self.pulse in ("right", "both") or self.split_gain
        pulse = 2 * self.form.pulse_mm + self.pulse_foot_mm if needs_pulse else 0.0
        return max(self.form.right_mm, pulse)
