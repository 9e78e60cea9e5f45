"""The gate: what a policy may say, and what mlflow/gate.yaml says."""

from __future__ import annotations

from typing import get_args

from pydantic_core import PydanticUndefined

from handbook import DOCS
from handbook.table import code, document, table
from twelvelead.gate.policy import Check, Policy, load

FILES = {
    "mlflow/gate.yaml": "The policy of a real run.",
    "mlflow/gate.smoke.yaml": "The policy of the smallest run: it passes whatever has all its figures, and "
    "promotes nothing.",
}
_WORDS = {
    "name": "what is judged, in a few words",
    "candidate": "the model of the scorecard that is judged",
    "baseline": "the model it is compared with",
    "checks": "the clauses below; all must pass",
    "at_least": "lower bound",
    "at_most": "upper bound",
    "between": "both bounds, the lower first",
}


def page() -> str:
    """The reference of the gate."""
    parts = [
        "`twelvelead gate` holds `scorecard.json` against a policy file (`gate.policy`) and writes "
        "`verdict.json`. Every check must pass. A figure on its bound passes; one that is missing, or is no "
        "number, fails. A scorecard that compares other models than the policy names fails whatever its "
        "figures. The file's SHA-256 goes into the verdict, and `promote` refuses a verdict by another "
        "policy than the one in force."
    ]
    for file, about in FILES.items():
        policy = load(DOCS.parent / file)
        seat = "may give the champion's seat" if policy.promotes else "can never give an alias"
        rows = [(check.name, code(check.metric), check.bound(), check.why) for check in policy.checks]
        parts += [
            f"## `{file}`",
            f"{about} “{policy.name}”: {policy.candidate} against {policy.baseline}; a pass {seat}; "
            f"champion margin {policy.champion_margin:g}.",
            table(("check", "metric", "bound", "why"), rows),
        ]
    parts += [
        "## What a policy file may say",
        table(("key", "default", "meaning"), _fields(Policy)),
        "A check has a name, a metric, its reason, and exactly one bound:",
        table(("key of a check", "default", "meaning"), _fields(Check)),
        "`metric` is a dotted path into [scorecard.json](formats.md#scorecardjson).",
    ]
    return document("The gate's policy", *parts)


def _fields(model: type[Policy | Check]) -> list[tuple[str, str, str]]:
    rows = []
    for name, info in model.model_fields.items():
        optional = type(None) in get_args(info.annotation)
        default = "required" if info.default is PydanticUndefined else "" if optional else code(info.default)
        rows.append((code(name), default, info.description or _WORDS[name]))
    return rows
