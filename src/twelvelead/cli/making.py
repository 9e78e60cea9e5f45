"""One command a stage."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from twelvelead.cli.options import Artifacts, Overrides, ParamsFile
from twelvelead.cli.root import app
from twelvelead.stages import STAGES, Stage


def _make(stage: Stage, at: Path, params: Path, overrides: list[str], pieces: list[Path]) -> None:
    from twelvelead.params import load
    from twelvelead.stages.run import run

    inputs = {name: at / name for name in stage.inputs}
    summary = run(stage.name, inputs, at / stage.output, load(params, overrides), pieces)
    typer.echo(json.dumps({"stage": stage.name, **summary}))


def stage_command(stage: Stage) -> Callable[..., None]:
    """The command of a stage; `synthesize` also gathers what `draw` made."""

    def command(
        at: Artifacts = Path("artifacts"),
        params: ParamsFile = Path("params.yaml"),
        overrides: Overrides = [],  # noqa: B006
    ) -> None:
        _make(stage, at, params, overrides, [])

    def gathering(
        at: Artifacts = Path("artifacts"),
        params: ParamsFile = Path("params.yaml"),
        overrides: Overrides = [],  # noqa: B006
        drawn: Annotated[list[Path], typer.Option(help="folder that `draw` made; repeatable")] = [],  # noqa: B006
    ) -> None:
        _make(stage, at, params, overrides, drawn)

    chosen = gathering if stage.name == "synthesize" else command
    chosen.__doc__ = f"Make {stage.output}: {stage.about}."
    return chosen


for _stage in STAGES:
    if _stage.name != "instruct":
        app.command(_stage.command)(stage_command(_stage))


@app.command()
def pretrain(params: ParamsFile = Path("params.yaml"), overrides: Overrides = []) -> None:  # noqa: B006
    """Make models/tiny, the embedded base: about an hour on two cores; only needed to change it."""
    from twelvelead.params import load
    from twelvelead.stages.run import run

    typer.echo(json.dumps(run("pretrain", {}, Path("models/tiny"), load(params, overrides))))
