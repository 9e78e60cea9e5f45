"""Records on paper and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from twelvelead.cli.options import To
from twelvelead.cli.root import app


@app.command()
def page(
    ctx: typer.Context, record: Path, to: To,
    layout: str = "3x4+1r", paper: str = "a4", dpi: float = 203.2, width: int = 0, height: int = 0,
    speed: float = 25, gain: float = 10, chest_gain: float = 0, grid: str = "red", grid_form: str = "lines",
    ink: str = "black", font: str = "sans", order: str = "standard", pulse: str = "left",
    separators: str = "tick", timing: str = "sequential", rhythm: str = "", names: bool = True,
    preset: str = "clean", seed: int = 1, start: float = 0,
    sidecar: Annotated[bool, typer.Option("--sidecar", help="boxes, traces, masks: <page>.truth")] = False,
) -> None:  # fmt: skip
    """Draw one record, WFDB or DICOM, on paper: .png, .jpg, .svg or .pdf. An unknown word lists the known."""
    from twelvelead.stages.sheet import page as draw

    typer.echo(json.dumps(draw(**ctx.params)))


@app.command()
def contact_sheet(
    record: Path, to: To = Path("sheet.html"), seed: int = 1,
    start: float = 0,
) -> None:  # fmt: skip
    """Show a record in every layout, preset, grid and print side by side: one HTML file."""
    from twelvelead.stages.sheet import contact_sheet as draw

    typer.echo(json.dumps(draw(record, to, seed, start)))


@app.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
def kit(flags: Annotated[list[str], typer.Argument(metavar="FLAGS")]) -> None:
    """Draw a folder of records by the flags of ecg-image-kit: -i -o -se -r --num_columns …; -h lists them."""
    from twelvelead.stages.kit import kit as draw

    typer.echo(json.dumps(draw(flags)))


@app.command()
def digitise(
    ctx: typer.Context, picture: Path, to: To, fs: float = 500,
    layout: str = "", speed: float = 0, gain: float = 0, order: str = "", timing: str = "sequential",
    rhythm: str = "",
) -> None:  # fmt: skip
    """Read a page of ours, clean or scanned, back into a WFDB record; options say what is known of it."""
    from twelvelead.stages.digitise import digitise as read

    typer.echo(json.dumps(read(**ctx.params)))
