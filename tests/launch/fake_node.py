"""A node that trains nothing: it counts, keeps its count as a checkpoint, and obeys like the real one.

FAKE_STEPS: how far; FAKE_END: its exit code; FAKE_FAULT: the words for it.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from twelvelead.data.digest import model_sha256
from twelvelead.progress import say
from twelvelead.training.job import CURVES, FAULT, STATUS, SUMMARY, put

file = Path(sys.argv[-1])
job = json.loads(file.read_text(encoding="utf-8"))
work, output = file.parent / job["work"], file.parent / job["output"]
leads = os.environ["PET_NODE_RANK"] == "0"
steps = int(os.environ.get("FAKE_STEPS", "3"))
stopped = []
signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
step = int((work / "count").read_text()) if (work / "count").is_file() else 0
say(f"node {os.environ['PET_NODE_RANK']} of {os.environ['PET_NNODES']} from step {step}")
while step < steps:
    time.sleep(0.05)
    step += 1
    say(f"step {step}")
    if leads:
        put(work / "count", str(step))
        put(work / STATUS, json.dumps({"progressPercentage": 100 * step // steps}))
        with (work / CURVES).open("a", encoding="utf-8") as curves:
            curves.write(json.dumps({"step": step, "loss": 1 / step}) + "\n")
    if stopped:
        sys.exit(143)
if code := int(os.environ.get("FAKE_END", "0")):
    if said := os.environ.get("FAKE_FAULT"):
        put(file.with_name(FAULT), json.dumps({"exit_code": code, "message": said}))
    say("something is wrong")
    sys.exit(code)
if leads:
    folders = [file.parent / job[name] for name in ("instructions", "pages")]
    inputs = sorted(path.name for folder in folders for path in folder.iterdir())
    output.mkdir(exist_ok=True)
    made = f"{step} steps on {inputs} by {job['params']['rank']}"
    (output / "adapter.txt").write_text(made, encoding="utf-8")
    summary = {"summary": {"steps": step}, "sha256": model_sha256(output)}
    put(file.with_name(SUMMARY), json.dumps(summary))
