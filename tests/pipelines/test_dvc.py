"""`dvc repro` runs the same stages and repeats only what a change reaches; the work is stood in for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from twelvelead.data.digest import dvc_md5
from twelvelead.stages import STAGES

pytestmark = pytest.mark.slow


@pytest.fixture
def house(tmp_path: Path, root: Path) -> Path:
    """A copy of what DVC reads, in a git repository of its own."""
    for name in ("dvc.yaml", "params.yaml", ".dvcignore", ".gitignore"):
        shutil.copy(root / name, tmp_path / name)
    (tmp_path / ".dvc").mkdir()
    shutil.copy(root / ".dvc" / "config", tmp_path / ".dvc" / "config")
    for name in ("models/tiny/config.json", "mlflow/gate.yaml"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    return tmp_path


def _repro(house: Path) -> list[str]:
    """The stages that ran."""
    bin_folder = Path(sys.executable).parent
    calls = house / ".git" / "calls"
    environment = {
        **os.environ,
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path(__file__).parent / "fakes"),
        "FAKE_CALLS": str(calls),
        "KFP_RUN_ID": "",
    }
    calls.unlink(missing_ok=True)
    command = [str(bin_folder / "dvc"), "repro", "--quiet"]
    done = subprocess.run(command, cwd=house, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return calls.read_text(encoding="utf-8").split() if calls.exists() else []


def test_repro_runs_all_then_nothing_then_only_what_a_change_reaches(house: Path) -> None:
    assert sorted(_repro(house)) == sorted(stage.name for stage in STAGES)
    assert _repro(house) == []

    params = (house / "params.yaml").read_text(encoding="utf-8")
    tree = yaml.safe_load(params)
    tree["train_lora"]["rank"] += 1
    (house / "params.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
    ran = _repro(house)
    assert "train_lora" in ran
    assert not {"ingest", "validate", "synthesize", "instruct", "train_baseline", "pretrain"} & set(ran)

    (house / "mlflow" / "gate.yaml").write_text("stricter", encoding="utf-8")
    assert _repro(house) == ["gate"], "a verdict that comes out the same changes nothing after it"

    lock = yaml.safe_load((house / "dvc.lock").read_text(encoding="utf-8"))
    locked = lock["stages"]["ingest"]["outs"][0]["md5"]
    assert locked == dvc_md5(house / "artifacts" / "records"), "our lineage names the revision DVC does"
