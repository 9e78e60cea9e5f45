"""The command line: one command a stage, and the few that look at a run."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from twelvelead import __version__
from twelvelead.errors import Error, ParamsError
from twelvelead.stages import STAGES, Stage, find

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
Form = Annotated[str, typer.Argument(help="llava, ecg-qa or trl; trl-jsonl or trl-parquet to export")]
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


instruct_app = typer.Typer(help="Make instructions; or look at them, bring some in, take them out.")
app.add_typer(instruct_app, name="instruct")
for _stage in STAGES:
    if _stage.name != "instruct":
        app.command(_stage.command)(_stage_command(_stage))


@instruct_app.callback(invoke_without_command=True)
def instruct(
    ctx: typer.Context,
    at: Artifacts = Path("artifacts"),
    params: ParamsFile = Path("params.yaml"),
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Make instructions: questions and answers per page. The commands below look at them and move them."""
    if ctx.invoked_subcommand is None:
        _stage_command(find("instruct"))(at, params, overrides)
    elif (at, params, overrides) != (Path("artifacts"), Path("params.yaml"), []):
        raise ParamsError("options of a command belong behind it", fix=f"instruct {ctx.invoked_subcommand} …")


@instruct_app.command()
def preview(
    at: Artifacts = Path("artifacts"), base: str = "models/tiny", split: str = "train", count: int = 4,
    sample: str = "",
) -> None:  # fmt: skip
    """Print samples of one page with their tokens; those that count in the loss are marked."""
    from twelvelead.training import preview as training

    raise typer.Exit(0 if training.preview(base, at / "instructions", split, count, sample) else 1)


@instruct_app.command()
def export(form: Form, to: Path, at: Artifacts = Path("artifacts"), split: list[str] = []) -> None:  # noqa: B006
    """Write the samples for others: llava, ecg-qa, trl-jsonl or trl-parquet."""
    from twelvelead.instruct.export import SPLITS
    from twelvelead.instruct.export import export as write

    typer.echo(json.dumps(write(form, at / "instructions", at / "pages", to, split or SPLITS)))


@instruct_app.command("import")
def import_(
    form: Form, source: Path, to: Path, at: Artifacts = Path("artifacts"), skip_faults: bool = False,
    beside: Path | None = None,
) -> None:  # fmt: skip
    """Ask questions of others (llava, ecg-qa, trl) of our pages, split again by fold."""
    from twelvelead.instruct.intake import import_conversations as take

    places = (source, at / "validation", at / "pages", to)
    typer.echo(json.dumps(take(form, *places, skip_faults=skip_faults, beside=beside)))


@instruct_app.command()
def card(at: Artifacts = Path("artifacts"), to: Path = Path("data_card.html"), pages: int = 4) -> None:
    """Write the data card of the instructions: one HTML file."""
    from twelvelead.reports.data_card import write

    write({name: at / name for name in ("validation", "pages", "instructions")}, to, pages)
    typer.echo(json.dumps({"card": str(to)}))


@app.command()
def pretrain(params: ParamsFile = Path("params.yaml"), overrides: Overrides = []) -> None:  # noqa: B006
    """Make models/tiny, the embedded base: about an hour on two cores; only needed to change it."""
    from twelvelead.params import load
    from twelvelead.stages.run import run

    typer.echo(json.dumps(run("pretrain", {}, Path("models/tiny"), load(params, overrides))))


@app.command()
def page(
    ctx: typer.Context, record: Path, to: Annotated[Path, typer.Option("--to", "-o")],
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
    record: Path, to: Annotated[Path, typer.Option("--to", "-o")] = Path("sheet.html"), seed: int = 1,
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
    ctx: typer.Context, picture: Path, to: Annotated[Path, typer.Option("--to", "-o")], fs: float = 500,
    layout: str = "", speed: float = 0, gain: float = 0, order: str = "", timing: str = "sequential",
    rhythm: str = "",
) -> None:  # fmt: skip
    """Read a page of ours, clean or scanned, back into a WFDB record; options say what is known of it."""
    from twelvelead.stages.digitise import digitise as read

    typer.echo(json.dumps(read(**ctx.params)))


@app.command()
def metrics(
    predictions: Path,
    to: Annotated[Path | None, typer.Option("--json", help="write every figure here")] = None,
    fold9: Annotated[Path | None, typer.Option(help="predictions that thresholds are chosen on")] = None,
    records: Annotated[Path | None, typer.Option(help="record_id, sex, age …: subgroups")] = None,
    bootstrap: int = 2000,
    seed: int = 1,
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


@app.command()
def merge(adapter: Path, to: Annotated[Path, typer.Option("--to", "-o")], base: str = "") -> None:
    """Add an adapter to its base: a model that plain transformers loads."""
    from twelvelead.stages.merge import merge as add

    typer.echo(json.dumps(add(adapter, to, base)))


@app.command()
def interpret(
    files: list[Path], model: Annotated[str, typer.Option(help="run or reader folder, or NAME@ALIAS")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="one line of JSON a page")] = False,
    to: Annotated[Path | None, typer.Option("--out", "-o", help="one JSON file a page, rejected.csv")] = None,
    page: Annotated[int, typer.Option(help="of TIFFs and PDFs; 0 for all")] = 0, threads: int = 0,
) -> None:  # fmt: skip
    """Read ECGs: pictures, photographs, PDF, WFDB, DICOM, or folders of them. 3 if any was refused."""
    from twelvelead.stages.interpret import interpret as read

    raise typer.Exit(3 if read(files, model, as_json=as_json, to=to, page=page, threads=threads) else 0)


@app.command()
def serve(
    ctx: typer.Context, model: Annotated[str, typer.Option(help="run or reader folder, or NAME@ALIAS")] = "",
    host: str = "127.0.0.1", port: int = 8080, token_file: Path | None = None,
    keep_feedback: Annotated[Path | None, typer.Option(help="append feedback to this file")] = None,
    run: Annotated[Path | None, typer.Option(help="run whose worst disagreements are shown")] = None,
    every_s: Annotated[float, typer.Option(min=0, help="between looks at the alias")] = 30.0,
    waiting: Annotated[int, typer.Option(min=1, help="requests inside at once")] = 64, threads: int = 0,
) -> None:  # fmt: skip
    """Serve the reader and its review page; a registry alias is followed as it moves."""
    from twelvelead.stages.serve import serve as start

    start(**ctx.params)


@app.command()
def reader(
    run: Path, to: Annotated[Path, typer.Option("--to", "-o")] = Path("models/reader"),
    cnn: Annotated[bool, typer.Option(help="take the signal CNN along")] = True, base: str = "",
) -> None:  # fmt: skip
    """Pack a run's adapter, statements, calibration, thresholds and verdict as a reader."""
    from twelvelead.serving.export import export_reader

    typer.echo(json.dumps(export_reader(run, to, cnn=cnn, base=base)))


@app.command()
def promote(
    version: int,
    model_name: str = "twelvelead-reader",
    alias: str = "champion",
    uri: str = "",
    policy: Annotated[Path | None, typer.Option(help="the policy in force; else mlflow/gate.yaml")] = None,
    expect: Annotated[int | None, typer.Option(help="refuse unless this version holds the alias")] = None,
) -> None:
    """Give a registered version the alias; refused unless its verdict holds, here and now."""
    from twelvelead.registry import promote as registry

    moved = registry.promote(model_name, version, uri, alias, policy, expect)
    typer.echo(json.dumps({"version": moved, "alias": alias}))


@app.command()
def rollback(model_name: str = "twelvelead-reader", alias: str = "champion", uri: str = "") -> None:
    """Give the alias back to the passed version before the present one."""
    from twelvelead.registry import promote as registry

    typer.echo(json.dumps({"version": registry.rollback(model_name, uri, alias), "alias": alias}))


@app.command()
def history(model_name: str = "twelvelead-reader", uri: str = "") -> None:
    """Every registered version, its verdict and its figures."""
    from twelvelead.registry import history as registry

    typer.echo(registry.told(registry.history(model_name, uri)))


@app.command()
def compare(
    one: int,
    other: int,
    model_name: str = "twelvelead-reader",
    uri: str = "",
    as_json: Annotated[bool, typer.Option("--json", help="every difference as JSON")] = False,
) -> None:
    """What two registered versions differ in."""
    from twelvelead.registry import history as registry

    found = registry.compare(model_name, one, other, uri)
    typer.echo(json.dumps(found) if as_json else registry.told_apart(found))


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
