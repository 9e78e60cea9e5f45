"""Instructions: made, looked at, brought in and taken out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from twelvelead.cli.making import stage_command
from twelvelead.cli.options import Artifacts, Overrides, ParamsFile
from twelvelead.cli.root import app
from twelvelead.errors import ParamsError
from twelvelead.stages import find

Form = Annotated[str, typer.Argument(help="llava, ecg-qa or trl; trl-jsonl or trl-parquet to export")]

instruct_app = typer.Typer(help="Make instructions; or look at them, bring some in, take them out.")
app.add_typer(instruct_app, name="instruct")


@instruct_app.callback(invoke_without_command=True)
def instruct(
    ctx: typer.Context,
    at: Artifacts = Path("artifacts"),
    params: ParamsFile = Path("params.yaml"),
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Make instructions: questions and answers per page. The commands below look at them and move them."""
    if ctx.invoked_subcommand is None:
        stage_command(find("instruct"))(at, params, overrides)
    elif (at, params, overrides) != (Path("artifacts"), Path("params.yaml"), []):
        raise ParamsError("options of a command belong behind it", fix=f"instruct {ctx.invoked_subcommand} …")


@instruct_app.command()
def preview(
    at: Artifacts = Path("artifacts"),
    base: Annotated[str, typer.Option(help="folder of the base; its weights are not read")] = "models/tiny",
    split: Annotated[str, typer.Option(help="train, validation or test")] = "train",
    count: Annotated[int, typer.Option(help="samples, all of one page")] = 4,
    sample: Annotated[str, typer.Option(help="id of the only one to show")] = "",
) -> None:  # fmt: skip
    """Print samples of one page with their tokens; those that count in the loss are marked."""
    from twelvelead.training import preview as training

    raise typer.Exit(0 if training.preview(base, at / "instructions", split, count, sample) else 1)


@instruct_app.command()
def export(
    form: Form, to: Path, at: Artifacts = Path("artifacts"),
    split: Annotated[list[str], typer.Option(help="only this one; repeatable")] = [],  # noqa: B006
) -> None:  # fmt: skip
    """Write the samples for others: llava, ecg-qa, trl-jsonl or trl-parquet."""
    from twelvelead.instruct.export import SPLITS
    from twelvelead.instruct.export import export as write

    typer.echo(json.dumps(write(form, at / "instructions", at / "pages", to, split or SPLITS)))


@instruct_app.command("import")
def import_(
    form: Form, source: Path, to: Path, at: Artifacts = Path("artifacts"),
    skip_faults: Annotated[bool, typer.Option(help="count faulty items, do not end at the first")] = False,
    beside: Annotated[Path | None, typer.Option(help="instructions of ours to take along")] = None,
) -> None:  # fmt: skip
    """Ask questions of others (llava, ecg-qa, trl) of our pages, split again by fold."""
    from twelvelead.instruct.intake import import_conversations as take

    places = (source, at / "validation", at / "pages", to)
    typer.echo(json.dumps(take(form, *places, skip_faults=skip_faults, beside=beside)))


@instruct_app.command()
def card(
    at: Artifacts = Path("artifacts"),
    to: Annotated[Path, typer.Option(help="the HTML file")] = Path("data_card.html"),
    pages: Annotated[int, typer.Option(help="pages to show with their questions")] = 4,
) -> None:
    """Write the data card of the instructions: one HTML file."""
    from twelvelead.reports.data_card import write

    write({name: at / name for name in ("validation", "pages", "instructions")}, to, pages)
    typer.echo(json.dumps({"card": str(to)}))
