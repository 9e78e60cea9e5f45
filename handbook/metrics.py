"""What the figures are: formula and source of each, beside the function that computes it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from handbook.table import code, document, table
from twelvelead.evaluation import bootstrap, calibration, harm, metrics, scorecard, thresholds

_HANLEY = "Hanley & McNeil 1982, doi:10.1148/radiology.143.1.7063747"
_DELONG = "DeLong et al. 1988, doi:10.2307/2531595"
_RADIVOJAC = (
    "Radivojac et al. 2013, doi:10.1038/nmeth.2340; used for PTB-XL by Strodthoff et al. 2021, "
    "doi:10.1109/JBHI.2020.3022989"
)

FIGURES: tuple[tuple[Callable[..., Any], str, str], ...] = (
    (
        metrics.auc,
        "(R⁺ − m(m+1)/2) / (m·k): R⁺ the sum of the positives' midranks, m positives, k negatives",
        _HANLEY,
    ),
    (
        metrics.average_precision,
        "Σ (recallₙ − recallₙ₋₁) · precisionₙ over distinct probabilities, falling",
        "as scikit-learn's `average_precision_score`",
    ),
    (
        metrics.f1s,
        "2·TP / (2·TP + FP + FN); 0 where nothing is true and nothing called",
        "van Rijsbergen 1979",
    ),
    (metrics.micro_f1, "the same with TP, FP and FN summed over all statements", ""),
    (metrics.fmax, "max over t of 2·P(t)·R(t) / (P(t) + R(t)), t = 0.00, 0.01 … 1.00", _RADIVOJAC),
    (metrics.hamming, "wrong calls / (records · statements)", ""),
    (metrics.briers, "mean of (probability − label)²", "Brier 1950"),
    (
        metrics.eces,
        "Σ over 15 bins of (records in bin / records) · abs(mean probability − share of positives)",
        "Guo et al., ICML 2017",
    ),
    (metrics.macro, "Σ figure / statements that have it", ""),
)
UNCERTAINTY: tuple[tuple[Callable[..., Any], str, str], ...] = (
    (
        bootstrap.resampled_aucs,
        "patients drawn with replacement; every model sees the same draws",
        "Efron & Tibshirani 1993",
    ),
    (bootstrap.estimate, "5th and 95th percentile: one-sided 95 % bounds; 2.5th and 97.5th: two-sided", ""),
    (bootstrap.influence, "the sum of squares is the variance of an AUC, ties included", _DELONG),
    (bootstrap.closed_form_se, "√ Σ over patients of (Σ of their records' influence / statements)²", _DELONG),
)
DECISIONS: tuple[tuple[Callable[..., Any], str, str], ...] = (
    (calibration.fit, "probability = σ(slope · logit(raw) + intercept), fitted on fold 9", "Platt 1999"),
    (
        thresholds.choose,
        f"best F1 from {thresholds.MIN_POSITIVES_FOR_F1} positives on, else as many calls as positives",
        "",
    ),
    (
        harm.harm,
        f"H₀: not worse by more than {harm.MARGIN:g}; p = Φ((Δ + {harm.MARGIN:g}) / se), se by bootstrap",
        "",
    ),
    (harm.holm, "pᵢ · (n − i + 1), made to rise; a hypothesis falls at its level", "Holm 1979"),
)


def page() -> str:
    """The reference of figures."""
    watched = ", ".join(code(name) for name in harm.HARM)
    controls = [(code(name), what) for name, what in scorecard.CONTROL_NAMES.items()]
    return document(
        "Metrics",
        "Functions are those of `twelvelead.evaluation`. Figures are exact: ties count one half in an AUC, "
        "nothing is binned but the calibration error. One that has no meaning (no positives, no negatives) "
        "is NaN, and null in JSON; macro figures are means over the statements that have one. *Compared* "
        "statements have at least `evaluate.min_positives` positives, and a negative, in fold 10.",
        "## Of one model",
        _table(FIGURES),
        "## How sure",
        _table(UNCERTAINTY),
        "## What is chosen on fold 9, and tested on fold 10",
        _table(DECISIONS),
        f"The statements watched one by one: {watched}.",
        "## Controls",
        "Macro AUC of the adapter over the compared statements when it is shown, and its `drop` from the "
        "page itself:",
        table(("control", "shown"), controls),
    )


def _table(figures: tuple[tuple[Callable[..., Any], str, str], ...]) -> str:
    rows = [
        (code(f"{one.__module__.rpartition('.')[2]}.{one.__name__}"), _says(one), formula, source)
        for one, formula, source in figures
    ]
    return table(("function", "what", "formula", "source"), rows)


def _says(function: Callable[..., Any]) -> str:
    return inspect.cleandoc(function.__doc__ or "").split("\n")[0]
