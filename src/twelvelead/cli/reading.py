"""A reader: packed, asked, served, merged into its base."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from twelvelead.cli.options import Base, Threads, To
from twelvelead.cli.root import app


@app.command()
def reader(
    run: Path, to: To = Path("models/reader"),
    cnn: Annotated[bool, typer.Option(help="take the signal CNN along")] = True, base: Base = "",
) -> None:  # fmt: skip
    """Pack a run's adapter, statements, calibration, thresholds and verdict as a reader."""
    from twelvelead.serving.export import export_reader

    typer.echo(json.dumps(export_reader(run, to, cnn=cnn, base=base)))


@app.command()
def interpret(
    files: list[Path], model: Annotated[str, typer.Option(help="run or reader folder, or NAME@ALIAS")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="one line of JSON a page")] = False,
    to: Annotated[Path | None, typer.Option("--out", "-o", help="one JSON file a page, rejected.csv")] = None,
    page: Annotated[int, typer.Option(help="of TIFFs and PDFs; 0 for all")] = 0, threads: Threads = 0,
) -> None:  # fmt: skip
    """Read ECGs: pictures, photographs, PDF, WFDB, DICOM, or folders of them. 3 if any was refused."""
    from twelvelead.stages.interpret import interpret as read

    raise typer.Exit(3 if read(files, model, as_json=as_json, to=to, page=page, threads=threads) else 0)


@app.command()
def serve(
    ctx: typer.Context, model: Annotated[str, typer.Option(help="run or reader folder, or NAME@ALIAS")] = "",
    host: Annotated[str, typer.Option(help="another than loopback only with a token")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="TCP")] = 8080,
    token_file: Annotated[Path | None, typer.Option(help="else TWELVELEAD_TOKEN has it")] = None,
    keep_feedback: Annotated[Path | None, typer.Option(help="append feedback to this file")] = None,
    run: Annotated[Path | None, typer.Option(help="run whose worst disagreements are shown")] = None,
    every_s: Annotated[float, typer.Option(min=0, help="between looks at the alias")] = 30.0,
    waiting: Annotated[int, typer.Option(min=1, help="requests inside at once")] = 64, threads: Threads = 0,
) -> None:  # fmt: skip
    """Serve the reader and its review page; a registry alias is followed as it moves."""
    from twelvelead.stages.serve import serve as start

    start(**ctx.params)


@app.command()
def merge(adapter: Path, to: To, base: Base = "") -> None:
    """Add an adapter to its base: a model that plain transformers loads."""
    from twelvelead.stages.merge import merge as add

    typer.echo(json.dumps(add(adapter, to, base)))
