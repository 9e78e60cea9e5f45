"""Records on paper and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from twelvelead.cli import options as of
from twelvelead.cli.options import Order, Rhythm, Seed, Start, Timing, To
from twelvelead.cli.root import app


@app.command()
def page(
    ctx: typer.Context, record: Path, to: To,
    layout: of.Layout = "3x4+1r", paper: of.Paper = "a4", dpi: of.Dpi = 203.2, width: of.Width = 0,
    height: of.Height = 0, speed: of.Speed = 25, gain: of.Gain = 10, chest_gain: of.ChestGain = 0,
    grid: of.Grid = "red", grid_form: of.GridForm = "lines", ink: of.Ink = "black", font: of.Font = "sans",
    order: Order = "standard", pulse: of.Pulse = "left", separators: of.Separators = "tick",
    timing: Timing = "sequential", rhythm: Rhythm = "", names: of.Names = True, preset: of.Preset = "clean",
    seed: Seed = 1, start: Start = 0,
    sidecar: Annotated[bool, typer.Option("--sidecar", help="boxes, traces, masks: <page>.truth")] = False,
) -> None:  # fmt: skip
    """Draw one record, WFDB or DICOM, on paper: .png, .jpg, .svg or .pdf. An unknown word lists the known."""
    from twelvelead.stages.sheet import page as draw

    typer.echo(json.dumps(draw(**ctx.params)))


@app.command()
def contact_sheet(record: Path, to: To = Path("sheet.html"), seed: Seed = 1, start: Start = 0) -> None:
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
    ctx: typer.Context, picture: Path, to: To, fs: of.Rate = 500, layout: of.LayoutSeen = "",
    speed: of.SpeedSeen = 0, gain: of.GainSeen = 0, order: of.OrderSeen = "", timing: Timing = "sequential",
    rhythm: Rhythm = "",
) -> None:  # fmt: skip
    """Read a page of ours, clean or scanned, back into a WFDB record; options say what is known of it."""
    from twelvelead.stages.digitise import digitise as read

    typer.echo(json.dumps(read(**ctx.params)))
