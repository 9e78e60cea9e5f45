"""The pipelines as Kubeflow draws them, from the stage list: every task, what it reads, and what guards it.

No `dsl.If` guards the registry: a condition that KFP cannot evaluate skips its branch and still ends in
SUCCESS (kfp 2.17). `register` reads the verdict itself and records either outcome.

Common arguments: `params`, the whole tree as one JSON string; `code`, a fingerprint of the package; and for
every stage that reads named files `<stage>_files`, a fingerprint of those. KFP's cache knows neither of them
otherwise and would serve results of older code or another base model.
"""

from collections.abc import Callable
from typing import Any

from components import identifier
from components.draw.component import draw
from components.evaluate.component import evaluate
from components.fetch.component import fetch
from components.gate.component import gate
from components.ingest.component import ingest
from components.instruct.component import instruct
from components.outcome.component import outcome
from components.promote.component import promote
from components.publish.component import publish
from components.register.component import register
from components.report.component import report
from components.synthesize.component import synthesize
from components.train_baseline.component import train_baseline
from components.train_lora.component import train_lora
from components.train_page_baseline.component import train_page_baseline
from components.validate.component import validate
from kfp import dsl

from pipelines.resources import Profile
from pipelines.variants import PUBLISHED, Pipeline

COMPONENTS: dict[str, Any] = {
    "ingest": ingest,
    "validate": validate,
    "synthesize": synthesize,
    "instruct": instruct,
    "train_baseline": train_baseline,
    "train_page_baseline": train_page_baseline,
    "train_lora": train_lora,
    "evaluate": evaluate,
    "gate": gate,
    "register": register,
    "report": report,
}
ERRAND_COMPONENTS: dict[str, Any] = {
    "fetch": fetch,
    "draw": draw,
    "publish": publish,
    "promote": promote,
    "outcome": outcome,
}


def pipeline_of(variant: Pipeline, profile: Profile) -> Any:
    """A pipeline under a resource profile, for KFP's compiler."""
    function = _FUNCTIONS[variant.name](Tasks(variant, profile))
    return dsl.pipeline(name=f"twelvelead-{variant.name}", description=variant.about)(function)


class Tasks:
    """Draws the tasks of one pipeline; lives while its function is traced."""

    def __init__(self, variant: Pipeline, profile: Profile) -> None:
        self.variant, self.profile = variant, profile

    def road(self, params: str, code: str, **given: Any) -> None:
        """Fetch what is made elsewhere, run the stages, send off the data; tell of the end in any case."""
        self.params, self.code, self.given = params, code, given
        last = self._errand(
            "outcome", params=params, pipeline=self.variant.name, run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER
        )
        with dsl.ExitHandler(last, name="road"):
            made = {name: self._fetched(name) for name in self.variant.fetched}
            for stage in self.variant.stages:
                task = self._stage(stage, made)
                made[stage.output] = task.outputs[identifier(stage.output)]
            if self.variant.publishes:
                data = {name: made[name] for name in PUBLISHED}
                self._errand("publish", code=code, remote=given["remote"], **data)
            if not self.variant.stages:
                self._errand(
                    "promote", params=params, code=code, run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
                    version=given["version"], expect=given["expect"],
                )  # fmt: skip

    def _stage(self, stage: Any, made: dict[str, Any]) -> Any:
        reads = {identifier(artifact): made[artifact] for artifact in stage.inputs}
        arguments = dict(reads)
        if stage.files:
            arguments["files"] = self.given[f"{stage.name}_files"]
        if stage.effects:
            arguments["run_id"] = dsl.PIPELINE_JOB_ID_PLACEHOLDER
        if stage.name == "synthesize" and self.profile.parts > 1:
            parts = self.profile.parts
            with dsl.ParallelFor(list(range(parts)), name="draw") as part:
                share = self._errand(
                    "draw", params=self.params, code=self.code, part=part, parts=parts, **reads
                )
            arguments["drawn"] = dsl.Collected(share.outputs["drawn"])
        task = COMPONENTS[stage.name](params=self.params, code=self.code, **arguments)
        task.set_caching_options(not stage.effects)
        self.profile.apply(task, stage.name)
        return task

    def _errand(self, name: str, /, **arguments: Any) -> Any:
        task = ERRAND_COMPONENTS[name](**arguments)
        task.set_caching_options(name == "draw")
        self.profile.apply(task, name)
        return task

    def _fetched(self, name: str) -> Any:
        """From a place whose content may change under the same name, so never from the cache."""
        task = self._errand("fetch", name=name, place=self.given["place"], code=self.code)
        if self.profile.on_cluster:  # the local runner warns that it shows no such name
            task.set_display_name(f"fetch {name}")
        return task.outputs["artifact"]


# KFP reads a pipeline's parameters from a signature, so each pipeline has a function with its own.


def _training(tasks: Tasks) -> Callable[..., None]:
    def pipeline(
        params: str,
        code: str,
        ingest_files: str = "",
        train_lora_files: str = "",
        gate_files: str = "",
        remote: str = "",
    ) -> None:
        tasks.road(
            params, code, ingest_files=ingest_files, train_lora_files=train_lora_files, gate_files=gate_files,
            remote=remote,
        )  # fmt: skip

    return pipeline


def _data(tasks: Tasks) -> Callable[..., None]:
    def pipeline(params: str, code: str, ingest_files: str = "", remote: str = "") -> None:
        tasks.road(params, code, ingest_files=ingest_files, remote=remote)

    return pipeline


def _evaluation(tasks: Tasks) -> Callable[..., None]:
    def pipeline(params: str, code: str, place: str, gate_files: str = "") -> None:
        tasks.road(params, code, place=place, gate_files=gate_files)

    return pipeline


def _promotion(tasks: Tasks) -> Callable[..., None]:
    def pipeline(params: str, code: str, version: int = 0, expect: int = 0) -> None:
        tasks.road(params, code, version=version, expect=expect)

    return pipeline


_FUNCTIONS: dict[str, Callable[[Tasks], Callable[..., None]]] = {
    "training": _training,
    "data": _data,
    "evaluation": _evaluation,
    "promotion": _promotion,
}
