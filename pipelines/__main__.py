"""python -m pipelines: compile the pipeline, run it on this machine, or submit it to a cluster."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from twelvelead.errors import Error

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="The gated training pipeline.",
)


@app.command("compile")
def compile_command(
    output: Annotated[Path | None, typer.Option(help="YAML to write; default: the one in the tree")] = None,
    profile: Annotated[str, typer.Option(help="local | cluster")] = "local",
) -> None:
    """Write the pipeline's YAML and the components' contract table."""
    from pipelines.training import COMPILED, CONTRACTS, compile_to, contracts

    compile_to(output or COMPILED, profile)
    if output is None:
        CONTRACTS.write_text(contracts(), encoding="utf-8")
    print(f"wrote {output or COMPILED}")


@app.command("run")
def run_command(
    params: Annotated[Path, typer.Option("--params", help="params file")] = Path("params.yaml"),
    overrides: Annotated[
        list[str], typer.Option("--set", help="override, e.g. train_lora.rank=8; repeatable")
    ] = [],  # noqa: B006
    source: Annotated[
        str, typer.Option(help="a PTB-XL folder or s3:// prefix; else what the params say")
    ] = "",
    runs: Annotated[Path, typer.Option(help="folder that holds one folder a run")] = Path("runs"),
    fresh: Annotated[bool, typer.Option("--fresh", help="do not resume a killed run")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="show Kubeflow's own log lines too")] = False,
    image: Annotated[str, typer.Option(help="run every step in a container of this image")] = "",
) -> None:
    """Run every stage; either verdict ends in exit code 0."""
    from pipelines.run import run
    from pipelines.scoreboard import scoreboard
    from twelvelead.params import load

    if source:  # JSON quotes, so that YAML takes any path as text
        overrides = [
            *overrides,
            "ingest.source=ptb-xl",
            f"ingest.path={json.dumps(source if '://' in source else str(Path(source).resolve()))}",
        ]
    folder = run(load(params, overrides), runs, fresh=fresh, verbose=verbose, image=image)
    print("\n" + scoreboard(folder))


@app.command("submit")
def submit_command(
    image: Annotated[str, typer.Option(help="of every step, by digest: name@sha256:…")],
    params: Annotated[Path, typer.Option("--params", help="params file")] = Path("params.yaml"),
    overrides: Annotated[
        list[str], typer.Option("--set", help="override, e.g. train_lora.rank=8; repeatable")
    ] = [],  # noqa: B006
    host: Annotated[str, typer.Option(help="the KFP API; else KFP_HOST")] = "",
    namespace: Annotated[str, typer.Option(help="whose run it is")] = "twelvelead",
    experiment: Annotated[str, typer.Option(help="where it is listed")] = "twelvelead",
    cron: Annotated[str, typer.Option(help="a schedule instead of a run: six fields, seconds first")] = "",
    wait_s: Annotated[int, typer.Option("--wait", help="seconds to wait for the run's end")] = 0,
) -> None:
    """Start the pipeline on a cluster, or set up a schedule for it."""
    from pipelines.submit import submit
    from twelvelead.params import load

    done = submit(
        load(params, overrides), host=host, image=image, namespace=namespace, experiment=experiment,
        cron=cron, wait_s=wait_s,
    )  # fmt: skip
    print(json.dumps({"id": done.id, "name": done.name, "state": done.state}))


@app.command("diff")
def diff_command() -> None:
    """What compiling would change in the tree's YAML; exit code 1 if anything."""
    import difflib
    import tempfile

    from pipelines.training import COMPILED, compile_to

    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / COMPILED.name
        compile_to(fresh)
        lines = [path.read_text(encoding="utf-8").splitlines() for path in (COMPILED, fresh)]
    changes = list(difflib.unified_diff(*lines, "in the tree", "as compiled now", lineterm=""))
    print("\n".join(changes) or "nothing")
    sys.exit(1 if changes else 0)


def main() -> None:
    """Our own errors become one message and their exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        app()
    except Error as fault:
        sys.stderr.write(f"twelvelead: {fault}\n")
        sys.exit(fault.exit_code)


if __name__ == "__main__":
    main()
