"""The folder of a training that other processes do: what lies in it, and how a small file gets there.

job.json is written by whoever starts the training, the rest by its leading process. Nothing heavy is imported
here, because the one who starts it may have no torch.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path

JOB = "job.json"  # inputs, output, work and params
OUTPUT = "output"  # the adapter, where its folder is the job's own
CHECKPOINT = "lora.pt"  # what the next start goes on from
CURVES = "curves.jsonl"  # figures of steps and epochs
STATUS = "status.json"  # how far it is
FAULT = "fault.json"  # why a process ended, if it could say
SUMMARY = "summary.json"  # written last, with the hash of the output


def put(file: Path, text: str) -> None:
    """Write a small file that appears whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(f".tmp-{uuid.uuid4().hex}-{file.name}")  # pods of one volume have the same pids
    with aside.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    aside.replace(file)
