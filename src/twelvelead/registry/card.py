"""The model card: what a version is, what it was judged by, and what it must not be used for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twelvelead.evaluation.scorecard import CONTROL_NAMES
from twelvelead.registry.lineage import Candidate, home

MODELS = (
    ("lora", "base + LoRA adapter, on pages"),
    ("cnn", "signal CNN"),
    ("page_cnn", "CNN on the same pages"),
    ("base", "base alone, on pages"),
)


def card(candidate: Candidate, tags: Mapping[str, str], model_name: str) -> str:
    """Fill `mlflow/card.md.j2`.

    Args:
        candidate: What is registered.
        tags: The tags of the version.
        model_name: Its name in the registry.

    Returns:
        Markdown.

    Raises:
        SetupError: The template's folder is not found.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(home() / "mlflow"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # Markdown, read as text
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = figure
    environment.filters["cell"] = lambda value: str(value).replace("|", "\\|").replace("\n", "; ")
    data = candidate.scorecard.get("data", {})
    return environment.get_template("card.md.j2").render(
        name=model_name,
        data=data,
        simulated=data.get("source") == "simulated",
        models=[(name, about, candidate.scorecard.get("models", {}).get(name, {})) for name, about in MODELS],
        comparison=candidate.scorecard.get("comparison", {}),
        control_names=CONTROL_NAMES,
        robustness=candidate.scorecard.get("robustness", {}),
        candidate=candidate.scorecard.get("models", {}).get("lora", {}),
        controls=candidate.scorecard.get("controls", {}),
        verdict=candidate.verdict,
        decision=candidate.decision,
        tags=tags,
        stages=candidate.stages,
    )


def figure(value: Any) -> str:
    """A number for people: three decimals, or an em dash where there is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return "—"
    if isinstance(value, int) or (abs(value) > 1 and value.is_integer()):  # a verdict's counts are floats
        return f"{value:.0f}"
    return f"{value:.3f}"
