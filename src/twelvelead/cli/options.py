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
To = Annotated[Path, typer.Option("--to", "-o", help="where it goes: a file or folder, written whole")]
Threads = Annotated[int, typer.Option(help="torch threads; 0 for all cores")]
Base = Annotated[str, typer.Option(help="folder of the base, if it lies elsewhere than the adapter says")]

# Of the registry.
ModelName = Annotated[str, typer.Option(help="registered model")]
Alias = Annotated[str, typer.Option(help="the seat that moves")]
Uri = Annotated[str, typer.Option(help="tracking server; else MLFLOW_TRACKING_URI")]

# Of a page, and of what is known of one that is read back.
Layout = Annotated[
    str, typer.Option(help="where leads stand: 3x4+1r, 3x4, 3x4+3r, 6x2, 6x2+1r, 12x1, median")
]
Paper = Annotated[str, typer.Option(help="a4 or letter, landscape")]
Dpi = Annotated[float, typer.Option(help="dots an inch; 203.2 is 8 px/mm")]
Width = Annotated[int, typer.Option(help="px, with --height instead of a paper")]
Height = Annotated[int, typer.Option(help="px, with --width instead of a paper")]
Speed = Annotated[float, typer.Option(help="mm/s")]
Gain = Annotated[float, typer.Option(help="mm/mV")]
ChestGain = Annotated[float, typer.Option(help="mm/mV of V1 to V6; 0: as the limb leads")]
Grid = Annotated[str, typer.Option(help="red, pink, grey, blue, beige, none")]
GridForm = Annotated[str, typer.Option(help="lines, dotted, faint, coarse")]
Ink = Annotated[str, typer.Option(help="black, blue, violet, brown")]
Font = Annotated[str, typer.Option(help="sans, serif, mono, strokes")]
Order = Annotated[str, typer.Option(help="standard or cabrera")]
Pulse = Annotated[str, typer.Option(help="calibration pulse: left, right, both, none")]
Separators = Annotated[str, typer.Option(help="between leads: tick, line, dashed, double, none")]
Timing = Annotated[str, typer.Option(help="columns sequential, or all simultaneous")]
Rhythm = Annotated[str, typer.Option(help="leads of the long strips, by commas, such as II,V1")]
Names = Annotated[bool, typer.Option(help="lead names and scale in print")]
Preset = Annotated[str, typer.Option(help="what happens to paper: clean, scan, photo, harsh, ecginstruct")]
Seed = Annotated[int, typer.Option(help="equal seeds give equal results")]
Start = Annotated[float, typer.Option(help="seconds of the record to skip")]
Rate = Annotated[float, typer.Option(help="Hz of the record that is written")]
SpeedSeen = Annotated[float, typer.Option(help="mm/s of the page; 0: by its pulse, 0.2 s wide")]
GainSeen = Annotated[float, typer.Option(help="mm/mV of the page; 0: by its pulse, 1 mV high")]
OrderSeen = Annotated[str, typer.Option(help="standard or cabrera; empty: told apart by Einthoven's law")]
LayoutSeen = Annotated[str, typer.Option(help="as of `page`; empty: found out")]
