"""What is here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twelvelead import __version__
from twelvelead.cli.options import ParamsFile
from twelvelead.cli.root import app


@app.command()
def doctor(
    cluster: Annotated[bool, typer.Option("--cluster", help="look at a cluster instead")] = False,
    namespace: Annotated[str, typer.Option(help="where runs go in the cluster")] = "twelvelead",
    kubeconfig: Annotated[str, typer.Option(help="else KUBECONFIG, or the pod's own account")] = "",
    params: ParamsFile = Path("params.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="every finding as JSON")] = False,
) -> None:  # fmt: skip
    """Tell what is missing here, or in a cluster; exit code 5 if anything is."""
    from twelvelead.stages.doctor import doctor as look

    raise typer.Exit(look(namespace if cluster else "", kubeconfig, params, as_json=as_json))


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)
