"""Wrong options: things of the same kind that the record surely does not carry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from twelvelead.ecg.statement import STATEMENTS
from twelvelead.instruct.case import AXES, STAGES, SUBCLASSES, SUPERCLASSES, Case, rounded, step
from twelvelead.instruct.grammar import Draws

T = TypeVar("T")
NEAR_IN_MEANING: tuple[tuple[str, ...], ...] = (
    ("LVH", "VCLVH", "HVOLT"),
    ("1AVB", "LPR"),
    ("PVC", "PAC", "PRC(S)", "BIGU", "TRIGU", "SVARR"),
    ("SVTAC", "PSVT", "SVARR"),
    ("AFIB", "SVARR"),
    ("NDT", "NT_", "TAB_", "LOWT", "INVT", "NST_", "STD_", "ISC_", "DIG", "EL"),
    ("STE_", "NST_", "ANEUR"),
    ("LNGQT", "EL", "TAB_", "NDT"),
    ("AMI", "ASMI", "ALMI", "QWAVE", "ABQRS", "ANEUR"),
    ("IMI", "ILMI", "IPMI", "IPLMI", "QWAVE", "ABQRS"),
    ("LMI", "ALMI", "ILMI", "IPLMI", "QWAVE", "ABQRS"),
    ("PMI", "IPMI", "IPLMI", "QWAVE", "ABQRS"),
    ("ABQRS", "IVCD", "IRBBB", "CRBBB", "ILBBB", "CLBBB", "LAFB", "LPFB", "WPW", "LVH", "RVH", "PACE"),
    ("IVCD", "ILBBB", "CLBBB", "IRBBB", "CRBBB"),
    ("ISCAL", "ISCAS", "ISCAN", "ISCLA", "ISC_", "INVT", "STD_", "NST_"),
    ("ISCIL", "ISCIN", "ISCLA", "ISC_", "INVT", "STD_", "NST_"),
    ("INJAS", "INJAL", "INJLA", "STD_", "NST_"),
    ("INJIN", "INJIL", "INJLA", "STD_", "NST_"),
)
"""Statements that a reader may have meant by, or left out beside, another: neither is a foil of the other."""
_PLAIN_SINUS = ("SR", "STACH", "SBRAD", "SARRH")
_NEAR: dict[str, set[str]] = {code: {code} for code in STATEMENTS}
for _group in NEAR_IN_MEANING:
    for _code in _group:
        _NEAR[_code].update(_group)
for _code in _PLAIN_SINUS[1:]:
    _NEAR[_code].add("SR")
    _NEAR["SR"].add(_code)
SPACING = {"rate_bpm": 15.0, "p_ms": 20.0, "pr_ms": 40.0, "qrs_ms": 20.0, "qt_ms": 50.0, "qtc_ms": 50.0}
SPACING |= {"axis_deg": 40.0, "premature_beats": 1.0, "ectopic_beats": 1.0}
WAVE_SPACING_MV = 0.4


def shuffled(options: Sequence[T], rng: Draws) -> list[T]:
    """The options in random order."""
    mixed = list(options)
    for last in range(len(mixed) - 1, 0, -1):
        other = int(rng.random() * (last + 1))
        mixed[last], mixed[other] = mixed[other], mixed[last]
    return mixed


def foils(case: Case, kind: str, target: str, count: int, rng: Draws) -> list[str]:
    """Up to `count` targets of a kind that are wrong for the case, hard ones (same class) before others."""
    if kind == "statement":
        return _statements(case, target, count, rng)
    if kind in ("subclass", "superclass"):
        held = case.subclasses if kind == "subclass" else case.superclasses
        every = SUBCLASSES if kind == "subclass" else SUPERCLASSES
        options = [name for name in every if name not in held and (name != "NORM" or held)]
        return shuffled(options, rng)[:count]
    every_one = {"axis": AXES, "stage": STAGES[:-1]}[kind]
    held_one = case.axis if kind == "axis" else case.stage
    return shuffled([name for name in every_one if name != held_one], rng)[:count]


def numbers(name: str, value: float, count: int, rng: Draws) -> list[float]:
    """`count` values in a ladder that holds the true one at a random rung; the true one first."""
    spacing = SPACING.get(name, WAVE_SPACING_MV)
    below = int(rng.random() * count)
    if name != "axis_deg" and "." not in name:
        below = min(below, max(0, int((value - (step(name) if spacing > 1 else 0)) / spacing)))
    if name == "axis_deg":  # −180 and 180 are one direction
        below = min(max(below, count - 1 - int((180 - value) / spacing)), int((value + 175) / spacing))
    rungs = [rounded(name, value + (rung - below) * spacing) for rung in range(count)]
    return [rungs[below], *rungs[:below], *rungs[below + 1 :]]


def _statements(case: Case, target: str, count: int, rng: Draws) -> list[str]:
    near = set(_NEAR[target])
    for code in case.codes:
        near |= _NEAR[code]
    if not case.of_group("diagnostic"):
        near.add("NORM")
    row = STATEMENTS[target]
    pool = [code for code in STATEMENTS if code not in near]
    alike = [
        code
        for code in pool
        if (STATEMENTS[code].rhythm and row.rhythm)
        or (row.superclass is not None and STATEMENTS[code].superclass == row.superclass)
        or (row.superclass is None and not row.rhythm and STATEMENTS[code].form)
    ]
    chosen = shuffled(alike, rng)[:count]
    others = [code for code in pool if code not in alike]
    for rest in (  # of the same group first; of the other where the record leaves no more
        [code for code in others if STATEMENTS[code].rhythm == row.rhythm],
        [code for code in others if STATEMENTS[code].rhythm != row.rhythm],
    ):
        if len(chosen) < count:
            chosen += shuffled(rest, rng)[: count - len(chosen)]
    return chosen
