"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ParamsFile = Annotated[Path, typer.Option("--params", help="params file")]
Overrides = Annotated[
    list[str], typer.Option("--set", help="override, e.g. train_lora.rank=8; may be repeated")
]
Artifacts = Annotated[Path, typer.Option("--at", help="folder that holds all artifacts by name")]
To = Annotated[Path, typer.Option("--to", "-o")]
