"""What a figure was measured on: processor, cores and versions, no names."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any


def describe(*packages: str) -> dict[str, Any]:
    """Command, processor, cores, and the versions of Python and the packages that matter."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "command": shlex.join(["python", *sys.argv]),
        "hardware": {"cpu": models[0] if models else platform.machine(), "cores": os.cpu_count()},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
    }
