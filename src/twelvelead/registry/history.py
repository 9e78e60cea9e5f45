"""What happened to a model: every version with its verdict, and two versions side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from twelvelead.errors import RegistryError
from twelvelead.registry.champion import ROLLED_BACK
from twelvelead.registry.promote import versions
from twelvelead.registry.tracking import session

FIGURES = ("lora.macro_auc_compared", "cnn.macro_auc_compared", "comparison.delta_macro_auc.lower")
MOST_STATEMENTS = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """One version.

    Attributes:
        version: Its number.
        registered: When, in UTC.
        gate: "passed" or "rejected".
        reasons: Why it was rejected.
        aliases: Those it holds now.
        rolled_back: Whether the champion's seat was taken from it.
        tags, metrics, params: As registered.
    """

    version: int
    registered: str
    gate: str
    reasons: tuple[str, ...]
    aliases: tuple[str, ...]
    rolled_back: bool
    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    params: Mapping[str, str]


def history(model_name: str, uri: str = "") -> list[Entry]:
    """Every version of a model, oldest first.

    Raises:
        RegistryError: There is no such model, or the server is not there.
    """
    with session(uri) as client:
        found = versions(client, model_name)
        if not found:
            raise RegistryError(f"there is no registered model {model_name!r}", fix="register a run first")
        seats = client.search_registered_models(f"name='{model_name}'")[0].aliases
        entries = []
        for item in found:
            run = client.get_run(item.run_id).data if item.run_id else None
            entries.append(
                Entry(
                    int(item.version),
                    datetime.fromtimestamp(item.creation_timestamp / 1000, UTC).strftime("%Y-%m-%d %H:%M"),
                    item.tags.get("gate", "unknown"),
                    tuple(item.tags.get("gate_reasons", "").splitlines()),
                    tuple(sorted(name for name, version in seats.items() if version == item.version)),
                    bool(item.tags.get(ROLLED_BACK)),
                    dict(item.tags),
                    dict(run.metrics) if run else {},
                    dict(run.params) if run else {},
                )
            )
        return entries


def told(entries: list[Entry]) -> str:
    """The history as lines of text."""
    lines = []
    for entry in entries:
        lora, cnn, lower = (_figure(entry.metrics.get(name)) for name in FIGURES)
        seats = f"  ← {', '.join(entry.aliases)}" if entry.aliases else ""
        lines.append(
            f"version {entry.version}  {entry.registered}  {entry.gate:<8}  lora {lora}  cnn {cnn}  "
            f"Δ lower {lower}{'  rolled back' * entry.rolled_back}{seats}"
        )
        lines += [f"    {reason}" for reason in entry.reasons]
    return "\n".join(lines)


def compare(model_name: str, one: int, other: int, uri: str = "") -> dict[str, Any]:
    """What two versions differ in.

    Returns:
        `comparable`: whether both were judged on the same records of fold 10; and under `params`, `tags` and
        `metrics` each differing name with its two values, None where one version lacks it.

    Raises:
        RegistryError: A version does not exist.
    """
    entries = {entry.version: entry for entry in history(model_name, uri)}
    for version in (one, other):
        if version not in entries:
            known = ", ".join(map(str, entries))
            raise RegistryError(f"there is no version {version} of {model_name!r}", expected=known)
    first, second = entries[one], entries[other]
    keys = ("dvc_md5.records", "dvc_md5.validation", "data_source")
    return {
        "versions": [one, other],
        "gate": [first.gate, second.gate],
        "comparable": all(first.tags.get(key) == second.tags.get(key) for key in keys),
        "params": _differing(first.params, second.params),
        "tags": _differing(first.tags, second.tags),
        "metrics": _differing(first.metrics, second.metrics),
    }


def told_apart(found: Mapping[str, Any]) -> str:
    """A comparison as lines of text: params, macro figures, and the statements that moved most."""
    one, other = found["versions"]
    lines = [f"version {one} ({found['gate'][0]}) and version {other} ({found['gate'][1]})"]
    if not found["comparable"]:
        lines.append("  judged on other records: figures are not comparable")
    lines += [f"  {name}: {old} → {new}" for name, (old, new) in found["params"].items()]
    moved = []
    for name, (old, new) in found["metrics"].items():
        if name.startswith("auc.lora.") and old is not None and new is not None:
            moved.append((new - old, name.removeprefix("auc.lora.")))
        elif name in FIGURES or name.startswith(("lora.macro_", "controls.")):
            lines.append(f"  {name}: {_figure(old)} → {_figure(new)}")
    for change, code in sorted(moved, key=lambda item: (-abs(item[0]), item[1]))[:MOST_STATEMENTS]:
        lines.append(f"  AUC of {code}: {change:+.3f}")
    return "\n".join(lines)


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, list[Any]]:
    names = sorted(set(one) | set(other))
    return {name: [one.get(name), other.get(name)] for name in names if one.get(name) != other.get(name)}


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
