"""THE list of stages. The command line, dvc.yaml and the KFP components are tested against it.

A stage is one function `stage(inputs, output, params, work) -> Summary`: it reads only its inputs and its
own params section, and writes one artifact, a file or a folder, to `output`. `work` is a folder that
survives a kill and is found again by the same inputs and params; long stages keep finished shards and
checkpoints there. `run` in run.py makes the output appear whole or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass

from twelvelead.errors import ParamsError


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the road: its name is its params section, its folder, its DVC stage and its component."""

    name: str
    output: str  # the artifact it writes; a name with a suffix is a file, else a folder
    inputs: tuple[str, ...]  # artifacts it reads, by the name of the stage's output
    files: tuple[str, ...] = ()  # params keys (within the section) that name further files it reads
    effects: bool = False  # True: it acts on the world (a registry), so it is never cached
    about: str = ""

    @property
    def target(self) -> str:
        """Where the function is, as module:function."""
        return f"twelvelead.stages.{self.name}:{self.name}"

    @property
    def command(self) -> str:
        """The name of its CLI command."""
        return self.name.replace("_", "-")


STAGES: tuple[Stage, ...] = (
    Stage("ingest", "records", (), files=("path",), about="records in PTB-XL layout and their index"),
    Stage("validate", "validation", ("records",), about="measured facts, quarantine and a report"),
    Stage("synthesize", "pages", ("validation", "records"), about="paper-ECG pages in Parquet shards"),
    Stage("instruct", "instructions", ("validation", "pages"), about="questions and answers per page"),
    Stage("train_baseline", "baseline", ("validation", "records"), about="the signal CNN to match"),
    Stage("train_page_baseline", "page_baseline", ("validation", "pages"), about="a CNN on the same pages"),
    Stage("train_lora", "adapter", ("instructions", "pages"), files=("base",), about="the LoRA adapter"),
    Stage(
        "evaluate",
        "evaluation",
        ("validation", "records", "pages", "baseline", "page_baseline", "adapter"),
        about="probabilities, scorecard and plots on fold 10",
    ),
    Stage("gate", "verdict.json", ("evaluation",), files=("policy",), about="the verdict by the policy"),
    Stage(
        "register",
        "registration.json",
        ("verdict.json", "adapter", "baseline", "evaluation"),
        effects=True,
        about="the model version, its lineage, and the alias if the verdict passed",
    ),
    Stage(
        "report",
        "report.html",
        (
            "validation", "pages", "instructions", "baseline", "page_baseline", "adapter",
            "evaluation", "verdict.json", "registration.json",
        ),
        about="one page that shows the run",
    ),
)  # fmt: skip

PRETRAIN = Stage("pretrain", "models/tiny", (), about="the embedded base, made once and kept in git")


def find(name: str) -> Stage:
    """The stage of that name.

    Raises:
        ParamsError: There is none.
    """
    for stage in (*STAGES, PRETRAIN):
        if name in (stage.name, stage.command):
            return stage
    raise ParamsError(f"there is no stage {name!r}", expected=", ".join(stage.name for stage in STAGES))
