"""The gated training pipeline, drawn from the stage list.

No `dsl.If` guards the registry: a condition that KFP cannot evaluate skips its branch and still ends in
SUCCESS (kfp 2.17). `register` reads the verdict itself and records either outcome.
"""

from pathlib import Path
from typing import Any

import yaml
from components import identifier
from components.evaluate.component import evaluate
from components.gate.component import gate
from components.ingest.component import ingest
from components.instruct.component import instruct
from components.register.component import register
from components.report.component import report
from components.synthesize.component import synthesize
from components.train_baseline.component import train_baseline
from components.train_lora.component import train_lora
from components.train_page_baseline.component import train_page_baseline
from components.validate.component import validate
from kfp import compiler, dsl

from pipelines import resources
from twelvelead.stages import STAGES

COMPILED = Path(__file__).parent / "compiled" / "training.yaml"
CONTRACTS = Path(__file__).parents[1] / "components" / "README.md"
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


def training(profile: str = "local") -> Any:
    """The pipeline under a resource profile.

    Its parameters: `params`, the whole tree as one JSON string; `code`, a fingerprint of the package; and
    for every stage that reads named files `<stage>_files`, a fingerprint of those. KFP's cache knows
    neither of them otherwise and would serve results of older code or another base model.
    """

    @dsl.pipeline(name="twelvelead-training", description="ECG records to a judged, registered adapter")
    def pipeline(
        params: str, code: str, ingest_files: str = "", train_lora_files: str = "", gate_files: str = ""
    ) -> None:
        files = {"ingest": ingest_files, "train_lora": train_lora_files, "gate": gate_files}
        made: dict[str, Any] = {}
        for stage in STAGES:
            arguments = {identifier(artifact): made[artifact] for artifact in stage.inputs}
            if stage.files:
                arguments["files"] = files[stage.name]
            if stage.effects:
                arguments["run_id"] = dsl.PIPELINE_JOB_ID_PLACEHOLDER
            task = COMPONENTS[stage.name](params=params, code=code, **arguments)
            task.set_caching_options(not stage.effects)
            resources.apply(profile, task, stage.name)
            made[stage.output] = task.outputs[identifier(stage.output)]

    return pipeline


def compile_to(path: Path, profile: str = "local") -> None:
    """Write the pipeline as the YAML that both the local runner and a cluster execute."""
    path.parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(training(profile), str(path))


def compiled_for(path: Path, image: str, profile: str = "local") -> Path:
    """The same with every step in one image; both documents of the YAML are kept."""
    compile_to(path, profile)
    documents: list[dict[str, Any]] = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    for executor in documents[0]["deploymentSpec"]["executors"].values():
        executor["container"]["image"] = image
    path.write_text(yaml.safe_dump_all(documents, sort_keys=True), encoding="utf-8")
    return path


def contracts() -> str:
    """components/README.md: what each component reads and writes, from the stage list."""
    lines = [
        "# Components",
        "",
        "One folder a stage; every body only calls the installed `twelvelead` package, so the same function",
        "runs from the command line, from DVC and in a pod. `files` are params that name further files.",
        "Written by `python -m pipelines compile`.",
        "",
        "| component | reads | files | writes | what it makes |",
        "|---|---|---|---|---|",
    ]
    for stage in STAGES:
        files = ", ".join(f"`{stage.name}.{key}`" for key in stage.files)
        reads = ", ".join(stage.inputs)
        lines.append(f"| `{stage.name}` | {reads or '–'} | {files or '–'} | {stage.output} | {stage.about} |")
    return "\n".join(lines) + "\n"
