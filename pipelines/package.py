"""The YAML of every pipeline: the reviewed files in the tree, and the same with real images for one run."""

from __future__ import annotations

import difflib
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from kfp import compiler

from pipelines import resources
from pipelines.graph import pipeline_of
from pipelines.variants import PIPELINES, Pipeline
from twelvelead.errors import ParamsError
from twelvelead.stages import STAGES
from twelvelead.stages.errands import ERRANDS

CONTRACTS = Path(__file__).parents[1] / "components" / "README.md"
REVIEWED = ("local", "cluster")  # profiles whose YAML is in the tree; `airgap` differs in a few lines
DIGEST = re.compile(r".+@(sha256:[0-9a-f]{64})")


def compile_to(path: Path, pipeline: Pipeline, profile: str = "local", *, launching: int = 0) -> None:
    """Write a pipeline as the YAML that both the local runner and a cluster execute.

    Args:
        path: File to write.
        pipeline: Which.
        profile: Name of a resource profile.
        launching: Hours of the TrainJob that the LoRA training is; see `Profile`.

    Raises:
        ParamsError: There is no such profile.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    under = replace(resources.find(profile), launching=launching)
    compiler.Compiler().compile(pipeline_of(pipeline, under), str(path))


def compiled_for(
    path: Path,
    pipeline: Pipeline,
    images: Mapping[str, str],
    profile: str = "local",
    environment: Mapping[str, str] | None = None,
    *,
    launching: int = 0,
    uncached: Iterable[str] = (),
) -> Path:
    """The same with an image and more environment for every step; both documents of the YAML are kept.

    Args:
        path: File to write.
        pipeline: Which.
        images: By target (cpu, gpu, gate); see `images_of`.
        profile: Resource profile.
        environment: Variables that each step gets.
        launching: As for `compile_to`.
        uncached: Stages that never come from KFP's cache, though they might.
    """
    compile_to(path, pipeline, profile, launching=launching)
    under = replace(resources.find(profile), launching=launching)
    documents: list[dict[str, Any]] = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    for name, executor in documents[0]["deploymentSpec"]["executors"].items():
        container = executor["container"]
        container["image"] = images[under.target_of(_step(name))]
        more = [{"name": key, "value": value} for key, value in (environment or {}).items()]
        container["env"] = [*container.get("env", []), *more]
    for component in documents[0]["components"].values():
        tasks = component.get("dag", {}).get("tasks", {})
        for name in uncached:
            if name.replace("_", "-") in tasks:
                tasks[name.replace("_", "-")]["cachingOptions"] = {}
    path.write_text(yaml.safe_dump_all(documents, sort_keys=True), encoding="utf-8")
    return path


def images_of(said: Iterable[str], *, by_digest: bool) -> dict[str, str]:
    """Images by target, from `NAME` for all or `cpu=NAME gpu=NAME gate=NAME`.

    Raises:
        ParamsError: A target is unknown or has no image, or an image is not named by digest where it must be.
    """
    images: dict[str, str] = {}
    for item in said:
        target, named, image = item.partition("=")
        if not named:
            images |= dict.fromkeys(resources.TARGETS, item)
        elif target in resources.TARGETS:
            images[target] = image
        else:
            raise ParamsError(
                f"there is no image {target!r}", where="--image", expected=", ".join(resources.TARGETS)
            )
    if missing := [target for target in resources.TARGETS if not images.get(target)]:
        raise ParamsError(
            f"no image is named for {', '.join(missing)}",
            where="--image",
            expected="--image NAME for all steps, or --image cpu=NAME --image gpu=NAME --image gate=NAME",
        )
    for image in images.values():
        if by_digest and not DIGEST.fullmatch(image):
            raise ParamsError(
                f"the image {image!r} is not named by digest",
                where="--image",
                expected="name@sha256:<64 hex digits>",
                fix="`podman inspect --format '{{.Digest}}' IMAGE` tells it after a push",
            )
    return images


def digests(images: Mapping[str, str]) -> str:
    """What the lineage keeps of images: the digest by target, or the name where there is none."""
    found = {target: DIGEST.fullmatch(image) for target, image in images.items()}
    told = {target: match[1] if match else images[target] for target, match in found.items()}
    return ",".join(f"{target}={told[target]}" for target in sorted(told))


def differences() -> list[str]:
    """What compiling would change in the tree, as a unified diff."""
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for profile in REVIEWED:
            for pipeline in PIPELINES.values():
                fresh, kept = Path(folder) / "fresh.yaml", pipeline.yaml(profile)
                compile_to(fresh, pipeline, profile)
                old = kept.read_text(encoding="utf-8").splitlines() if kept.is_file() else []
                new = fresh.read_text(encoding="utf-8").splitlines()
                title = f"{profile}/{pipeline.name}"
                lines += difflib.unified_diff(
                    old, new, f"{title} in the tree", f"{title} compiled now", lineterm=""
                )
    return lines


def contracts() -> str:
    """components/README.md: what each component reads and writes, from the lists of stages and errands."""
    lines = [
        "# Components",
        "",
        "One folder a step; every body only calls the installed `twelvelead` package, so the same function",
        "runs from the command line, from DVC and in a pod. `files` are params that name further files,",
        "`image` is the Dockerfile's target. Written by `python -m pipelines compile`.",
        "",
        "| stage | reads | files | writes | image | what it makes |",
        "|---|---|---|---|---|---|",
    ]
    cluster = resources.find("cluster")
    for stage in STAGES:
        files = ", ".join(f"`{stage.name}.{key}`" for key in stage.files)
        reads, image = ", ".join(stage.inputs), cluster.target_of(stage.name)
        lines.append(
            f"| `{stage.name}` | {reads or '–'} | {files or '–'} | {stage.output} | {image} | {stage.about} |"
        )
    lines += ["", "| errand | writes | image | what it does |", "|---|---|---|---|"]
    for errand in ERRANDS:
        image = cluster.target_of(errand.name)
        lines.append(f"| `{errand.name}` | {errand.output} | {image} | {errand.about} |")
    lines += ["", "| pipeline | stages | fetches | what it does |", "|---|---|---|---|"]
    for pipeline in PIPELINES.values():
        stages = ", ".join(stage.name for stage in pipeline.stages) or "promote"
        if pipeline.publishes:
            stages += ", publish"
        fetched = ", ".join(pipeline.fetched)
        lines.append(f"| `{pipeline.name}` | {stages} | {fetched or '–'} | {pipeline.about} |")
    return "\n".join(lines) + "\n"


def _step(executor: str) -> str:
    """exec-train-lora → train_lora; the second fetch is exec-fetch-2."""
    return re.sub(r"-\d+$", "", executor.removeprefix("exec-")).replace("-", "_")
