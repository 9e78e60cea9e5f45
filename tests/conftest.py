"""What every test runs under: one thread, no hub, no telemetry."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Before anything imports numpy, torch, transformers or mlflow: they read these once.
os.environ.update(
    {
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DVC_NO_ANALYTICS": "1",
    }
)
for name in ("MLFLOW_TRACKING_URI", "KFP_RUN_ID", "TWELVELEAD_WORK", "TWELVELEAD_FAULT", "TWELVELEAD_LOCK"):
    os.environ.pop(name, None)  # a shell's leftovers must not decide what a test sees

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with the real ECGs; the test is skipped where there is none."""
    folder = Path(os.environ.get("TWELVELEAD_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip("no real ECGs: set TWELVELEAD_SHARED to a folder that holds data/")
    return folder
