"""A training in several processes of this machine, started by torchrun."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass

from twelvelead.errors import Interrupted
from twelvelead.launch.backend import INPUTS, Job, Summary
from twelvelead.launch.folder import Curves, failure, finished, lay
from twelvelead.training.job import SUMMARY
from twelvelead.training.stopping import Stop

SECONDS_BETWEEN_LOOKS = 2.0


@dataclass(frozen=True, slots=True)
class Processes:
    """Trains in `count` processes that share the pages of a step."""

    count: int

    def train(self, job: Job) -> Summary:
        """See TrainingBackend."""
        job.work.mkdir(parents=True, exist_ok=True)
        (job.work / SUMMARY).unlink(missing_ok=True)
        places = {name: job.inputs[name].resolve() for name in INPUTS} | {"output": job.output.resolve()}
        file = lay(job.work.resolve(), places, job.params)
        threads = max((job.params.threads or os.cpu_count() or 1) // self.count, 1)
        command = [sys.executable, "-m", "twelvelead.training.node", "--standalone"]
        command += ["--nproc-per-node", str(self.count), str(file)]
        curves = Curves(job.work, job.tracker)
        with (
            subprocess.Popen(command, env={"OMP_NUM_THREADS": str(threads)} | os.environ) as running,
            Stop(running.terminate) as stop,  # torchrun hands the signal to its processes
        ):
            code = None
            while code is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    code = running.wait(SECONDS_BETWEEN_LOOKS)
                curves.tell()
        made = finished(job.work, job.output)
        if stop.asked and made is None:
            raise Interrupted(
                "asked to stop; the last checkpoint is kept", where="train_lora", fix="start again"
            )
        if code or made is None:
            raise failure(
                job.work,
                f"one of {self.count} training processes ended with {code}",
                where="train_lora.processes",
                fix="read its message above; the next start goes on from the last checkpoint",
            )
        return made


def allowed(asked: int) -> int:
    """As many processes as were asked for, but one a GPU; what is learnt does not depend on it."""
    from twelvelead.progress import say
    from twelvelead.training.ranks import gpus

    if 0 < gpus() < asked:
        say(f"lora: {gpus()} processes instead of train_lora.processes={asked}: one a GPU")
    return min(asked, gpus() or asked)
