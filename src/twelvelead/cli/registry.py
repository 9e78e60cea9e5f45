"""Registered versions: look at them, move the alias."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from twelvelead.cli.options import Alias, ModelName, Uri
from twelvelead.cli.root import app


@app.command()
def promote(
    version: int,
    model_name: ModelName = "twelvelead-reader",
    alias: Alias = "champion",
    uri: Uri = "",
    policy: Annotated[Path | None, typer.Option(help="the policy in force; else mlflow/gate.yaml")] = None,
    expect: Annotated[int, typer.Option(help="refuse unless this version holds the alias")] = 0,
) -> None:
    """Give a version (0: the challenger) the alias; refused unless its verdict holds, here and now."""
    from twelvelead.params import parse
    from twelvelead.stages.promote import promote as move

    gate = {"policy": str(policy.resolve())} if policy else {}
    register = {"model_name": model_name, "tracking_uri": uri, "alias": alias}
    typer.echo(
        json.dumps(move(parse({"gate": gate, "register": register}, where="promote"), version, expect))
    )


@app.command()
def rollback(model_name: ModelName = "twelvelead-reader", alias: Alias = "champion", uri: Uri = "") -> None:
    """Give the alias back to the passed version before the present one."""
    from twelvelead.registry import promote as registry

    typer.echo(json.dumps({"version": registry.rollback(model_name, uri, alias), "alias": alias}))


@app.command()
def history(model_name: ModelName = "twelvelead-reader", uri: Uri = "") -> None:
    """Every registered version, its verdict and its figures."""
    from twelvelead.registry import history as registry

    typer.echo(registry.told(registry.history(model_name, uri)))


@app.command()
def compare(
    one: int,
    other: int,
    model_name: ModelName = "twelvelead-reader",
    uri: Uri = "",
    as_json: Annotated[bool, typer.Option("--json", help="every difference as JSON")] = False,
) -> None:
    """What two registered versions differ in."""
    from twelvelead.registry import history as registry

    found = registry.compare(model_name, one, other, uri)
    typer.echo(json.dumps(found) if as_json else registry.told_apart(found))
