"""Stage register: the judged adapter becomes a registered version, and the champion if it passed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twelvelead.params import Register


def register(inputs: Mapping[str, Path], output: Path, params: Register, work: Path) -> dict[str, Any]:
    """Write registration.json.

    Args:
        inputs: "verdict.json", "adapter", "baseline" and "evaluation".
        output: The file to write.
        params: The section: model name, alias, tracking URI.
        work: Not used; the registry itself remembers what is done.

    Returns:
        Model, version, whether it passed, and the alias it took.

    Raises:
        SetupError: An input file or the mlflow package is missing.
        RegistryError: The registry refused or cannot be reached.
    """
    from twelvelead.registry import register as registry
    from twelvelead.registry.lineage import read_candidate

    candidate = read_candidate(
        inputs["verdict.json"], inputs["adapter"], inputs["baseline"], inputs["evaluation"]
    )
    registration = registry.register(candidate, params)
    output.write_text(json.dumps(registration, indent=1) + "\n", encoding="utf-8")
    return {key: registration[key] for key in ("model", "version", "passed", "alias", "reasons")}
