"""What every test runs under: one thread, no hub, no telemetry."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.data.weed import Server
    from tests.data.wire import Wire

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
CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
LENIENT = """
name: lenient, for a test
promotes: true
candidate: lora
baseline: cnn
checks:
  - {name: has learnt something, metric: models.lora.macro_auc, at_least: 0.0, why: a test}
  - {name: a blank page says nothing, metric: controls.blank.macro_auc, between: [0.45, 0.55], why: a test}
"""
SMALL = (
    "ingest.records=120", "validate.min_train_positives=3", "train_baseline.epochs=2", "train_lora.epochs=1",
    "train_page_baseline.epochs=1", "evaluate.robustness_pages=4",
    "instruct.measurement_questions=2", "evaluate.bootstrap=50", "evaluate.min_positives=1",
)  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One headless Chromium for the session: Playwright bears no second loop beside its own."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install playwright")
    program = CHROMIUM if Path(CHROMIUM).is_file() else shutil.which("chromium")
    if not program:
        pytest.skip("no Chromium: install Debian's chromium")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield started
        started.close()


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


@pytest.fixture(scope="session")
def small_road(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a run of few records in one folder for the whole session; gives the run's own folder."""
    folder = tmp_path_factory.mktemp("road")

    def walk(name: str, *more: str) -> Path:
        sets = [word for item in (f"name={name}", *SMALL, *more) for word in ("--set", item)]
        command = [sys.executable, "-m", "pipelines", "run", "--params", "params.smoke.yaml"]
        done = subprocess.run(
            [*command, "--runs", str(folder / "runs"), *sets],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
        (folder / f"{name}.txt").write_text(done.stdout, encoding="utf-8")
        assert done.returncode == 0, done.stdout + done.stderr
        (found,) = (folder / "runs").glob(f"*-{name}")
        return found

    return walk


@pytest.fixture(scope="session")
def small_run(small_road: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the first run, whose candidate a lenient policy lets through to the champion's seat."""
    policy = tmp_path_factory.mktemp("policy") / "lenient.yaml"
    policy.write_text(LENIENT, encoding="utf-8")
    return small_road("passes", f"gate.policy={policy}")


@pytest.fixture(scope="session")
def s3_server() -> Iterator[Server]:
    """A real S3 server; the test is skipped where none can be run."""
    from tests.data.weed import Unavailable, running

    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_CA_BUNDLE", "AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
            patch.delenv(name, raising=False)
        try:
            context = running()
            server = context.__enter__()
        except Unavailable as reason:
            pytest.skip(str(reason))
        try:
            yield server
        finally:
            context.__exit__(None, None, None)


@pytest.fixture
def wire(s3_server: Server) -> Iterator[Wire]:
    """A connection to the server that the test can cut."""
    from tests.data.wire import Wire

    made = Wire(s3_server.port)
    yield made
    made.close()
