"""One machine of a training: torchrun, with an exit code that says why its processes ended.

    python -m twelvelead.training.node [torchrun's options] JOB

JOB is a job.json on a volume, or one under s3:// (carrier.py).

torchrun itself ends with 1 whatever happened. A cluster must know a stop on request (143), which it starts
again, from data or params that no second attempt makes better (2, 3, 5). Where and among how many nodes we
are comes by torchrun's own variables (PET_NNODES, PET_NODE_RANK, PET_MASTER_ADDR …), which a TrainJob sets.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from twelvelead.errors import Error, Interrupted
from twelvelead.progress import say
from twelvelead.training.carrier import Carrier
from twelvelead.training.job import FAULT

# A step of the 11B model and its checkpoint may take longer than torchrun's 30 s; a pod's grace is 120 s.
SECONDS_TO_STOP = "110"


def main() -> None:
    """Start this machine's processes and wait for them; the last argument is the file of their job."""
    *options, job = sys.argv[1:]
    try:
        if "://" in job:
            carrier = Carrier(job, Path(os.environ.get("TWELVELEAD_WORK", "/work")))
            code = carrier.carry(lambda file: start(options, file))
        else:
            code = start(options, Path(job))
    except Error as fault:
        say(f"twelvelead: {type(fault).__name__}: {fault}")
        code = fault.exit_code
    sys.exit(code)


def start(options: list[str], job: Path) -> int:
    """Run torchrun with these options on a job that lies here; its exit code says why it ended."""
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    if os.environ.get("PET_NODE_RANK", "0") == "0":
        (job.parent / FAULT).unlink(missing_ok=True)  # an earlier attempt's, which tells nothing of this one
    _fetch_base(job)
    if "--shutdown-timeout" in run.get_args_parser().format_help():  # since torch 2.12
        options = [*options, "--shutdown-timeout", SECONDS_TO_STOP]
    try:
        run.main([*options, "-m", "twelvelead.training.adapter", str(job)])
    except ChildFailedError as fault:
        return exit_code([failure.exitcode for failure in fault.failures.values()])
    except SignalException:
        return Interrupted.exit_code
    return 0


def _fetch_base(job: Path) -> None:
    """Have a base under s3:// on this machine before its processes all ask for it at once."""
    told = json.loads(job.read_text(encoding="utf-8")) if job.is_file() else {}
    base = told.get("params", {}).get("base", "")
    if base.startswith("s3://") and not told.get("base"):
        from twelvelead.models.mllama import local_folder

        local_folder(base)


def exit_code(codes: list[int]) -> int:
    """What one node ends with, of what its processes ended with; a killed process has minus its signal.

    Those that torchrun stopped because another had failed say nothing of the reason.
    """
    reasons = [
        code for code in codes if code not in (-signal.SIGTERM, -signal.SIGKILL, Interrupted.exit_code)
    ]
    if reasons:
        return max(reasons) if max(reasons) > 0 else 128 - min(reasons)
    killed = -signal.SIGKILL in codes and Interrupted.exit_code not in codes
    return 128 + signal.SIGKILL if killed else Interrupted.exit_code


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # else torchrun sets it, and says so at length
    main()
