"""Tell what is missing, on this machine or in a cluster."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

from twelvelead.doctor import cluster, machine
from twelvelead.doctor.finding import told
from twelvelead.errors import SetupError
from twelvelead.params import Params, load


def doctor(namespace: str, kubeconfig: str, params: Path, *, as_json: bool) -> int:
    """Look, and print what was found on stdout.

    Args:
        namespace: The cluster's namespace to look at; empty looks at this machine.
        kubeconfig: As `cluster.examine` takes it.
        params: Params file; the base model it names is looked for. Defaults if there is no such file.
        as_json: Print JSON.

    Returns:
        Exit code: 0, or 5 if anything is missing.

    Raises:
        ParamsError: The params file is wrong.
        SetupError: No cluster is named.
    """
    if namespace:
        found = cluster.examine(namespace, kubeconfig)
    else:
        found = machine.examine(load(params) if params.is_file() else Params())
    rows = [dataclasses.asdict(one) for one in found]
    sys.stdout.write((json.dumps(rows, indent=1) if as_json else told(found)) + "\n")
    return SetupError.exit_code if any(one.state == "bad" for one in found) else 0
