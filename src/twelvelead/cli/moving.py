"""Errands: artifacts go and come, pages are drawn in shares, the end of a run is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from twelvelead.cli.options import Artifacts, Overrides, ParamsFile, To
from twelvelead.cli.root import app


@app.command()
def fetch(artifact: str, place: str, to: To) -> None:
    """Bring an artifact from a run's folder, s3://, dvc:REPO#REVISION:PATH or a publication.json."""
    from twelvelead.stages.fetch import fetch as bring

    typer.echo(json.dumps(bring(artifact, place, to)))


@app.command()
def draw(
    part: int, parts: int, to: To, at: Artifacts = Path("artifacts"),
    params: ParamsFile = Path("params.yaml"), overrides: Overrides = [],  # noqa: B006
) -> None:  # fmt: skip
    """Draw a share of the pages, for `synthesize --drawn` to gather."""
    from twelvelead.params import load
    from twelvelead.stages.draw import draw as share

    inputs = {name: at / name for name in ("validation", "records")}
    typer.echo(json.dumps(share(inputs, to, load(params, overrides), part, parts)))


@app.command()
def publish(
    names: list[str], to: To, at: Artifacts = Path("artifacts"),
    remote: Annotated[str, typer.Option(help="such as s3://bucket/dvc; empty: pointers only")] = "",
) -> None:  # fmt: skip
    """Push artifacts as a DVC version and keep their pointer files."""
    from twelvelead.stages.publish import publish as push

    typer.echo(json.dumps(push({name: at / name for name in names}, to, remote)))


@app.command()
def outcome(
    pipeline: str, state: str, to: To, error: Annotated[str, typer.Option(help="why it failed")] = "",
    params: ParamsFile = Path("params.yaml"), overrides: Overrides = [],  # noqa: B006
) -> None:  # fmt: skip
    """Keep in MLflow how a run of a pipeline ended."""
    from twelvelead.params import load
    from twelvelead.stages.outcome import outcome as record

    status = {"state": state, "error_message": error}
    typer.echo(json.dumps(record(pipeline, status, to, load(params, overrides))))
