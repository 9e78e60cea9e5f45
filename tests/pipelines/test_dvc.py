"""`dvc repro` runs the same stages and repeats only what a change reaches; the work is stood in for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from twelvelead.registry.lineage import read_candidate, version_tags
from twelvelead.stages import STAGES, find

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


def _set(house: Path, section: str, key: str, change: int) -> None:
    params = house / "params.yaml"
    tree = yaml.safe_load(params.read_text(encoding="utf-8"))
    tree[section][key] += change
    params.write_text(yaml.safe_dump(tree), encoding="utf-8")


def _after(name: str) -> set[str]:
    """The stage and all that depend on what it writes, however far down."""
    reached = {name}
    for stage in STAGES:  # in the order of the road
        if {find(other).output for other in reached} & set(stage.inputs):
            reached.add(stage.name)
    return reached


def _locked(house: Path) -> dict[str, str]:
    """What dvc.lock says of every output, by artifact."""
    lock = yaml.safe_load((house / "dvc.lock").read_text(encoding="utf-8"))
    outs = [out for stage in lock["stages"].values() for out in stage.get("outs", [])]
    return {Path(out["path"]).name: out["md5"] for out in outs}


def test_repro_runs_all_then_nothing_then_only_what_a_change_reaches(house: Path) -> None:
    assert sorted(_repro(house)) == sorted(stage.name for stage in STAGES)
    assert _repro(house) == []

    _set(house, "train_lora", "rank", 1)
    ran = _repro(house)
    assert set(ran) <= _after("train_lora")
    assert {"train_lora", "evaluate"} <= set(ran)

    (house / "mlflow" / "gate.yaml").write_text("stricter", encoding="utf-8")
    assert _repro(house) == ["gate"], "a verdict that comes out the same changes nothing after it"


def test_another_seed_of_the_simulator_reruns_what_depends_on_it_and_reaches_the_lineage(house: Path) -> None:
    _repro(house)
    before = _locked(house)
    _set(house, "ingest", "seed", 1)
    assert set(_repro(house)) == _after("ingest")

    after = _locked(house)
    assert {name for name in after if after[name] != before[name]} >= {"records", "validation", "pages"}
    artifacts = house / "artifacts"
    candidate = read_candidate(
        artifacts / "verdict.json", artifacts / "adapter", artifacts / "baseline", artifacts / "evaluation"
    )
    tags = version_tags(candidate)
    for name in ("records", "validation", "pages", "instructions", "adapter", "baseline", "evaluation"):
        assert tags[f"dvc_md5.{name}"] == after[name], "MLflow names the revision that dvc.lock names"
    assert json.loads(tags["seeds"])["ingest"] == candidate.stages["ingest"]["params"]["seed"]

    _set(house, "ingest", "seed", -1)
    assert not {"ingest", "validate", "synthesize", "train_baseline", "train_lora"} & set(_repro(house))
    assert {name: md5 for name, md5 in _locked(house).items() if name in before} == before, "out of the cache"
