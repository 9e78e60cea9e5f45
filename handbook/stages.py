"""The stages and their components, from the stage list."""

from __future__ import annotations

from components import identifier
from pipelines.variants import PIPELINES

from handbook.table import code, document, table
from twelvelead.stages import PRETRAIN, STAGES, Stage
from twelvelead.stages.errands import ERRANDS

_ABOUT = """One stage is one function, one command, one DVC stage and one KFP component; a test keeps them the
same. A stage reads only its inputs and its own section of [params](params.md), and writes one artifact, a
file or a folder, whole or not at all. A killed stage goes on from what it kept when the same command comes
again."""


def page() -> str:
    """The reference of stages."""
    readers = {
        stage.output: [other.name for other in STAGES if stage.output in other.inputs] for stage in STAGES
    }
    rows = [_row(stage, readers[stage.output]) for stage in STAGES]
    head = ("stage", "command", "reads", "named files", "writes", "read by", "what it makes")
    parts = [
        _ABOUT,
        table(head, rows),
        "`named files` are params that name further files or folders; a changed one makes the stage run "
        "again. "
        + "; ".join(
            f"`{stage.name}` acts on the world and is never taken from a cache"
            for stage in STAGES
            if stage.effects
        )
        + ".",
        "## Beside the road",
        f"`{PRETRAIN.command}` makes `{PRETRAIN.output}`: {PRETRAIN.about}. It is a frozen stage of DVC, "
        "which `dvc repro` does not run by itself.",
        "## Components",
        "A component takes its stage's inputs and `params`, the whole tree as one JSON string; `code` is a "
        "fingerprint of the package, so that KFP's cache never serves what older code made.",
        table(
            ("component", "inputs", "output", "function"),
            [
                (
                    code(f"components/{stage.name}/component.py"),
                    ", ".join(code(identifier(name)) for name in stage.inputs) or "–",
                    code(identifier(stage.output)),
                    code(stage.target),
                )
                for stage in STAGES
            ],
        ),
        "## Errands",
        "Errands make no artifact of their own: they move some, or tell of a run. Each is a command and a "
        "component; DVC has no stage for them.",
        table(
            ("errand", "command", "writes", "what it does"),
            [
                (code(one.name), code(f"twelvelead {one.name}"), code(one.output), one.about)
                for one in ERRANDS
            ],
        ),
        "## Pipelines",
        "`python -m pipelines run | submit --pipeline NAME`. What a pipeline fetches was made elsewhere.",
        table(
            ("pipeline", "stages", "fetches", "takes", "what it does"),
            [
                (
                    code(one.name),
                    ", ".join(code(stage.name) for stage in one.stages) or code("promote"),
                    ", ".join(map(code, one.fetched)) or "–",
                    ", ".join(code(f"--{name}") for name in one.arguments),
                    one.about,
                )
                for one in PIPELINES.values()
            ],
        ),
    ]
    return document("Stages and components", *parts)


def _row(stage: Stage, readers: list[str]) -> tuple[str, ...]:
    return (
        code(stage.name),
        code(f"twelvelead {stage.command}"),
        ", ".join(code(name) for name in stage.inputs) or "–",
        ", ".join(code(f"{stage.name}.{key}") for key in stage.files) or "–",
        code(stage.output),
        ", ".join(code(name) for name in readers) or "people",
        stage.about,
    )
