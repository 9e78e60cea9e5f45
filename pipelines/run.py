"""Run a compiled pipeline on this machine, whole or from where a killed run stopped."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kfp import components, local

from pipelines.console import Console
from pipelines.folder import StepError, gather, note, opened, point
from pipelines.package import compiled_for, digests
from pipelines.variants import PIPELINES, Pipeline, Value, arguments
from twelvelead.data.revision import commit_of, is_revision, parse
from twelvelead.errors import SetupError
from twelvelead.params import Params
from twelvelead.stages import STAGES
from twelvelead.stages.run import code_fingerprint

LINGER_S = 2  # stages/component.py says why a step in a container does not end at once


@dataclass(frozen=True, slots=True)
class Arguments:
    """A pipeline's arguments; the same ones resume the same run."""

    params: Params
    code: str
    files: dict[str, str]  # `<stage>_files` → fingerprint
    said: dict[str, Value]  # the pipeline's own
    pipeline: str = "training"

    @property
    def key(self) -> str:
        """What a killed run must have in common with this one. Named files are left to KFP's cache: a
        policy mended after the gate refused to read it must not cost the training again."""
        said = json.dumps([self.pipeline, self.said], sort_keys=True)
        return hashlib.sha256(f"{self.params.to_json()}\n{self.code}\n{said}".encode()).hexdigest()[:16]

    @property
    def all(self) -> dict[str, Value]:
        """As KFP takes them."""
        return {"params": self.params.to_json(), "code": self.code, **self.files, **self.said}


def arguments_of(params: Params, pipeline: Pipeline, said: dict[str, Value]) -> Arguments:
    """Everything a pipeline is told.

    Raises:
        ParamsError: Something was said that it does not take, or something it needs was not.
        SetupError: A named DVC revision cannot be found.
    """
    filled = arguments(pipeline, said)
    prints = {key: value for key, value in file_fingerprints(params).items() if key in pipeline.prints}
    return Arguments(params, code_fingerprint(), prints, filled, pipeline.name)


def run(
    params: Params,
    runs: Path,
    pipeline: Pipeline = PIPELINES["training"],
    said: dict[str, Value] | None = None,
    *,
    fresh: bool = False,
    verbose: bool = False,
    images: Mapping[str, str] | None = None,
) -> Path:
    """Run a pipeline and gather what its stages made.

    Args:
        params: The whole tree.
        runs: Folder that holds one folder a run.
        pipeline: Which one.
        said: Its own arguments.
        fresh: Start anew even where a killed run with the same params could be finished.
        verbose: Show KFP's own log lines too.
        images: By target: run every step in a container, by the engine that DOCKER_HOST names, instead of in
            this environment.

    Returns:
        The run's folder.

    Raises:
        SetupError: A path cannot go through KFP's runner, or the compiled pipeline is missing.
        StepError: A stage failed, or KFP reports success and an artifact is missing all the same.
    """
    runs = runs.resolve()
    given = arguments_of(params, pipeline, said or {})
    _refuse_python3(runs, given)
    with opened(runs, given.key, params.to_json(), params.name, fresh=fresh) as folder:
        _execute(folder, runs, given, pipeline, verbose, images or {})
        gather(folder, pipeline)
        note(folder, given.key, "done", pipeline.name)
        point(runs / "latest", folder.name)
    return folder


def file_fingerprints(params: Params) -> dict[str, str]:
    """One fingerprint for each stage that reads named files: their names, sizes and times of change."""
    prints = {}
    for stage in STAGES:
        if stage.files:
            digest = hashlib.sha256()
            for key in stage.files:
                for line in _listing(str(getattr(params.section(stage.name), key))):
                    digest.update(line.encode())
            prints[f"{stage.name}_files"] = digest.hexdigest()[:16]
    return prints


def _listing(name: str) -> Iterator[str]:
    yield name
    if is_revision(name):  # a branch may have moved
        yield commit_of(parse(name))
        return
    path = Path(name)
    if name and path.exists():
        for item in [path, *sorted(path.rglob("*"))]:
            if item.is_file():
                stat = item.stat()
                yield f"{item.relative_to(path)} {stat.st_size} {stat.st_mtime_ns}"


def _refuse_python3(runs: Path, given: Arguments) -> None:
    """KFP's local runner rewrites the text python3 in every argument to the interpreter's path."""
    said = " ".join(map(str, given.said.values()))
    for where, text in (("--runs", str(runs)), ("params", given.params.to_json()), ("options", said)):
        if "python3" in text:
            raise SetupError(
                "a path or value with 'python3' in it would be rewritten by KFP's local runner",
                where=f"{where} {text}" if where == "--runs" else where,
                fix="choose another folder or name (--runs, --source, or move the checkout)",
            )
    if " " in sys.executable:
        raise SetupError(
            "KFP's local runner cannot start an interpreter with a space in its path",
            where=sys.executable,
            fix="put the virtual environment elsewhere",
        )


def _execute(
    folder: Path,
    runs: Path,
    given: Arguments,
    pipeline: Pipeline,
    verbose: bool,
    images: Mapping[str, str],
) -> None:
    package = pipeline.yaml("local")
    if not package.is_file():
        raise SetupError("the compiled pipeline is missing", where=str(package), fix="make compile")
    fault = folder / "fault.json"
    fault.unlink(missing_ok=True)
    with (
        (folder / "log.txt").open("a", encoding="utf-8") as log,
        contextlib.redirect_stdout(Console(sys.stderr, log, verbose=verbose)),
        _environment(folder, runs, fault) as environment,
    ):
        if images:
            told = {"TWELVELEAD_IMAGE_DIGEST": digests(images)}
            package = compiled_for(folder / "pipeline.yaml", pipeline, images, environment=told)
        local.init(
            _containers(runs, environment, images) if images else local.SubprocessRunner(use_venv=False),
            pipeline_root=str(folder / "kfp"),
            enable_caching=True,
            cache_root=str(folder / "kfp" / "cache"),
        )
        try:
            components.load_component_from_file(str(package))(**given.all)
        except RuntimeError as failure:
            raise _step_error(folder, fault, failure) from None


def _containers(runs: Path, environment: dict[str, str], images: Mapping[str, str]) -> local.DockerRunner:
    """Steps in containers: this user, a read-only root, the runs folder under the path it has here."""
    try:
        import docker
        from docker.types import Mount
    except ImportError as missing:
        raise SetupError(f"docker is missing ({missing})", fix="pip install docker") from None
    try:
        engine = docker.from_env()
        for image in sorted(set(images.values())):
            engine.images.get(image)
    except docker.errors.ImageNotFound as missing:
        raise SetupError(
            f"the engine lacks an image: {missing.explanation or missing}",
            where="--image",
            fix="make images, or pull it; podman wants the whole name, localhost/… for its own",
        ) from None
    except docker.errors.DockerException as fault:
        raise SetupError(
            f"no container engine answers: {fault}",
            where=f"DOCKER_HOST={os.environ.get('DOCKER_HOST', '')}",
            fix="start one; for podman: `podman system service --time=0 unix:///tmp/podman.sock &`",
        ) from None
    return local.DockerRunner(
        environment=environment | {"TWELVELEAD_LINGER_S": str(LINGER_S)},
        mounts=[Mount(target=str(runs), source=str(runs), type="bind")],
        user=f"{os.getuid()}:{os.getgid()}",
        read_only=True,
        tmpfs={"/tmp": ""},
    )


@contextlib.contextmanager
def _environment(folder: Path, runs: Path, fault: Path) -> Iterator[dict[str, str]]:
    """What the steps inherit. The run's folder is its id, so that a resumed run is still the same run."""
    ours = {
        "KFP_RUN_ID": folder.name,
        "TWELVELEAD_FAULT": str(fault),
        "TWELVELEAD_LOCK": str(folder / ".step-lock"),
        "TWELVELEAD_WORK": str(folder / ".work"),
        "PYTHONUNBUFFERED": "1",  # or progress would come in gulps through KFP's pipe
    }
    defaults = {
        "MLFLOW_TRACKING_URI": f"sqlite:///{runs / 'mlflow.db'}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "HF_HUB_OFFLINE": "1",
        "DO_NOT_TRACK": "1",
    }
    before = dict(os.environ)
    os.environ.update(ours | {key: value for key, value in defaults.items() if key not in before})
    try:
        yield {key: os.environ[key] for key in ours | defaults}
    finally:
        for key in ours | defaults:
            os.environ.pop(key, None)
            if key in before:
                os.environ[key] = before[key]


def _step_error(folder: Path, fault: Path, failure: RuntimeError) -> StepError:
    if fault.is_file():
        said = json.loads(fault.read_text(encoding="utf-8"))
        sentence = f"stage {said['stage']} failed: {said['type']}: {said['message']}"
        return StepError(folder, sentence, exit_code=said["exit_code"])
    task = re.search(r"task failed: [^']*'([\w-]+)'", str(failure))
    if task is None:
        return StepError(folder, str(failure))
    stage = task[1].replace("-", "_")
    return StepError(folder, f"stage {stage} ended without a word (killed, or out of memory?)")
