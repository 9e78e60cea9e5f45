"""How a run of a pipeline ended, kept in MLflow and in outcome.json: the exit handler's work."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twelvelead.errors import RegistryError, SetupError
from twelvelead.params import Params
from twelvelead.progress import say

SUCCEEDED = "SUCCEEDED"
# Servers up to 2.16 hand on how their metadata store calls an end; later ones and the local runner do not.
ENDED_WELL = (SUCCEEDED, "COMPLETE", "COMPLETED", "CACHED")
ENDED_BADLY = ("FAILED", "ERROR", "CANCELED", "CANCELLED", "SKIPPED")


def outcome(pipeline: str, status: Mapping[str, Any], output: Path, params: Params) -> dict[str, Any]:
    """Write outcome.json and tell MLflow.

    Args:
        pipeline: Which pipeline ran.
        status: What KFP says of it: "state", and "error_message" and "error_code" of a failure.
        output: The file to write.
        params: The whole tree, for its name and the tracking URI.

    Returns:
        What was written: `state` is SUCCEEDED or what KFP calls it. A registry that cannot be reached costs
        the entry there, not the run: `tracked` is false.
    """
    state = str(status.get("state") or "UNKNOWN").upper()
    told: dict[str, Any] = {
        "pipeline": pipeline,
        "name": params.name,
        "state": SUCCEEDED if state in ENDED_WELL else state,
        "error": str(status.get("error_message") or ""),
        "kfp_run_id": os.environ.get("KFP_RUN_ID", ""),
        "images": os.environ.get("TWELVELEAD_IMAGE_DIGEST", ""),
    }
    from twelvelead.registry.outcome import record

    try:
        # A server may hand on RUNNING: it asks before it has noted the end. What it does not call bad is not.
        record(told, params.register_.tracking_uri, failed=state in ENDED_BADLY or bool(told["error"]))
        told["tracked"] = True
    except (RegistryError, SetupError) as fault:
        say(f"outcome: not in MLflow: {fault}")
        told["tracked"] = False
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    say(f"outcome: {pipeline} {told['state']}" + (f": {told['error']}" if told["error"] else ""))
    return told
