"""What may be known of a page before it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from twelvelead.errors import ParamsError
from twelvelead.paper.style import FORMS, ORDERS, TIMINGS, PageStyle


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known of a page; "" and 0 are found out.

    Attributes:
        layout: One of FORMS.
        speed_mm_s: Of the paper.
        gain_mm_mv: Of all leads.
        order: "standard" or "cabrera".
        timing: "sequential" or "simultaneous"; not to be seen on a page.
        rhythm: Leads of the long strips; the layout's, if empty.
    """

    layout: str = ""
    speed_mm_s: float = 0.0
    gain_mm_mv: float = 0.0
    order: str = ""
    timing: str = "sequential"
    rhythm: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        known = {"layout": tuple(FORMS), "order": ORDERS, "timing": TIMINGS}
        for key, words in known.items():
            if (value := getattr(self, key)) and value not in words:
                raise ParamsError(f"there is no {key} {value!r}", where=key, expected=", ".join(words))

    @classmethod
    def of(cls, style: PageStyle) -> Self:
        """All that a style tells, as from `read_sidecar(…).scene.style`."""
        gain = 0.0 if style.split_gain else style.gain_mm_mv
        return cls(style.layout, style.speed_mm_s, gain, style.order, style.timing, style.rhythm)
