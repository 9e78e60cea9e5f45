"""report.html: one page, one file, that shows a run from its verdict down to single pages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from twelvelead.ecg.statement import STATEMENTS
from twelvelead.evaluation.scorecard import CONTROL_NAMES
from twelvelead.reports import artifacts
from twelvelead.reports.charts import Point, dot_chart, line_chart

MODELS = {
    "lora": "LoRA adapter on the base, reads pages",
    "cnn": "signal CNN, reads the digital signal",
    "page_cnn": "CNN, reads the same pages",
    "base": "base alone, reads pages",
}
CURVES = {
    "loss": "Training loss",
    "macro_auc": "Macro AUC on fold 9",
    "fold9_macro_auc": "Macro AUC on fold 9",
}
PLOTS = {
    "calibration.png": ("Calibration", "All compared statements together, in ten bins of probability."),
    "roc.png": ("ROC", "The compared statements with most positives."),
    "pr.png": ("Precision and recall", "The same; the dashed line is the share of positives."),
}
DISAGREEMENTS = 4
TOP = 4


def render(inputs: Mapping[str, Path], title: str, example_pages: int) -> str:
    """The page as HTML.

    Args:
        inputs: Paths of the artifacts "validation", "pages", "instructions", "baseline",
            "page_baseline", "adapter", "evaluation", "verdict.json" and "registration.json"; what a run
            lacks is left out of the page.
        title: Its heading.
        example_pages: Pages of fold 10 to show.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.ChainableUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": figure, "phrase": phrase}
    return environment.get_template("report.html.j2").render(title=title, **content(inputs, example_pages))


def content(inputs: Mapping[str, Path], example_pages: int) -> dict[str, Any]:
    """Everything the template shows."""
    scorecard = artifacts.read_json(inputs["evaluation"] / "scorecard.json")
    coverage = artifacts.read_json(inputs["validation"] / "statements.json")
    data = scorecard.get("data", {})
    codes_of = artifacts.judged_records(inputs["validation"])
    shown = artifacts.choose(codes_of, coverage.get("scored", []), example_pages)
    apart = artifacts.disagreements(inputs["evaluation"], data.get("compared", []), DISAGREEMENTS)
    images = artifacts.pictures(inputs["pages"], [*shown, *apart])
    scores = artifacts.probabilities(inputs["evaluation"], [*shown, *apart])

    def examples(names: Sequence[str]) -> list[dict[str, Any]]:
        return [
            {
                "record_id": name,
                "image": images[name][1],
                "codes": codes_of.get(name, []),
                "rows": example_rows(codes_of.get(name, []), scores.get(name, {})),
            }
            for name in names
            if name in images
        ]

    lineage: dict[str, Any] = {}
    for name in ("validation", "pages", "instructions", "baseline", "page_baseline", "adapter", "evaluation"):
        lineage |= artifacts.read_json(inputs[name] / "lineage.json")
    return {
        "simulated": data.get("source") == "simulated",
        "source": data.get("source", "unknown"),
        "data": data,
        "verdict": artifacts.read_json(inputs["verdict.json"]),
        "registration": artifacts.read_json(inputs["registration.json"]),
        "scoreboard": [
            (name, about, scorecard.get("models", {}).get(name, {})) for name, about in MODELS.items()
        ],
        "comparison": scorecard.get("comparison", {}),
        "deltas": _deltas(scorecard),
        "statement_chart": _statement_chart(scorecard),
        "statement_rows": _statement_rows(scorecard),
        "controls": _controls(scorecard),
        "robustness": list(scorecard.get("robustness", {}).items()),
        "cost": scorecard.get("cost", {}),
        "seeds": _seeds(scorecard),
        "forest": _forest(scorecard),
        "plots": artifacts.plots(inputs["evaluation"] / "plots", PLOTS),
        "curves": [
            chart
            for model, name in (("lora", "adapter"), ("cnn", "baseline"), ("page_cnn", "page_baseline"))
            for chart in _curves(model, inputs[name])
        ],
        "records": artifacts.records(inputs["validation"]),
        "coverage": coverage,
        "not_scored": _by_reason(coverage.get("not_scored", {})),
        "examples": examples(shown),
        "disagreements": examples(apart),
        "questions": artifacts.questions(
            inputs["instructions"], [images[name][0] for name in shown if name in images]
        ),
        "stages": lineage,
        "models": MODELS,
    }


def example_rows(own: list[str], scores: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
    """The true statements, then what each model holds most likely; likeliest by the adapter first."""
    wanted = [code for code in own if code in scores]
    for model in ("lora", "cnn"):
        wanted += sorted(scores, key=lambda code: -scores[code].get(model, -1.0))[:TOP]
    chosen = sorted(set(wanted), key=lambda code: (code not in own, -scores[code].get("lora", -1.0), code))
    return [{"code": code, "true": code in own, "scores": scores[code]} for code in chosen]


def figure(value: Any, digits: int = 3) -> str:
    """A number for people; an em dash where there is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return "—"
    if isinstance(value, int) or (abs(value) > 1 and value.is_integer()):  # a verdict's counts are floats
        return f"{value:,.0f}"
    return f"{value:.{digits}f}".replace("-", "−")


def phrase(code: str) -> str:
    """The plain words of a statement."""
    return STATEMENTS[code].phrase if code in STATEMENTS else code


def _deltas(scorecard: Mapping[str, Any]) -> list[dict[str, Any]]:
    comparison = scorecard.get("comparison", {})
    charts = []
    for key, rival in (("delta_macro_auc", "cnn"), ("delta_vs_base", "base")):
        found = comparison.get(key) or {}
        point = Point(found.get("value"), found.get("lower"), found.get("upper"))
        if point.value is not None:
            about = "Difference in macro AUC with its one-sided 95 % bounds; no difference is dashed."
            rows = [(f"− {rival}", {"lora": point})]
            chart = dot_chart(rows, title=f"lora − {rival}", about=about, low=-0.02, high=0.02, mark=0.0)
            charts.append({"rival": rival, "point": point, "chart": chart})
    return charts


def _seeds(scorecard: Mapping[str, Any]) -> dict[str, Any]:
    seeds: dict[str, Any] = scorecard.get("models", {}).get("cnn", {}).get("seeds", {})
    return seeds if len(seeds) > 1 else {}


def _forest(scorecard: Mapping[str, Any]) -> str:
    found = scorecard.get("comparison", {}).get("statements", {})
    rows = [
        (code, {"lora": Point(one.get("delta"), one.get("lower"), one.get("upper"))})
        for code, one in sorted(found.items(), key=lambda item: -(item[1].get("delta") or 0.0))
    ]
    about = "AUC of lora minus that of the CNN for every compared statement, with 95 % intervals."
    return dot_chart(rows, title="lora − cnn", about=about, low=-0.05, high=0.05, mark=0.0) if rows else ""


def _statement_rows(scorecard: Mapping[str, Any]) -> list[dict[str, Any]]:
    data, models = scorecard.get("data", {}), scorecard.get("models", {})
    rows = []
    for code in data.get("statements", []):
        figures = {name: models.get(name, {}).get("statements", {}).get(code, {}) for name in MODELS}
        rows.append(
            {
                "code": code,
                "positives": data.get("positives", {}).get(code),
                "compared": code in data.get("compared", []),
                "models": figures,
            }
        )
    return sorted(rows, key=lambda row: -(row["models"]["lora"].get("auc") or -1.0))


def _statement_chart(scorecard: Mapping[str, Any]) -> str:
    rows = [
        (
            str(row["code"]),
            {
                name: Point(found.get("auc"), found.get("auc_lower"), found.get("auc_upper"))
                for name, found in row["models"].items()
            },
        )
        for row in _statement_rows(scorecard)
    ]
    about = "Area under the ROC curve of every scored statement on fold 10, by model; 0.5 is chance."
    return dot_chart(rows, title="AUC of each statement", about=about, low=0.4, high=1.0, mark=0.5)


def _controls(scorecard: Mapping[str, Any]) -> list[tuple[str, Any]]:
    found = scorecard.get("controls", {})
    return [(CONTROL_NAMES.get(name, name), values.get("macro_auc")) for name, values in found.items()]


def _curves(model: str, folder: Path) -> list[str]:
    history = artifacts.read_json(folder / "metrics.json").get("history", [])
    charts = []
    for key, title in CURVES.items():
        points = [
            (float(entry.get("epoch", number + 1)), entry.get(key)) for number, entry in enumerate(history)
        ]
        chart = line_chart(points, title=f"{title}, {model}", name=model, x_name="epoch")
        if chart:
            charts.append(chart)
    return charts


def _by_reason(not_scored: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    groups: dict[str, list[str]] = {}
    for code, reason in not_scored.items():
        groups.setdefault(reason, []).append(code)
    return sorted(groups.items(), key=lambda item: len(item[1]))
