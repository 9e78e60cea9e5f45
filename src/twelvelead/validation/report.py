"""validation.json and validation.html: what was found, for machines and for people."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twelvelead.data.index import labels
from twelvelead.ecg.statement import STATEMENTS
from twelvelead.validation.coverage import PARTS, Coverage
from twelvelead.validation.expectations import Outcome
from twelvelead.validation.pictures import HEIGHT, WIDTH, Picture
from twelvelead.validation.quarantine import Doubt

TEMPLATE = Path(__file__).with_name("report.html.j2")
SHOWN = 200  # rows of a table; the rest is in the Parquet file
EXAMPLES = 5
HISTOGRAMS: tuple[tuple[str, str, float, float], ...] = (  # column, caption, lowest and highest value drawn
    ("age", "age, years", 0, 100),
    ("rate_bpm", "heart rate, 1/min", 20, 180),
    ("pr_ms", "PR interval, ms", 80, 320),
    ("qrs_ms", "QRS duration, ms", 60, 200),
    ("qtc_ms", "QTc (Fridericia), ms", 300, 560),
    ("axis_deg", "QRS axis, degrees", -180, 180),
    ("typical_mv", "height of a typical beat, mV", 0, 4),
    ("einthoven_mv", "|II − I − III|, mV", 0, 0.1),
    ("wander_mv", "baseline wander (0.05–0.5 Hz), mV rms", 0, 1),
    ("mains_mv", "mains hum, mV rms", 0, 0.05),
    ("muscle_mv", "muscle noise (60–150 Hz), mV rms", 0, 0.1),
    ("step_mv", "largest step of a lead's level, mV", 0, 3),
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
    frame: pd.DataFrame, outcomes: Sequence[Outcome], quarantine: Sequence[Doubt], warned: Sequence[Doubt]
) -> dict[str, Any]:
    """The content of validation.json.

    Args:
        frame: The whole index with facts and status.
        outcomes: What became of the expectations.
        quarantine: Records that are not used; those that ingest rejected may be missing in the index.
        warned: Records that are used all the same.
    """
    usable = frame[frame["status"] == "ok"]
    outside = len(quarantine) - int((frame["status"] != "ok").sum())
    return {
        "passed": not any(outcome.fatal for outcome in outcomes),
        "records": len(frame) + outside,
        "usable": len(usable),
        "quarantined": len(quarantine),
        "flagged": len(warned),
        "patients": int(usable["patient_id"].nunique()),
        "parts": {part: int(usable["fold"].isin(folds).sum()) for part, (folds, _) in PARTS.items()},
        "expectations": [asdict(outcome) for outcome in outcomes],
        "quarantine_by_code": _by_code(quarantine),
        "warnings_by_code": _by_code(warned),
        "quarantine": [asdict(doubt) for doubt in quarantine],
    }


def _by_code(doubts: Sequence[Doubt]) -> dict[str, dict[str, Any]]:
    """Code → how many records it is against, and some of them; the most frequent first."""
    counts = Counter(code for doubt in doubts for code in doubt.codes)
    examples: dict[str, list[str]] = {code: [] for code in counts}
    for doubt in doubts:
        for code, reason in zip(doubt.codes, doubt.reasons, strict=True):
            if len(examples[code]) < EXAMPLES:
                examples[code].append(f"{doubt.record_id}: {reason}")
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {code: {"records": count, "examples": examples[code]} for code, count in ranked}


def write_report(
    folder: Path,
    content: dict[str, Any],
    frame: pd.DataFrame,
    found: Coverage,
    pictures: Sequence[Picture] = (),
) -> None:
    """Write validation.json and validation.html; neither holds a date or a path: same data, same bytes."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    (folder / "validation.json").write_text(text, encoding="utf-8")
    (folder / "validation.html").write_text(render(content, frame, found, pictures), encoding="utf-8")


def render(
    content: dict[str, Any], frame: pd.DataFrame, found: Coverage, pictures: Sequence[Picture] = ()
) -> str:
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
        pictures=pictures,
        picture_width=WIDTH,
        picture_height=HEIGHT,
        shown=SHOWN,
    )


def histogram(values: pd.Series, caption: str, low: float, high: float) -> Histogram:
    """Bar heights of one column; NaN is left out."""
    known = values.to_numpy(dtype=np.float64)
    known = known[~np.isnan(known)]
    counts, _ = np.histogram(np.clip(known, low, high), bins=BINS, range=(low, high))
    bars = tuple((counts / max(counts.max(), 1)).round(4).tolist())
    return Histogram(caption, low, high, bars, len(known), float(np.median(known)) if len(known) else 0.0)
