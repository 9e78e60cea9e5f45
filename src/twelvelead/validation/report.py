"""validation.json and validation.html: what was found, for machines and for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twelvelead.data.index import labels
from twelvelead.ecg.statement import STATEMENTS
from twelvelead.validation.coverage import Coverage
from twelvelead.validation.expectations import Outcome
from twelvelead.validation.rules import PARTS

TEMPLATE = Path(__file__).with_name("report.html.j2")
QUARANTINE_SHOWN = 500
HISTOGRAMS: tuple[tuple[str, str, float, float], ...] = (  # column, caption, lowest and highest value drawn
    ("age", "age, years", 0, 100),
    ("rate_bpm", "heart rate, 1/min", 20, 180),
    ("pr_ms", "PR interval, ms", 80, 320),
    ("qrs_ms", "QRS duration, ms", 60, 200),
    ("qtc_ms", "QTc (Fridericia), ms", 300, 560),
    ("axis_deg", "QRS axis, degrees", -180, 180),
)
BINS = 40


@dataclass(frozen=True, slots=True)
class Histogram:
    """One chart: bar heights as shares of the tallest bar; what lies beyond the ends is in the end bars."""

    caption: str
    low: float
    high: float
    bars: tuple[float, ...]
    known: int
    median: float


def summary(
    frame: pd.DataFrame, outcomes: Sequence[Outcome], quarantine: Sequence[tuple[str, list[str]]]
) -> dict[str, Any]:
    """The content of validation.json.

    Args:
        frame: The whole index with facts and status.
        outcomes: What became of the expectations.
        quarantine: Record ids and their reasons.
    """
    usable = frame[frame["status"] == "ok"]
    return {
        "passed": all(outcome.passed for outcome in outcomes if outcome.critical),
        "records": len(frame),
        "usable": len(usable),
        "quarantined": len(quarantine),
        "patients": int(usable["patient_id"].nunique()),
        "parts": {part: int(usable["fold"].isin(folds).sum()) for part, (folds, _) in PARTS.items()},
        "expectations": [asdict(outcome) for outcome in outcomes],
        "quarantine": [{"record_id": record_id, "reasons": reasons} for record_id, reasons in quarantine],
    }


def write_report(folder: Path, content: dict[str, Any], frame: pd.DataFrame, found: Coverage) -> None:
    """Write validation.json and validation.html; neither holds a date or a path: same data, same bytes."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    (folder / "validation.json").write_text(text, encoding="utf-8")
    (folder / "validation.html").write_text(render(content, frame, found), encoding="utf-8")


def render(content: dict[str, Any], frame: pd.DataFrame, found: Coverage) -> str:
    """The report as one HTML file that needs nothing else."""
    from jinja2 import Environment, StrictUndefined

    usable = frame[frame["status"] == "ok"]
    folds = sorted(int(fold) for fold in usable["fold"].unique())
    codes = [code for code in STATEMENTS if any(found["counts"][code].values())]
    positive = labels(usable, codes)
    counts = [positive[usable["fold"] == fold].sum(axis=0, dtype=int).tolist() for fold in folds]
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        content,
        sources=", ".join(sorted(frame["source"].unique())),
        folds=folds,
        fold_sizes=[int((usable["fold"] == fold).sum()) for fold in folds],
        statements=[
            {
                "code": code,
                "description": STATEMENTS[code].description,
                "counts": [fold[number] for fold in counts],
                "total": sum(fold[number] for fold in counts),
                "not_scored": found["not_scored"].get(code, ""),
            }
            for number, code in enumerate(codes)
        ],
        unseen=len(STATEMENTS) - len(codes),
        scored=len(found["scored"]),
        histograms=[histogram(usable[name], words, low, high) for name, words, low, high in HISTOGRAMS],
        shown=QUARANTINE_SHOWN,
    )


def histogram(values: pd.Series, caption: str, low: float, high: float) -> Histogram:
    """Bar heights of one column; NaN is left out."""
    known = values.to_numpy(dtype=np.float64)
    known = known[~np.isnan(known)]
    counts, _ = np.histogram(np.clip(known, low, high), bins=BINS, range=(low, high))
    bars = tuple((counts / max(counts.max(), 1)).round(4).tolist())
    return Histogram(caption, low, high, bars, len(known), float(np.median(known)) if len(known) else 0.0)
