"""params.yaml as one frozen, strict tree; the sections are in sections.py.

A stage receives its own section and nothing else. `load` reports every fault at once, each with its
dotted key and, for an unknown key, the nearest known one.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, Field, ValidationError

from twelvelead.errors import ParamsError
from twelvelead.sections import (
    Evaluate,
    Gate,
    Ingest,
    Instruct,
    Pretrain,
    Register,
    Report,
    Section,
    Shares,
    Synthesize,
    TrainBaseline,
    TrainLora,
    TrainPageBaseline,
    Validate,
)

__all__ = [
    "Evaluate",
    "Gate",
    "Ingest",
    "Instruct",
    "Params",
    "Pretrain",
    "Register",
    "Report",
    "Section",
    "Shares",
    "Synthesize",
    "TrainBaseline",
    "TrainLora",
    "TrainPageBaseline",
    "Validate",
    "from_json",
    "load",
    "parse",
]


class Params(Section):
    """The whole of params.yaml."""

    name: str = Field(
        "default", pattern=r"^[a-z0-9][a-z0-9_.-]*$", description="part of the run folder's name"
    )
    ingest: Ingest = Ingest()
    validate_: Validate = Field(Validate(), alias="validate")
    synthesize: Synthesize = Synthesize()
    instruct: Instruct = Instruct()
    train_baseline: TrainBaseline = TrainBaseline()
    train_page_baseline: TrainPageBaseline = TrainPageBaseline()
    train_lora: TrainLora = TrainLora()
    evaluate: Evaluate = Evaluate()
    gate: Gate = Gate()
    register_: Register = Field(Register(), alias="register")
    report: Report = Report()
    pretrain: Pretrain = Pretrain()

    def section(self, name: str) -> Section:
        """The section of one stage, by its name in params.yaml."""
        for field, info in type(self).model_fields.items():
            if name in (field, info.alias) and isinstance(value := getattr(self, field), Section):
                return value
        raise ParamsError(f"there is no params section {name!r}", expected=", ".join(_keys(type(self))))

    def to_json(self) -> str:
        """One JSON string; KFP would turn the integers of a dict parameter into floats."""
        return self.model_dump_json(by_alias=True)


def load(path: Path, overrides: Iterable[str] = ()) -> Params:
    """Read params.yaml and apply `section.key=value` overrides.

    Raises:
        ParamsError: The file is missing, is no YAML mapping, or any value is wrong; lists all faults.
    """
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise ParamsError(
            "params file not found", where=str(path),
            fix="give --params FILE, or go to the folder that has it: the repository's root",
        ) from None  # fmt: skip
    except (OSError, UnicodeDecodeError) as fault:
        raise ParamsError(
            f"cannot be read: {fault}", where=str(path), expected="a YAML file such as params.yaml"
        ) from None
    except yaml.YAMLError as fault:
        raise ParamsError(f"not readable as YAML: {fault}", where=str(path)) from None
    if not isinstance(tree, dict):
        raise ParamsError(f"holds a {type(tree).__name__}", where=str(path), expected="a mapping of sections")
    for item in overrides:
        _override(tree, item)
    return parse(tree, where=str(path))


def from_json(text: str) -> Params:
    """The inverse of `Params.to_json`."""
    return parse(json.loads(text), where="params")


def parse(tree: Mapping[str, Any], *, where: str) -> Params:
    """Check a tree; every fault at once."""
    try:
        return Params.model_validate_json(json.dumps(tree))
    except ValidationError as faults:
        lines = [_sentence(fault) for fault in faults.errors()]
        raise ParamsError(f"{len(lines)} fault(s)\n  " + "\n  ".join(lines), where=where) from None


def _sentence(fault: Mapping[str, Any]) -> str:
    loc = [str(part) for part in fault["loc"]]
    key = ".".join(loc)
    if fault["type"] == "extra_forbidden":
        known = _known(loc[:-1])
        near = difflib.get_close_matches(loc[-1], known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
        return f"{key}: unknown key; {hint}"
    message = fault["msg"].removeprefix("Value error, ")
    return (
        f"{key}: {message}, but got {fault['input']!r}"
        if fault["type"] != "value_error"
        else f"{key}: {message}"
    )


def _known(loc: list[str]) -> list[str]:
    model: type[BaseModel] = Params
    for part in loc:
        for field, info in model.model_fields.items():
            if part in (field, info.alias) and isinstance(info.annotation, type):
                model = info.annotation
    return _keys(model)


def _keys(model: type[BaseModel]) -> list[str]:
    return [info.alias or field for field, info in model.model_fields.items()]


def _override(tree: dict[str, Any], item: str) -> None:
    key, separator, text = item.partition("=")
    if not separator or not key:
        raise ParamsError(f"cannot read the override {item!r}", expected="section.key=value")
    *parents, last = key.split(".")
    node = tree
    for part in parents:
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            raise ParamsError(f"{part!r} is not a section", where=f"--set {item}")
    node[last] = yaml.safe_load(text) if text else ""
