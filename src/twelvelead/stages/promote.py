"""The alias, moved by a person's or a pipeline's word to a registered version; every check is made again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from twelvelead.params import Params


def promote(params: Params, version: int, expect: int = 0, output: Path | None = None) -> dict[str, Any]:
    """Promote a version, or the present challenger.

    Args:
        params: The whole tree: model name, alias and tracking URI of `register`, the policy of `gate`.
        version: The version; 0 for whichever holds the alias `challenger`.
        expect: Refuse unless this version holds the alias; 0 for whoever does.
        output: File to write the result to, or None.

    Returns:
        Model, version and alias.

    Raises:
        RegistryError: There is no such version or no challenger, or a check fails; nothing has moved then.
    """
    from twelvelead.registry import promote as registry
    from twelvelead.registry.lineage import home

    register = params.register_
    model, uri = register.model_name, register.tracking_uri
    version = version or registry.challenger(model, uri)
    moved = registry.promote(model, version, uri, register.alias, home() / params.gate.policy, expect or None)
    told = {"model": model, "version": moved, "alias": register.alias}
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(told) + "\n", encoding="utf-8")
    return told
