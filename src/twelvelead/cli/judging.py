"""Figures about anybody's predictions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from twelvelead.cli.options import Seed
from twelvelead.cli.root import app


@app.command()
def metrics(
    predictions: Path,
    to: Annotated[Path | None, typer.Option("--json", help="write every figure here")] = None,
    fold9: Annotated[Path | None, typer.Option(help="predictions that thresholds are chosen on")] = None,
    records: Annotated[Path | None, typer.Option(help="record_id, sex, age …: subgroups")] = None,
    bootstrap: Annotated[int, typer.Option(help="replicates, by patient; 0 for no intervals")] = 2000,
    seed: Seed = 1,
) -> None:
    """Judge anybody's predictions: record_id, patient_id, model, code, label, probability."""
    from twelvelead.evaluation.judge import judge

    typer.echo(judge(predictions, to=to, fold9=fold9, records=records, replicates=bootstrap, seed=seed))


@app.command()
def ecgbench(
    outputs: Path,
    gold: Annotated[Path, typer.Option(help="folder of ECGBench's question files, or one of them")],
    to: Annotated[Path | None, typer.Option("--json", help="write every figure here")] = None,
) -> None:
    """Score PULSE- or GEM-style output files: as published, strictly, and by probabilities."""
    from twelvelead.evaluation.ecgbench.judge import judge

    typer.echo(judge(outputs, gold, to))


@app.command()
def photos(
    folder: Path,
    adapter: Annotated[Path, typer.Option(help="folder of the adapter")] = Path("artifacts/adapter"),
    scorecard: Annotated[Path | None, typer.Option(help="of its run: statements and calibration")] = None,
    mask_top: Annotated[float, typer.Option(min=0, max=0.9, help="share of the height to paint over")] = 0.0,
    to: Annotated[Path | None, typer.Option("--json", help="write the figures there")] = None,
) -> None:
    """Score real photographs of printed ECGs; their figures stand apart and enter no gate."""
    from twelvelead.stages.photos import photos as score

    text = json.dumps(score(folder, adapter, scorecard, mask_top=mask_top), indent=1)
    if to:
        to.write_text(text + "\n", encoding="utf-8")
    typer.echo(text)
