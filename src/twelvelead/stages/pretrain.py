"""Stage pretrain: the embedded base, from simulated pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twelvelead.params import Pretrain


def pretrain(inputs: Mapping[str, Path], output: Path, params: Pretrain, work: Path) -> dict[str, Any]:
    """Write the base in Hugging Face layout, and pretraining.json with what it can see on held-out pages."""
    from twelvelead.training.pretrain import pretrain as make

    figures = make(params, output, work)
    (output / "pretraining.json").write_text(
        json.dumps(figures, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
    return figures
