"""A node that trains nothing: it counts, keeps its count as a checkpoint, and obeys like the real one.

FAKE_STEPS: how far; FAKE_END: its exit code; FAKE_FAULT: the words for it.
"""

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

from twelvelead.data.digest import model_sha256
from twelvelead.errors import Error
from twelvelead.progress import say
from twelvelead.training import carrier
from twelvelead.training.job import CHECKPOINT, CURVES, FAULT, STATUS, SUMMARY, put

carrier.SECONDS_BETWEEN_LOOKS = 0.1
leads = os.environ["PET_NODE_RANK"] == "0"
steps = int(os.environ.get("FAKE_STEPS", "3"))


def count(file: Path) -> int:
    """Do the job of this file; gives the exit code."""
    job = json.loads(file.read_text(encoding="utf-8"))
    work, output = file.parent / job["work"], file.parent / job["output"]
    stopped = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
    step = int((work / CHECKPOINT).read_text()) if (work / CHECKPOINT).is_file() else 0
    say(f"node {os.environ['PET_NODE_RANK']} of {os.environ['PET_NNODES']} from step {step}")
    while step < steps:
        time.sleep(0.05)
        step += 1
        say(f"step {step}")
        if leads:
            put(work / CHECKPOINT, str(step))
            put(work / STATUS, json.dumps({"progressPercentage": 100 * step // steps}) + "\n")
            with (work / CURVES).open("a", encoding="utf-8") as curves:
                curves.write(json.dumps({"step": step, "loss": 1 / step}) + "\n")
        if stopped:
            return 143
    if code := int(os.environ.get("FAKE_END", "0")):
        if said := os.environ.get("FAKE_FAULT"):
            put(file.with_name(FAULT), json.dumps({"exit_code": code, "message": said}))
        say("something is wrong")
        return code
    if leads:
        folders = [file.parent / job[name] for name in ("instructions", "pages")]
        inputs = sorted(path.name for folder in folders for path in folder.iterdir())
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir()
        made = f"{step} steps on {inputs} by {job['params']['rank']}"
        (output / "adapter.txt").write_text(made, encoding="utf-8")
        summary = {"summary": {"steps": step}, "sha256": model_sha256(output)}
        put(file.with_name(SUMMARY), json.dumps(summary))
    return 0


job = sys.argv[-1]
try:
    if "://" in job:
        sys.exit(carrier.Carrier(job, Path(os.environ["TWELVELEAD_WORK"])).carry(count))
    sys.exit(count(Path(job)))
except Error as fault:
    say(f"twelvelead: {type(fault).__name__}: {fault}")
    sys.exit(fault.exit_code)
