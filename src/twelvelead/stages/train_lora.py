"""Stage train_lora: an adapter on the base, its epoch chosen on fold 9."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twelvelead.errors import Error, Interrupted
from twelvelead.params import TrainLora
from twelvelead.progress import say
from twelvelead.stages.live import live

if TYPE_CHECKING:
    from twelvelead.training.tracker import Tracker

SECONDS_BETWEEN_LOOKS = 2.0


def train_lora(inputs: Mapping[str, Path], output: Path, params: TrainLora, work: Path) -> dict[str, Any]:
    """Write the PEFT adapter, its module list, the base it belongs to, metrics.json and curves.jsonl.

    With `processes` above one, `torchrun` starts that many on this machine, at most one a GPU, and each takes
    its share of every step. Figures also go to MLflow as training runs where `MLFLOW_TRACKING_URI` is set.

    Raises:
        Error: A process failed.
        Interrupted: SIGTERM came; the next start goes on.
    """
    from twelvelead.training.adapter import make_adapter

    with live("train_lora") as tracker:
        if (processes := _processes(params.processes)) > 1:
            return _together(inputs, output, params, processes, work, tracker)
        return make_adapter(inputs["instructions"], inputs["pages"], output, params, work, tracker)


def _processes(asked: int) -> int:
    """As many as were asked for, but one a GPU; what is learnt does not depend on it."""
    from twelvelead.training.ranks import gpus

    if 0 < gpus() < asked:
        say(f"lora: {gpus()} processes instead of train_lora.processes={asked}: one a GPU")
    return min(asked, gpus() or asked)


def _together(
    inputs: Mapping[str, Path],
    output: Path,
    params: TrainLora,
    processes: int,
    work: Path,
    tracker: Tracker | None,
) -> dict[str, Any]:
    from twelvelead.training.adapter import CURVES
    from twelvelead.training.stopping import Stop

    work.mkdir(parents=True, exist_ok=True)
    summary = work / "summary.json"
    summary.unlink(missing_ok=True)
    job = {name: str(inputs[name].resolve()) for name in ("instructions", "pages")}
    job |= {"output": str(output.resolve()), "work": str(work.resolve()), "summary": str(summary.resolve())}
    file = work / "job.json"
    file.write_text(json.dumps({**job, "params": params.model_dump(mode="json")}), encoding="utf-8")
    threads = max((params.threads or os.cpu_count() or 1) // processes, 1)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", str(processes), "-m", "twelvelead.training.adapter", str(file)]
    environment = {"OMP_NUM_THREADS": str(threads)} | os.environ
    with (
        subprocess.Popen(command, env=environment) as running,
        Stop(running.terminate) as stop,  # torchrun hands the signal to its processes
    ):
        code = _follow(running, work / CURVES, tracker)
    if stop.asked and not summary.is_file():
        raise Interrupted("asked to stop; the last checkpoint is kept", where="train_lora", fix="start again")
    if code or not summary.is_file():
        raise Error(
            f"one of {processes} training processes ended with {code}",
            where="train_lora.processes",
            fix="read its message above; the next start goes on from the last checkpoint",
        )
    found: dict[str, Any] = json.loads(summary.read_text(encoding="utf-8"))
    return found


def _follow(running: subprocess.Popen[bytes], curves: Path, tracker: Tracker | None) -> int:
    """Wait for the processes; what they add to their curves goes to the tracker as it comes."""
    at = curves.stat().st_size if curves.is_file() else 0
    code = None
    while code is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = running.wait(SECONDS_BETWEEN_LOOKS)
        if tracker is None or not curves.is_file():
            continue
        with curves.open("rb") as stream:
            stream.seek(at)
            whole = stream.read().rpartition(b"\n")[0]  # a line may be half written
        at += len(whole) + bool(whole)
        for line in whole.splitlines():
            point = json.loads(line)
            step = point.pop("step")
            tracker.log(point, step=step)
    return code
