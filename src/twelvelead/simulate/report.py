"""The report text a device or reader would have written, in German or English, by likelihood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from twelvelead.ecg.statement import STATEMENTS
from twelvelead.simulate.phrases import (
    AXIS,
    LEAD_LISTS,
    MACHINE_MARK,
    NORMAL,
    NOTHING_SAID,
    PHRASES,
    Q_SEEN,
    WALLS,
)

NOT_ENGLISH = (0.0, 2.0, 3.0)  # sites; the third writes Swedish in PTB-XL, and German here
TRACE_ONLY = {"1": 0.05, "other": 0.04}  # share of records of which a reader wanted no words
EDITED = {"0": 0.022, "1": 0.031, "2": 0.007, "other": 0.008}  # 1.4 % of all: a later correction
BEFORE_AXIS = tuple(PHRASES)[: list(PHRASES).index("LVOLT")]  # beats, rhythm, conduction, atria
BEFORE_INFARCTS = tuple(PHRASES)[list(PHRASES).index("LVOLT") : list(PHRASES).index("ABQRS")]
BEHIND_INFARCTS = tuple(PHRASES)[list(PHRASES).index("QWAVE") :]


def write(
    scp_codes: Mapping[str, float],
    heart_axis: str | None,
    stadium: str | None,
    *,
    english: bool,
    machine: bool,
    rng: np.random.Generator,
) -> str:
    """Write the report of a record: rhythm, axis, findings, and how sure the reader is of each.

    Args:
        scp_codes: Likelihood (percent) by statement.
        heart_axis: Electrical axis as in ptbxl_database.csv.
        stadium: infarction_stadium1.
        english: English instead of German.
        machine: A machine's report, which says so at its end.
        rng: Chooses among ways to say the same.
    """

    def say(codes: Sequence[str]) -> list[str]:
        return [
            hedge(_phrase(code, english, rng), scp_codes[code], english=english)
            for code in codes
            if code in scp_codes
        ]

    words = say(BEFORE_AXIS)
    if heart_axis in AXIS and (axis := AXIS[heart_axis][int(english)]):
        words.append(axis)
    words += say(BEFORE_INFARCTS)
    infarcts = [
        infarct(code, scp_codes[code], stadium, english=english, rng=rng)
        for code in WALLS
        if code in scp_codes
    ]
    words += say(["ABQRS"]) + [f"   {wall}" if "ABQRS" in scp_codes else wall for wall in infarcts]
    words += say(BEHIND_INFARCTS)
    if "NORM" in scp_codes:
        words.append(NORMAL.get(scp_codes["NORM"], NORMAL[50.0])[int(english)])
    text = " ".join(words) or NOTHING_SAID[int(english)]
    if machine and not english:
        return text.replace("abnormales", "abnormes").replace("abnormal", "abnorm") + MACHINE_MARK
    return text


def infarct(
    code: str, likelihood: float, stadium: str | None, *, english: bool, rng: np.random.Generator
) -> str:
    """An infarct in words: the wall, the age as far as it is known, and how sure the reader is."""
    german_wall, wall = WALLS[code]
    if not english:
        wall = f"{german_wall}er"
        if likelihood in (0.0, 100.0):
            age = {None: "alter unbest.", "unknown": "alter unbest.", "Stadium I": "mÖgl. akut"}
            return f"{wall} infarkt     {age.get(stadium, 'wahrscheinlich alt')}"
        return hedge(
            f"{wall} {'infarkt' if likelihood >= 50 else 'myokardschaden'}", likelihood, english=False
        )
    if likelihood in (0.0, 100.0):
        if stadium == "Stadium I":
            return f"acute {wall} myocardial infarction."
        if stadium in (None, "unknown") and rng.random() < 0.5:
            return f"{wall} infarct, age undetermined."
        seen = Q_SEEN.get(code)
        return (
            f"{seen} consistent with old {wall}    myocardial infarction." if seen else f"old {wall} infarct."
        )
    return hedge(f"old {wall} infarct.", likelihood, english=True)


def hedge(phrase: str, likelihood: float, *, english: bool) -> str:
    """The phrase as said by a reader who is that sure (percent; 0 and 100: no hedge)."""
    if likelihood in (0.0, 100.0):
        return phrase
    if english:
        if likelihood < 35:
            return phrase.rstrip(".") + " cannot be excluded."
        return ("probable " if likelihood >= 80 else "possible ") + phrase
    if likelihood < 35:
        return phrase + " nicht auszuschliessen"
    return phrase + (" wahrscheinlich" if likelihood >= 80 else " mÖglich")


def correction(scp_codes: Mapping[str, float], rng: np.random.Generator) -> str:
    """What a second reader adds at the end: the diagnoses as they stand, and in brackets as they stood."""
    now = [code for code in scp_codes if STATEMENTS[code].diagnostic] or list(scp_codes)[:1]
    before = [code for code in now if rng.random() < 0.8] or now[:1]

    def said(code: str) -> str:
        likelihood = scp_codes[code]
        return f"{code} {likelihood:.0f}" if 0 < likelihood < 100 or code == "NORM" else code

    return f" Edit: {', '.join(map(said, now))}, ({', '.join(map(said, before))})"


def _phrase(code: str, english: bool, rng: np.random.Generator) -> str:
    variants = PHRASES[code].variants(english=english)
    chosen = variants[int(rng.integers(len(variants)))]
    return chosen.format(**{wall: lists[int(rng.integers(len(lists)))] for wall, lists in LEAD_LISTS.items()})
