"""A candidate's params and figures as MLflow takes them: flat, under names without brackets or plus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twelvelead.registry.lineage import Candidate


def flat_params(candidate: Candidate) -> dict[str, Any]:
    """Params of every stage upstream as `stage.key`."""
    return {
        f"{stage}.{key}": value
        for stage, entry in candidate.stages.items()
        for key, value in entry.get("params", {}).items()
    }


def flat_metrics(scorecard: Mapping[str, Any]) -> dict[str, float]:
    """Every number of the scorecard as a dotted metric; a null has no metric.

    Per statement only the AUC is logged, as `auc.<model>.<code>`; predictions.parquet holds the rest.
    """
    found = _numbers(
        {key: scorecard.get(key, {}) for key in ("data", "comparison", "controls", "robustness", "cost")}
    )
    found = {key: value for key, value in found.items() if not key.startswith("data.positives.")}
    for name, model in scorecard.get("models", {}).items():
        found |= _numbers({name: {key: value for key, value in model.items() if key != "statements"}})
        for code, figures in model.get("statements", {}).items():
            found |= _numbers({f"auc.{name}.{code}": figures.get("auc")})
    # MLflow takes no brackets and no plus in a name: one statement is PRC(S), one layout 3x4+1r.
    plain = str.maketrans({"(": "_", ")": None, "+": "_"})
    return {key.translate(plain): value for key, value in found.items()}


def _numbers(tree: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    found: dict[str, float] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            found |= _numbers(value, f"{prefix}{key}.")
        elif isinstance(value, int | float) and not isinstance(value, bool) and value == value:
            found[f"{prefix}{key}"] = float(value)
    return found
