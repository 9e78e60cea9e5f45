"""Pictures of a scorecard as PNG, without any display and without the time in the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from twelvelead.evaluation.predictions import Predictions

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Colour and marker both tell the models apart (Okabe-Ito palette: safe for colour-blind readers).
LOOKS = {
    "cnn": ("#0072B2", "s"),
    "page_cnn": ("#009E73", "D"),
    "lora": ("#D55E00", "o"),
    "base": ("#999999", "^"),
}
Curve = Callable[[NDArray[Any], NDArray[Any]], tuple[NDArray[np.float64], NDArray[np.float64]]]
PANELS = 12
BINS = 10
DPI = 120


def draw(scorecard: dict[str, Any], fold10: Predictions, folder: Path) -> list[Path]:
    """Write auc.png (every statement, with intervals), roc.png and pr.png (the compared ones with most
    positives), and calibration.png (all compared ones together)."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = {
        "auc.png": _auc_figure(scorecard),
        "roc.png": _curve_figure(scorecard, fold10, roc, "false positive rate", "true positive rate"),
        "pr.png": _curve_figure(scorecard, fold10, precision_recall, "recall", "precision"),
        "calibration.png": _calibration_figure(scorecard, fold10),
    }
    for name, figure in figures.items():
        figure.savefig(folder / name, dpi=DPI, metadata={"Software": None})
    return [folder / name for name in figures]


def roc(label: NDArray[Any], probability: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """False and true positive rates at every distinct cut, from (0, 0) to (1, 1)."""
    positive = np.asarray(label, bool)
    order = np.argsort(-np.asarray(probability, np.float64), kind="stable")
    last_of_tie = np.append(np.diff(np.asarray(probability)[order]) != 0, True)
    hits = np.cumsum(positive[order])[last_of_tie]
    alarms = np.cumsum(~positive[order])[last_of_tie]
    return np.append(0.0, alarms / max(alarms[-1], 1)), np.append(0.0, hits / max(hits[-1], 1))


def precision_recall(
    label: NDArray[Any], probability: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Recall and precision at every distinct cut, from recall 0 with the first precision to recall 1."""
    false_rate, recall = roc(label, probability)
    positive = np.asarray(label, bool)
    hits, alarms = recall * positive.sum(), false_rate * (~positive).sum()
    precision = hits[1:] / np.maximum(hits[1:] + alarms[1:], 1)
    return recall, np.append(precision[:1], precision)


def reliability(
    label: NDArray[Any], probability: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean probability and share of positives in each of ten bins of equal width; empty ones are left out."""
    found, true = np.asarray(probability, np.float64).ravel(), np.asarray(label, np.float64).ravel()
    place = np.minimum((found * BINS).astype(int), BINS - 1)
    count = np.bincount(place, minlength=BINS)
    full = count > 0
    means = [
        np.bincount(place, weights=values, minlength=BINS)[full] / count[full] for values in (found, true)
    ]
    return means[0], means[1]


def _auc_figure(scorecard: dict[str, Any]) -> Figure:
    from matplotlib.figure import Figure

    models, data = scorecard["models"], scorecard["data"]
    codes = [code for code in data["statements"] if models["cnn"]["statements"][code]["auc"] is not None]
    codes.sort(key=lambda code: models["cnn"]["statements"][code]["auc"])
    figure = Figure(figsize=(8, 1.6 + 0.3 * max(len(codes), 1)), layout="constrained")
    axes: Axes = figure.subplots()
    for number, (model, (colour, marker)) in enumerate(LOOKS.items()):
        rows = [models[model]["statements"][code] for code in codes]
        heights = np.arange(len(codes)) + 0.18 * (1.5 - number)
        for height, row in zip(heights, rows, strict=True):
            if row["auc_lower"] is not None:
                axes.plot(
                    [row["auc_lower"], row["auc_upper"]],
                    [height, height],
                    color=colour,
                    linewidth=1.2,
                    alpha=0.7,
                )
        whole = models[model]["macro_auc_compared"]
        label = model if whole is None else f"{model} (macro {whole:.3f})"
        axes.plot([row["auc"] for row in rows], heights, marker, color=colour, markersize=4.5, label=label)
    axes.axvline(0.5, color="#bbbbbb", linewidth=0.8, linestyle="--")
    axes.set_yticks(range(len(codes)), [_tick(code, data) for code in codes], fontsize=8)
    axes.set_ylim(-0.7, max(len(codes), 1) - 0.3)
    axes.set_xlabel(
        f"AUC on fold 10 with 95 % interval by patient ({data['fold10']} {data['source']} records)"
    )
    axes.grid(axis="x", color="#eeeeee")
    axes.set_axisbelow(True)
    figure.legend(loc="outside upper center", ncols=len(LOOKS), frameon=False)
    return figure


def _calibration_figure(scorecard: dict[str, Any], fold10: Predictions) -> Figure:
    from matplotlib.figure import Figure

    columns = [fold10.codes.index(code) for code in scorecard["data"]["compared"]]
    figure = Figure(figsize=(4.6, 4.4), layout="constrained")
    axes: Axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=0.8, linestyle="--")
    for model, (colour, marker) in LOOKS.items():
        if columns:
            said, true = reliability(fold10.labels[:, columns], fold10.probabilities[model][:, columns])
            axes.plot(said, true, marker=marker, color=colour, linewidth=1.2, markersize=4.5, label=model)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability given", ylabel="share that is so")
    axes.set_aspect("equal")
    if columns:
        axes.legend(frameon=False, fontsize=8)
    return figure


def _curve_figure(
    scorecard: dict[str, Any], fold10: Predictions, curve: Curve, x_name: str, y_name: str
) -> Figure:
    from matplotlib.figure import Figure

    positives = scorecard["data"]["positives"]
    codes = sorted(scorecard["data"]["compared"], key=lambda code: -positives[code])[:PANELS]
    columns = max(min(4, len(codes)), 1)
    rows = max(-(-len(codes) // columns), 1)
    figure = Figure(figsize=(2.5 * columns + 0.5, 2.6 * rows + 0.6), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(codes) :]:
        axes.set_axis_off()
    for axes, code in zip(panels, codes, strict=False):
        j = fold10.codes.index(code)
        for model, (colour, _) in LOOKS.items():
            axes.plot(
                *curve(fold10.labels[:, j], fold10.probabilities[model][:, j]),
                color=colour,
                linewidth=1.4,
                label=model,
            )
        chance = [0, 1] if curve is roc else [fold10.labels[:, j].mean()] * 2
        axes.plot([0, 1], chance, color="#bbbbbb", linewidth=0.8, linestyle="--")
        axes.set_title(f"{code} ({positives[code]} positives)", fontsize=9)
        axes.set_aspect("equal")
        axes.tick_params(labelsize=7)
    figure.supxlabel(x_name, fontsize=9)
    figure.supylabel(y_name, fontsize=9)
    if codes:
        figure.legend(
            *panels[0].get_legend_handles_labels(),
            loc="outside upper center",
            ncols=len(LOOKS),
            frameon=False,
        )
    else:
        figure.suptitle("no statement has enough positives in fold 10")
    return figure


def _tick(code: str, data: dict[str, Any]) -> str:
    return f"{code}{'' if code in data['compared'] else ' (not compared)'} ({data['positives'][code]})"
