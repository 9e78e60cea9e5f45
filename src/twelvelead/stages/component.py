"""Run a stage as one step of a Kubeflow pipeline: paths come as text, and a fault leaves one small file.

The runner of a step sees only that it failed. The file named by TWELVELEAD_FAULT tells it why, so that a
person reads the stage's own sentence and not the runner's traceback.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from twelvelead.errors import Error
from twelvelead.params import from_json
from twelvelead.progress import say
from twelvelead.stages.run import Summary, run


def run_in_component(
    name: str,
    inputs: Mapping[str, str],
    output: str,
    params: str,
    run_id: str = "",
    pieces: Iterable[str] = (),
) -> Summary:
    """Run a stage inside a pipeline step.

    Args:
        name: The stage's name.
        inputs: Path of each input artifact, by artifact name.
        output: Where the artifact shall appear.
        params: The whole params tree as JSON.
        run_id: The pipeline run's id, handed on as KFP_RUN_ID for the lineage.
        pieces: Folders of work done in other steps; see `run`.

    Raises:
        SystemExit: The stage raised an Error; the code is the error's own.
    """
    with _told(name, run_id), _alone():
        paths = {artifact: Path(path) for artifact, path in inputs.items()}
        return run(name, paths, Path(output), from_json(params), map(Path, pieces))


def run_errand(
    name: str, output: str, run_id: str = "", inputs: Mapping[str, str] | None = None, **arguments: Any
) -> Summary:
    """Run an errand inside a pipeline step.

    Args:
        name: The errand's name.
        output: Where its artifact shall appear.
        run_id: As for a stage.
        inputs: Path of each artifact it reads, by name; None for an errand that reads none.
        **arguments: Its own; `params` as JSON.

    Raises:
        SystemExit: The errand raised an Error; the code is the error's own.
    """
    with _told(name, run_id):
        if "params" in arguments:
            arguments["params"] = from_json(arguments["params"])
        if inputs is not None:
            arguments["inputs"] = {artifact: Path(path) for artifact, path in inputs.items()}
        function = getattr(importlib.import_module(f"twelvelead.stages.{name}"), name)
        found: Summary = function(output=Path(output), **arguments)
        return found


@contextlib.contextmanager
def _told(name: str, run_id: str) -> Iterator[None]:
    """A fault leaves its sentence behind and ends the step with its own exit code."""
    if run_id:  # the local runner sets it before: its own ids change when a run is resumed
        os.environ.setdefault("KFP_RUN_ID", run_id)
    if _failed_before() and name != "outcome":
        raise SystemExit(1)
    try:
        yield
    except Error as fault:
        _leave(name, fault, fault.exit_code)
        raise SystemExit(fault.exit_code) from None
    except Exception as fault:
        _leave(name, fault, 1)
        raise
    finally:
        # KFP's DockerRunner asks for the log after it has started a container that removes itself at its end:
        # a step that is over in a moment would take its log, and its exit code, with it.
        time.sleep(float(os.environ.get("TWELVELEAD_LINGER_S", "0")))


def metadata(summary: Summary) -> dict[str, float | str]:
    """A summary as KFP shows it beside an artifact: dotted names, numbers and words; nothing for null."""
    found: dict[str, float | str] = {}
    for key, value in summary.items():
        if isinstance(value, Mapping):
            found |= {f"{key}.{name}": inner for name, inner in metadata(dict(value)).items()}
        elif isinstance(value, list | tuple):
            found[key] = "; ".join(map(str, value))
        elif isinstance(value, bool):
            found[key] = str(value).lower()
        elif isinstance(value, int | float | str):
            found[key] = value
    return found


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Wait for the step of a killed runner that has not noticed yet: both would write one work folder.

    A POSIX record lock, because worker processes do not inherit it and so cannot hold it after their parent.
    """
    path = os.environ.get("TWELVELEAD_LOCK")
    if not path:
        yield
        return
    with Path(path).open("w", encoding="utf-8") as lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("waiting for the step of an earlier, killed attempt to end")
            fcntl.lockf(lock, fcntl.LOCK_EX)
        yield


def _failed_before() -> bool:
    """Whether a step of this run on this machine has failed. KFP goes on with what does not depend on it, as
    a cluster should; here a person waits for the reason."""
    path = os.environ.get("TWELVELEAD_FAULT")
    return bool(path) and Path(str(path)).is_file()


def _leave(stage: str, fault: Exception, exit_code: int) -> None:
    path = os.environ.get("TWELVELEAD_FAULT")
    if path:
        said = {"stage": stage, "type": type(fault).__name__, "message": str(fault), "exit_code": exit_code}
        Path(path).write_text(json.dumps(said), encoding="utf-8")
    elif isinstance(fault, Error):  # a pod: its log is all there is; a bug's traceback goes there by itself
        say(f"twelvelead: {type(fault).__name__}: {fault}")
