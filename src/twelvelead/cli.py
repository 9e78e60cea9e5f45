"""The command line: one command a stage, and the few that look at a run."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from twelvelead import __version__
from twelvelead.errors import Error
from twelvelead.stages import STAGES, Stage

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="12-lead ECG archives to a judged multimodal LLM that reads ECG pictures. Not a medical device.",
)
ParamsFile = Annotated[Path, typer.Option("--params", help="params file")]
Overrides = Annotated[
    list[str], typer.Option("--set", help="override, e.g. train_lora.rank=8; may be repeated")
]
Artifacts = Annotated[Path, typer.Option("--at", help="folder that holds all artifacts by name")]


def _stage_command(stage: Stage) -> Callable[..., None]:
    def command(
        at: Artifacts = Path("artifacts"),
        params: ParamsFile = Path("params.yaml"),
        overrides: Overrides = [],  # noqa: B006
    ) -> None:
        from twelvelead.params import load
        from twelvelead.stages.run import run

        tree = load(params, overrides)
        summary = run(stage.name, {name: at / name for name in stage.inputs}, at / stage.output, tree)
        typer.echo(json.dumps({"stage": stage.name, **summary}))

    command.__doc__ = f"Make {stage.output}: {stage.about}."
    return command


for _stage in STAGES:
    app.command(_stage.command)(_stage_command(_stage))


@app.command()
def pretrain(params: ParamsFile = Path("params.yaml"), overrides: Overrides = []) -> None:  # noqa: B006
    """Make models/tiny, the embedded base: about an hour on two cores; only needed to change it."""
    from twelvelead.params import load
    from twelvelead.stages.run import run

    typer.echo(json.dumps(run("pretrain", {}, Path("models/tiny"), load(params, overrides))))


@app.command()
def promote(
    version: int, model_name: str = "twelvelead-reader", alias: str = "champion", uri: str = ""
) -> None:
    """Give a registered version the alias; refused unless its gate tag says passed."""
    from twelvelead.registry import promote as registry

    typer.echo(json.dumps({"version": registry.promote(model_name, version, uri, alias), "alias": alias}))


@app.command()
def rollback(model_name: str = "twelvelead-reader", alias: str = "champion", uri: str = "") -> None:
    """Give the alias back to the passed version before the present one."""
    from twelvelead.registry import promote as registry

    typer.echo(json.dumps({"version": registry.rollback(model_name, uri, alias), "alias": alias}))


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def main() -> None:
    """Run the command line; our own errors become one message on stderr and their exit code."""
    try:
        app(standalone_mode=True)
    except Error as fault:
        sys.stderr.write(f"twelvelead: {type(fault).__name__}: {fault}\n")
        sys.exit(fault.exit_code)


if __name__ == "__main__":
    main()
