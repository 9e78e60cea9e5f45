"""The 71 statements, from ecg.statement."""

from __future__ import annotations

from collections import Counter

from handbook.table import code, document, table
from twelvelead.ecg import statement
from twelvelead.ecg.statement import STATEMENTS, Statement
from twelvelead.evaluation.harm import HARM

_RECORDS = 21_837


def page() -> str:
    """The table of statements."""
    kinds = Counter(kind for row in STATEMENTS.values() for kind in _kinds(row))
    counts = ", ".join(f"{kinds[kind]} {kind}" for kind in ("diagnostic", "form", "rhythm"))
    rows = [
        (code(row.code), row.description, ", ".join(_kinds(row)), row.superclass or "", row.subclass or "",
         row.phrase, f"{row.n:,}", f"{100 * row.n / _RECORDS:.1f} %", "yes" if row.code in HARM else "")
        for row in STATEMENTS.values()
    ]  # fmt: skip
    source = " ".join((statement.__doc__ or "").split("Source: ")[1].split())
    return document(
        "The statements",
        f"{len(STATEMENTS)} SCP-ECG statements of PTB-XL ({counts}; some are of two kinds). Source: {source}",
        "The scorer asks `Does this ECG show <phrase>?` of every statement with enough positives in the "
        "training folds (`validate.min_train_positives`). A record has a statement if its key is present, "
        "whatever its likelihood. *Harm* marks those that the gate watches one by one.",
        table(
            ("code", "description", "kind", "superclass", "subclass", "phrase", "records", "share", "harm"),
            rows,
        ),
    )


def _kinds(row: Statement) -> list[str]:
    return [kind for kind in ("diagnostic", "form", "rhythm") if getattr(row, kind)]
