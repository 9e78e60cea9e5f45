"""One page's truth: the statements, measured values and remarks that its record carries, and nothing else.

Values are rounded once, here, to what a page can show; questions with limits, answers and reports all speak
of the rounded value, so that none contradicts another.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twelvelead.ecg.lead import LEADS
from twelvelead.ecg.statement import STATEMENTS, statement
from twelvelead.instruct.sample import Item

KINDS = ("statement", "subclass", "superclass", "group", "axis", "stage", "noise", "sign", "numeric")
GROUPS = ("diagnostic", "form", "rhythm")
AXES = ("normal", "left", "right", "extreme")
STAGES = ("I", "I-II", "II", "II-III", "III", "unknown")
NOISES = ("baseline_drift", "static_noise", "burst_noise", "electrodes_problems")
SIGNS = ("irregular", "p_present")
EXPECTED = ("NORM", "SR")
"""What no task group counts as a finding."""
SUPERCLASSES: dict[str, tuple[str, ...]] = {}
SUBCLASSES: dict[str, tuple[str, ...]] = {}
for _code, _row in STATEMENTS.items():
    if _row.superclass and _row.subclass:
        SUPERCLASSES[_row.superclass] = (*SUPERCLASSES.get(_row.superclass, ()), _code)
        SUBCLASSES[_row.subclass] = (*SUBCLASSES.get(_row.subclass, ()), _code)

_STEPS: dict[str, tuple[str, int, int]] = {  # unit, multiple of, fraction of the unit
    "rate_bpm": ("bpm", 1, 1),
    "p_ms": ("ms", 5, 1),
    "pr_ms": ("ms", 5, 1),
    "qrs_ms": ("ms", 5, 1),
    "qt_ms": ("ms", 5, 1),
    "qtc_ms": ("ms", 5, 1),
    "axis_deg": ("degrees", 5, 1),
    "premature_beats": ("", 1, 1),
    "ectopic_beats": ("", 1, 1),
}
WAVES = ("p_mv", "q_mv", "r_mv", "s_mv", "st_mv", "t_mv")
MEASURES = tuple(_STEPS)
"""Facts with a number; beside them `<wave>.<lead>` in steps of 0.1 mV where the index has lead values."""
_WAVE_STEP = ("mV", 1, 10)


def unit(name: str) -> str:
    """Unit of a measured fact; "" for a count."""
    return _STEPS.get(name, _WAVE_STEP)[0]


def step(name: str) -> float:
    """What a fact is rounded to, in its unit."""
    _, multiple, parts = _STEPS.get(name, _WAVE_STEP)
    return multiple / parts


def rounded(name: str, value: float) -> float:
    """A measured value as it is spoken of."""
    _, multiple, parts = _STEPS.get(name, _WAVE_STEP)
    return math.floor(value * parts / multiple + 0.5) * multiple / parts


def rounded_column(name: str, values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """`rounded` of a whole column, the same to the last bit; NaN stays NaN."""
    _, multiple, parts = _STEPS.get(name, _WAVE_STEP)
    column: NDArray[np.float64] = (
        np.floor(values.astype(np.float64) * parts / multiple + 0.5) * multiple / parts
    )
    return column


def normal_range(name: str, sex: str) -> tuple[float, float] | None:
    """Lowest and highest normal value of a fact, both normal themselves; None where no source gives one.

    Rate 60–100/min and PR 120–200 ms (Mason 2007, Kusumoto 2018), P below 120 ms (Hancock 2009), QRS up
    to 110 ms and axis −30 to 90 degrees (Surawicz 2009), QTc above 390 and below 450 ms in men, 460 ms in
    women (Rautaharju 2009): AHA/ACC/HRS statements on the standardisation of the ECG, parts II to V.
    """
    if name == "qtc_ms":
        return {"male": (391.0, 449.0), "female": (391.0, 459.0)}.get(sex)
    return {
        "rate_bpm": (60.0, 100.0),
        "p_ms": (-math.inf, 119.0),
        "pr_ms": (120.0, 200.0),
        "qrs_ms": (-math.inf, 110.0),
        "axis_deg": (-30.0, 90.0),
    }.get(name)


def axis_class(degrees: float) -> str:
    """Class of a frontal axis, of AXES: deviations begin beyond −30 and 90 degrees (Surawicz 2009)."""
    if -30 <= degrees <= 90:
        return "normal"
    if degrees > 90:
        return "right"
    return "left" if degrees >= -90 else "extreme"


# PTB-XL's German Lagetyp (specs: Linkstyp −30…30 is no deviation) and its English deviations.
_LAGETYP = {"MID": "normal", "LAD": "normal", "ALAD": "left", "AXL": "left"} | dict.fromkeys(
    ("RAD", "ARAD", "AXR"), "right"
)


@dataclass(frozen=True, slots=True)
class Case:
    """The truth of one page.

    Attributes:
        record_id, page_id: Whose.
        fold: 1 to 10.
        codes: SCP code → likelihood in percent, in the order of the standard; 0 means "not stated".
        facts: Measured values that are known, never NaN: MEASURES, SIGNS (0 or 1), `<wave>.<lead>`.
        age, sex: Years (NaN unknown), "male", "female" or "".
        axis: Of AXES, from the measured axis, else from the reader's heart_axis; "" unknown.
        stage: Of STAGES; "" where the record states none.
        noise: Kind of NOISES → leads, for the kinds that the index has a column of; () = none noted.
        subclasses, superclasses: Of the diagnostic statements, in the order of the standard.
    """

    record_id: str
    page_id: str
    fold: int
    codes: Mapping[str, float]
    facts: Mapping[str, float] = field(default_factory=dict)
    age: float = math.nan
    sex: str = ""
    axis: str = ""
    stage: str = ""
    noise: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    subclasses: tuple[str, ...] = ()
    superclasses: tuple[str, ...] = ()

    @classmethod
    def from_row(cls, row: Mapping[str, Any], page_id: str = "") -> Case:
        """The case of one row of the validated index; columns it lacks are unknown.

        Raises:
            DataError: It names a code that is no SCP statement.
        """
        stated = {entry["code"]: float(entry["likelihood"]) for entry in row["statements"]}
        for code in stated:
            statement(code)
        codes = {code: stated[code] for code in STATEMENTS if code in stated}
        rows = [STATEMENTS[code] for code in codes]
        facts = _facts(row)
        axis = axis_class(rounded("axis_deg", facts["axis_deg"])) if "axis_deg" in facts else ""
        return cls(
            record_id=str(row["record_id"]),
            page_id=page_id,
            fold=int(row["fold"]),
            codes=codes,
            facts=facts,
            age=_number(row.get("age")),
            sex=str(row.get("sex") or ""),
            axis=axis or _LAGETYP.get(_text(row.get("heart_axis")), ""),
            stage=_stage(_text(row.get("infarction_stadium1"))),
            noise=_noise(row),
            subclasses=tuple(dict.fromkeys(one.subclass for one in rows if one.subclass)),
            superclasses=tuple(dict.fromkeys(one.superclass for one in rows if one.superclass)),
        )

    def value(self, name: str) -> float | None:
        """A measured value as it is spoken of, None if unknown."""
        known = self.facts.get(name)
        return None if known is None else rounded(name, known)

    def band(self, name: str) -> str:
        """ "below", "within" or "above" the normal range; "" where value or range is unknown."""
        value, bounds = self.value(name), normal_range(name, self.sex)
        if value is None or bounds is None:
            return ""
        return "below" if value < bounds[0] else "above" if value > bounds[1] else "within"

    def holds(self, item: Item) -> bool | None:
        """Whether what a yes/no item asks is so; None where the record does not tell.

        A statement holds if it is named at all, whatever its likelihood, as PTB-XL's benchmark counts.
        """
        kind, target = item.kind, item.target
        if kind == "statement":
            return target in self.codes
        if kind == "subclass":
            return target in self.subclasses
        if kind == "superclass":
            return target in self.superclasses
        if kind == "group":
            return bool(self.of_group(target))
        if kind == "axis":
            return self.axis == target if self.axis else None
        if kind == "stage":
            return self.stage == target if self.stage else None
        if kind == "noise":
            leads = self.noise.get(target)
            return None if leads is None else item.lead in leads if item.lead else bool(leads)
        if kind == "sign":
            return bool(self.facts[target]) if target in self.facts else None
        return self._lies(item)

    def named(self, kind: str, target: str) -> list[str]:
        """Codes that the record states of a superclass, subclass or task group, the expected ones too."""
        if kind == "group":
            return [code for code in self.codes if getattr(STATEMENTS[code], target)]
        classes = SUBCLASSES if kind == "subclass" else SUPERCLASSES
        return [code for code in classes[target] if code in self.codes]

    def of_group(self, group: str) -> list[str]:
        """Codes of a task group that are findings: all but a normal ECG and sinus rhythm."""
        return [code for code in self.codes if code not in EXPECTED and getattr(STATEMENTS[code], group)]

    def _lies(self, item: Item) -> bool | None:
        value = self.value(item.target)
        if value is None:
            return None
        if item.low == -math.inf and item.high == math.inf:
            band = self.band(item.target)
            return band == "within" if band else None
        if item.high == math.inf:
            return value > item.low
        return value < item.high if item.low == -math.inf else item.low <= value <= item.high


def leads_named(remark: str) -> tuple[str, ...]:
    """Leads that a noise remark of PTB-XL names, in order: " , II,III,AVF", "I-AVR", " , alles" (all)."""
    words = remark.upper().replace(";", ",").replace(" ", ",").split(",")
    found: set[int] = set()
    upper = [name.upper() for name in LEADS]
    for word in filter(None, words):
        first, _, last = word.partition("-")
        last = f"V{last}" if last.isdecimal() else last
        if word in ("ALLES", "ALL"):
            found.update(range(len(LEADS)))
        elif first in upper and (not last or last in upper):
            low, high = upper.index(first), upper.index(last or first)
            found.update(range(low, high + 1))
    return tuple(LEADS[row] for row in sorted(found))


def _facts(row: Mapping[str, Any]) -> dict[str, float]:
    known = {}
    for name in (*MEASURES, *SIGNS):
        value = _number(row.get(name))
        if not math.isnan(value):
            known[name] = value
    for wave in WAVES:
        values = row.get(wave)
        if isinstance(values, (Sequence, np.ndarray)) and len(values) == len(LEADS):
            for lead, value in zip(LEADS, values, strict=True):
                if value is not None and math.isfinite(value):
                    known[f"{wave}.{lead}"] = float(value)
    return known


def _noise(row: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Leads by kind of noise; a remark that names no lead tells nothing that could be asked."""
    remarks = {kind: _text(row[kind]).strip(" ,") for kind in NOISES if kind in row}
    found = {kind: leads_named(remark) for kind, remark in remarks.items()}
    return {kind: leads for kind, leads in found.items() if leads or not remarks[kind]}


def _stage(remark: str) -> str:
    """`infarction_stadium1`: "Stadium II-III", "unknown" or nothing."""
    word = remark.removeprefix("Stadium").strip()
    return word if word in STAGES else ""


def _number(value: Any) -> float:
    return math.nan if value is None or value != value else float(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
