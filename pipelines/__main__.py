"""python -m pipelines: compile the pipelines, run one on this machine, or submit it to a cluster."""

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
    help="The pipelines: compile, run here, submit to a cluster.",
)

ParamsFile = Annotated[Path, typer.Option("--params", help="params file")]
Overrides = Annotated[list[str], typer.Option("--set", help="override, e.g. train_lora.rank=8; repeatable")]
Images = Annotated[
    list[str],
    typer.Option(
        "--image", help="of every step, or cpu=NAME, gpu=NAME, gate=NAME; a cluster wants name@sha256:…"
    ),
]
PipelineName = Annotated[str, typer.Option(help="training | data | evaluation | promotion")]
Place = Annotated[str, typer.Option(help="evaluation: run folder, s3://, dvc: or publication.json")]
Remote = Annotated[str, typer.Option(help="training, data: DVC remote the data go to, as s3://bucket/dvc")]
Version = Annotated[int, typer.Option(help="promotion: the version; 0 for the challenger")]
Expect = Annotated[int, typer.Option(help="promotion: refuse unless this version is champion")]


@app.command("compile")
def compile_command(
    pipeline: Annotated[str, typer.Option(help="one of them, for --output")] = "training",
    output: Annotated[Path | None, typer.Option(help="YAML to write; default: all in the tree")] = None,
    profile: Annotated[str, typer.Option(help="local | cluster | airgap | laptop, for --output")] = "local",
) -> None:
    """Write the reviewed YAML of every pipeline and the components' contract table, or one YAML elsewhere."""
    from pipelines.package import CONTRACTS, REVIEWED, compile_to, contracts
    from pipelines.variants import PIPELINES, find

    if output:
        compile_to(output, find(pipeline), profile)
        print(f"wrote {output}")
        return
    for made in PIPELINES.values():
        for name in REVIEWED:
            compile_to(made.yaml(name), made, name)
            print(f"wrote {made.yaml(name)}")
    CONTRACTS.write_text(contracts(), encoding="utf-8")


@app.command("run")
def run_command(
    params: ParamsFile = Path("params.yaml"),
    overrides: Overrides = [],  # noqa: B006
    source: Annotated[
        str, typer.Option(help="a PTB-XL folder, s3:// prefix or dvc: revision; else what the params say")
    ] = "",
    runs: Annotated[Path, typer.Option(help="folder that holds one folder a run")] = Path("runs"),
    fresh: Annotated[bool, typer.Option("--fresh", help="do not resume a killed run")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="show Kubeflow's own log lines too")] = False,
    image: Images = [],  # noqa: B006
    pipeline: PipelineName = "training",
    place: Place = "",
    remote: Remote = "",
    version: Version = 0,
    expect: Expect = 0,
) -> None:
    """Run a pipeline on this machine; either verdict ends in exit code 0."""
    from pipelines.package import images_of
    from pipelines.run import run
    from pipelines.scoreboard import scoreboard
    from pipelines.variants import find
    from twelvelead.params import load

    if source:  # JSON quotes, so that YAML takes any path as text
        here = "://" not in source and not source.startswith("dvc:")
        path = json.dumps(str(Path(source).resolve()) if here else source)
        overrides = [*overrides, "ingest.source=ptb-xl", f"ingest.path={path}"]
    said: dict[str, str | int] = {"place": place, "remote": remote, "version": version, "expect": expect}
    images = images_of(image, by_digest=False) if image else {}
    folder = run(
        load(params, overrides), runs, find(pipeline), said, fresh=fresh, verbose=verbose, images=images
    )
    print("\n" + scoreboard(folder))


@app.command("submit")
def submit_command(
    image: Images,
    params: ParamsFile = Path("params.yaml"),
    overrides: Overrides = [],  # noqa: B006
    host: Annotated[str, typer.Option(help="the KFP API; else KFP_HOST")] = "",
    namespace: Annotated[str, typer.Option(help="whose run it is")] = "twelvelead",
    experiment: Annotated[str, typer.Option(help="where it is listed")] = "twelvelead",
    profile: Annotated[str, typer.Option(help="cluster | airgap | laptop")] = "cluster",
    cron: Annotated[str, typer.Option(help="a schedule instead of a run: six fields, seconds first")] = "",
    wait_s: Annotated[int, typer.Option("--wait", help="seconds to wait for the run's end")] = 0,
    fresh: Annotated[bool, typer.Option("--fresh", help="read the records again, cached or not")] = False,
    pipeline: PipelineName = "training",
    place: Place = "",
    remote: Remote = "",
    version: Version = 0,
    expect: Expect = 0,
) -> None:
    """Start a pipeline on a cluster, or set up a schedule for it."""
    from pipelines.submit import Order, submit
    from pipelines.variants import find
    from twelvelead.params import load

    said: dict[str, str | int] = {"place": place, "remote": remote, "version": version, "expect": expect}
    order = Order(find(pipeline), load(params, overrides), tuple(image), profile, said, fresh)
    done = submit(order, host=host, namespace=namespace, experiment=experiment, cron=cron, wait_s=wait_s)
    print(json.dumps({"id": done.id, "name": done.name, "state": done.state}))


@app.command("diff")
def diff_command() -> None:
    """What compiling would change in the tree's YAML; exit code 1 if anything."""
    from pipelines.package import differences

    changes = differences()
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
