"""What the comment lines of a WFDB header say of the patient and the diagnosis.

Four dialects: the Challenge's "Dx: 59118001,284470004", plain "Labels: PAC", LUDB's "<age>: 51" with
sentences, and PTB's clinical summary.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from twelvelead.data.entry import capped_age
from twelvelead.data.snomed import NOTHING

SEXES = {"m": "male", "male": "male", "f": "female", "female": "female"}
_LINE = re.compile(r"<?\s*([\w ]+?)\s*>?\s*:\s*(.*)")
_CODE_KEYS = frozenset({"dx", "labels", "label", "rhythm", "beat", "scp_codes"})
_BETWEEN = re.compile(r"[\s,;|]+")
_YEARS = re.compile(r"\d{1,3}(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Note:
    """What is known of a record beside its signal."""

    age: float = math.nan  # years
    sex: str = ""
    codes: tuple[str, ...] = ()
    likelihoods: Mapping[str, float] = field(default_factory=dict)  # of those codes that have one
    report: str = ""
    patient_id: str = ""
    fold: int = 0  # 0: none given


def read_comments(lines: Iterable[str]) -> Note:
    """Age, sex and codes of header comments; every other line that says something is report text."""
    age, sex = math.nan, ""
    codes: list[str] = []
    report = []
    for line in lines:
        match = _LINE.fullmatch(line)
        key, value = (match[1].lower(), match[2].strip()) if match else ("", "")
        found = split_codes(value) if key in _CODE_KEYS else []
        if key == "age":
            age = years(value)
        elif key in ("sex", "gender"):
            sex = SEXES.get(value.lower(), "")
        elif found:
            codes += found
        elif line and not (match and value.lower() in NOTHING):
            report.append(line.strip())
    return Note(age, sex, tuple(codes), report="\n".join(report))


def split_codes(text: str) -> list[str]:
    """The codes of a list such as "59118001,284470004" or "AQW RBBB"; [] if the text is a sentence."""
    codes = [code for code in _BETWEEN.split(text.strip()) if code]
    looks = all(code.isupper() or code.isdecimal() or any(map(str.isdigit, code)) for code in codes)
    return codes if looks or (len(codes) == 1 and not text.rstrip().endswith(".")) else []


def years(text: str) -> float:
    """An age in years; NaN where the text is no number."""
    match = _YEARS.fullmatch(text.strip())
    return capped_age(float(match[0])) if match else math.nan
