"""Every key of params.yaml with its type, default, bounds and meaning, from the pydantic sections."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from handbook.table import code, document, table
from twelvelead.params import Params

_ABOUT = """Every tunable of a run stands in `params.yaml`, one section a stage. A key that is left out has
the default below, which need not be the value in `params.yaml`: that one is the laptop's. Unknown keys and
wrong types are refused, all faults at once, with the nearest known key. `--set section.key=value` overrides
one key."""


def page() -> str:
    """The reference of params."""
    parts = [_ABOUT, _table("", Params, leaves_only=True)]
    for name, info in Params.model_fields.items():
        if (section := _model(info.annotation)) is not None:
            key = info.alias or name
            about = " ".join((section.__doc__ or "").split("\n\n")[0].split())
            parts += [f"## `{key}`", about, _table(f"{key}.", section)]
    return document("Params", *parts)


def _table(prefix: str, model: type[BaseModel], *, leaves_only: bool = False) -> str:
    return table(("key", "takes", "default", "meaning"), list(_rows(prefix, model, leaves_only)))


def _rows(prefix: str, model: type[BaseModel], leaves_only: bool = False) -> list[tuple[str, str, str, str]]:
    described = model.model_json_schema(by_alias=True)
    rows = []
    for name, info in model.model_fields.items():
        key = info.alias or name
        inner = _model(info.annotation)
        if inner is not None:
            rows += [] if leaves_only else _rows(f"{prefix}{key}.", inner)
            continue
        default = "" if info.default is PydanticUndefined else _text(info.default)
        rows.append(
            (code(prefix + key), _takes(described["properties"][key]), code(default), info.description or "")
        )
    return rows


def _model(annotation: Any) -> type[BaseModel] | None:
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _text(value: object) -> str:
    if isinstance(value, float) and value != 0 and (abs(value) < 1e-2 or abs(value) >= 1e5):
        return f"{value:.0e}".replace("e-0", "e-")
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def _takes(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(code(item) for item in schema["enum"])
    word = {"integer": "whole number", "number": "number", "string": "text", "boolean": "yes or no"}.get(
        schema["type"], f"list of {'texts' if schema.get('items', {}).get('type') == 'string' else 'items'}"
    )
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {schema[name]:g}" for name, sign in signs.items() if name in schema]
    if schema.get("minLength"):
        bounds.append("not empty")
    if "pattern" in schema:
        bounds.append(code(schema["pattern"]))
    return ", ".join([word, *bounds])
