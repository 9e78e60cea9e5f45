"""A structured report of what was called: rhythm, intervals, territories, impression, line by line.

Statements stand in the sections of the reports that adapters learn from (instruct.report_words), each with
its probability; nothing is said that was not called or measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from twelvelead.ecg.statement import statement
from twelvelead.instruct.report_words import (
    CHAMBERS,
    CONDUCTION,
    ECTOPY,
    HEADS,
    QRS,
    REPOLARIZATION,
    TERRITORIES,
)

SECTIONS = (
    ("conduction", CONDUCTION),
    *((site, codes) for site, (codes, _) in TERRITORIES.items()),
    ("qrs", QRS),
    ("chambers", CHAMBERS),
    ("repolarization", REPOLARIZATION),
)
INTERVALS = (("pr_ms", "PR {:.0f} ms"), ("qrs_ms", "QRS {:.0f} ms"), ("qt_ms", "QT {:.0f} ms"),
             ("qtc_ms", "QTc {:.0f} ms"))  # fmt: skip


def report(rows: Sequence[Mapping[str, Any]], measurements: Mapping[str, float | None] | None) -> str:
    """Several lines.

    Args:
        rows: Statements as `interpretation.statements` gives them.
        measurements: Of the signal, or None.
    """
    called = {row["code"]: row["probability"] for row in rows if row["positive"]}
    values = {key: value for key, value in (measurements or {}).items() if value is not None}
    lines = []
    rhythm = [code for code in called if statement(code).rhythm] + [code for code in ECTOPY if code in called]
    first = [_said(code, called[code]) for code in rhythm]
    first += [f"{values['rate_bpm']:.0f} bpm"] if "rate_bpm" in values else []
    lines.append(f"{HEADS['rhythm'][0]}: {', '.join(first) or 'no rhythm statement called'}")
    if spans := [text.format(values[key]) for key, text in INTERVALS if key in values]:
        lines.append(f"{HEADS['intervals'][0]}: {', '.join(spans)}")
    if "axis_deg" in values:
        lines.append(f"{HEADS['axis'][0]}: {values['axis_deg']:.0f} degrees")
    placed = set(rhythm)
    for name, codes in SECTIONS:
        if own := [code for code in codes if code in called]:
            lines.append(f"{HEADS[name][0]}: {', '.join(_said(code, called[code]) for code in own)}")
            placed |= set(own)
    impression = [code for code in called if code != "SR"]
    said = ", ".join(_said(code, called[code]) for code in impression)
    lines.append(f"{HEADS['impression'][0]}: {said or 'nothing further called'}")
    return "\n".join(line[0].upper() + line[1:] for line in lines)


def _said(code: str, probability: float) -> str:
    phrase = statement(code).phrase
    return f"{phrase} ({probability:.0%})"
