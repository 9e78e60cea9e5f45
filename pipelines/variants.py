"""THE list of pipelines: which stages each runs, what it brings from elsewhere, what may be said to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from twelvelead.errors import ParamsError
from twelvelead.stages import STAGES, Stage

HERE = Path(__file__).parent / "compiled"
PUBLISHED = ("records", "validation", "pages", "instructions")  # what the errand publish takes
Value = str | int


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One pipeline.

    Attributes:
        name: Of the pipeline, its YAML and the command's option.
        about: What it does.
        stages: The stages it runs, in order.
        publishes: It sends its data off as a DVC version.
        arguments: What it takes beside `params`, `code` and fingerprints, with what stands for "not said".
    """

    name: str
    about: str
    stages: tuple[Stage, ...]
    publishes: bool
    arguments: dict[str, Value]

    @property
    def fetched(self) -> tuple[str, ...]:
        """Artifacts that its stages read and none of them makes, in the order in which they are fetched."""
        made = {stage.output for stage in self.stages}
        return tuple(
            dict.fromkeys(name for stage in self.stages for name in stage.inputs if name not in made)
        )

    @property
    def prints(self) -> tuple[str, ...]:
        """Arguments that are fingerprints of named files: KFP's cache does not look into those."""
        return tuple(f"{stage.name}_files" for stage in self.stages if stage.files)

    def yaml(self, profile: str) -> Path:
        """Where its reviewed YAML lies."""
        return (HERE if profile == "local" else HERE / profile) / f"{self.name}.yaml"


def _stages(*names: str) -> tuple[Stage, ...]:
    return tuple(stage for stage in STAGES if stage.name in names)


PIPELINES: dict[str, Pipeline] = {
    made.name: made
    for made in (
        Pipeline("training", "ECG records to a judged, registered adapter", STAGES, True, {"remote": ""}),
        Pipeline(
            "data", "ECG records to pages and instructions, published as a DVC version",
            _stages("ingest", "validate", "synthesize", "instruct"), True, {"remote": ""},
        ),
        Pipeline(
            "evaluation", "an adapter made elsewhere, judged and registered",
            _stages("evaluate", "gate", "register", "report"), False, {"place": ""},
        ),
        Pipeline(
            "promotion", "the alias to a registered version whose verdict holds here and now",
            (), False, {"version": 0, "expect": 0},
        ),
    )
}  # fmt: skip


def find(name: str) -> Pipeline:
    """The pipeline of that name.

    Raises:
        ParamsError: There is none.
    """
    if name not in PIPELINES:
        raise ParamsError(f"there is no pipeline {name!r}", expected=", ".join(PIPELINES))
    return PIPELINES[name]


def arguments(pipeline: Pipeline, said: dict[str, Value]) -> dict[str, Value]:
    """The pipeline's arguments with what was said filled in.

    Raises:
        ParamsError: Something was said that this pipeline does not take, or what it cannot do without was
            not.
    """
    said = {key: value for key, value in said.items() if value not in ("", 0)}
    if unknown := sorted(set(said) - set(pipeline.arguments)):
        raise ParamsError(
            f"the pipeline {pipeline.name!r} takes no {unknown[0]!r}",
            where=f"--{unknown[0]}",
            expected=", ".join(f"--{name}" for name in pipeline.arguments),
        )
    if "place" in pipeline.arguments and not said.get("place"):
        raise ParamsError(
            f"the pipeline {pipeline.name!r} must be told where its artifacts are",
            where="--place",
            expected="a run's folder, an s3:// prefix, dvc:REPO#REVISION:PATH or a publication.json",
        )
    return {**pipeline.arguments, **said}
