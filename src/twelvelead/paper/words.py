"""What may be printed above the leads: who, measurements, an interpretation, bars over what is hidden.

Such text can give the answer away; a model that can read would learn to read it instead of the leads. So it
is off unless asked for, and cannot be had at all on the folds that choose and report.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twelvelead.errors import LeakageError, ParamsError
from twelvelead.paper.style import PageStyle

EVALUATED_FOLDS = (9, 10)
LINE_MM = 4.2
TEXT_MM = 2.6  # of a capital
_SCALE = re.compile(r"(\d+(?:\.\d+)?)\s*mm/(s|mV)\b")


@dataclass(frozen=True, slots=True)
class Words:
    """Lines of text of a page.

    Attributes:
        identity: Name, number, age, sex, date: top left.
        measurements: Rate, intervals, axes, as a machine lists them: top middle.
        interpretation: A machine's statements, who confirmed them: top right.
        footer: Behind the scale at the foot, such as "40Hz  12SL".
        redaction: Numbers of the identity lines that are blacked out.
    """

    identity: tuple[str, ...] = ()
    measurements: tuple[str, ...] = ()
    interpretation: tuple[str, ...] = ()
    footer: str = ""
    redaction: tuple[int, ...] = ()

    @property
    def lines(self) -> int:
        """Lines of the header."""
        return max(len(self.identity), len(self.measurements), len(self.interpretation))

    @property
    def header_mm(self) -> float:
        """Room that the header takes above the leads."""
        return self.lines * LINE_MM + 1.0 if self.lines else 0.0

    def check_scale(self, style: PageStyle) -> None:
        """Refuse a footer that tells another scale than the page has.

        Raises:
            ParamsError: It names a speed or gain that is not the style's.
        """
        true = {"s": {style.speed_mm_s}, "mV": {style.gain_mm_mv, style.gain_of(6)}}
        for value, unit in _SCALE.findall(self.footer):
            if float(value) not in true[unit]:
                raise ParamsError(
                    f"the footer says {value} mm/{unit}",
                    where="words.footer",
                    expected=style.scale,
                    fix="leave the scale out: every page prints its own",
                )

    def __bool__(self) -> bool:
        return self != Words()


def allowed(words: Words, fold: int, where: str = "") -> Words:
    """The same words, if they may be printed on a page of this fold.

    Raises:
        LeakageError: The fold is evaluated and anything at all would be printed.
    """
    if words and fold in EVALUATED_FOLDS:
        raise LeakageError(
            f"text would be printed on a page of fold {fold}",
            where=where or "synthesize.words",
            expected="only lead names and the scale on folds that choose and report",
        )
    return words


def measurement_lines(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """The block of measurements as 12-lead machines print it; what was not measured is left out.

    Args:
        facts: rate_bpm, pr_ms, qrs_ms, qt_ms, qtc_ms, axis_deg, as validation measures them.
    """
    lines = []
    for title, name, unit in (
        ("Vent. rate", "rate_bpm", "BPM"), ("PR interval", "pr_ms", "ms"), ("QRS duration", "qrs_ms", "ms"),
    ):  # fmt: skip
        if (value := _known(facts, name)) is not None:
            lines.append(f"{title} {value:.0f} {unit}")
    qt, qtc = _known(facts, "qt_ms"), _known(facts, "qtc_ms")
    if qt is not None and qtc is not None:
        lines.append(f"QT/QTc {qt:.0f}/{qtc:.0f} ms")
    elif qtc is not None:
        lines.append(f"QTc {qtc:.0f} ms")
    if (axis := _known(facts, "axis_deg")) is not None:
        lines.append(f"R axis {axis:.0f}°")
    return tuple(lines)


def _known(facts: Mapping[str, Any], name: str) -> float | None:
    value = facts.get(name)
    return None if value is None or math.isnan(float(value)) else float(value)
