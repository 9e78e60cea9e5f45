"""The smoke road in containers, a container a step, and beside them: same verdict, same bytes of data.

Then single stages in the images that are made for them, on what the run beside has left.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from twelvelead.data.digest import dvc_md5

DATA = ("records", "validation", "pages", "instructions")
Run = Callable[..., str]


@pytest.fixture(scope="module")
def both(
    image: Callable[[str], str], root: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    found = {}
    images = [word for target in ("cpu", "gpu", "gate") for word in ("--image", f"{target}={image(target)}")]
    for name, more in (("containers", images), ("here", [])):
        runs = tmp_path_factory.mktemp(name)
        road = [
            sys.executable,
            "-m",
            "pipelines",
            "run",
            "--params",
            "params.smoke.yaml",
            "--runs",
            str(runs),
        ]
        done = subprocess.run([*road, *more], cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        found[name] = runs / "latest"
    return found


@pytest.fixture
def stage(both: dict[str, Path], inside: Run, root: Path, tmp_path: Path) -> Callable[..., Path]:
    """Make stages anew, in a target's image, on the artifacts of the run beside; returns their folder."""
    shutil.copy(root / "params.smoke.yaml", tmp_path / "params.yaml")
    shutil.copytree(both["here"] / "artifacts", tmp_path / "artifacts", symlinks=False)
    tmp_path.chmod(0o777)

    def make(target: str, commands: dict[str, str]) -> Path:
        for made in commands.values():
            old = tmp_path / "artifacts" / made
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        for name in commands:
            options = f"--at {tmp_path}/artifacts --params {tmp_path}/params.yaml"
            place = f"MLFLOW_TRACKING_URI=sqlite:///{tmp_path}/mlflow.db" if target == "gate" else ""
            inside(target, ["sh", "-c", f"{place} twelvelead {name} {options}"], tmp_path)
        return tmp_path / "artifacts"

    return make


def test_the_data_have_the_same_bytes_in_containers_and_beside_them(both: dict[str, Path]) -> None:
    for artifact in DATA:
        inside, outside = (
            {
                path.relative_to(folder / "artifacts" / artifact): dvc_md5(path)
                for path in sorted((folder / "artifacts" / artifact).rglob("*"))
                if path.is_file()
            }
            for folder in (both["containers"], both["here"])
        )
        assert inside
        assert inside == outside, artifact


def test_the_verdict_is_the_same(both: dict[str, Path]) -> None:
    verdicts = [json.loads((both[name] / "verdict.json").read_text()) for name in ("containers", "here")]
    assert verdicts[0]["decision"] == verdicts[1]["decision"] == "smoke"
    assert verdicts[0]["policy_sha256"] == verdicts[1]["policy_sha256"]


def test_without_torch_the_same_verdict_is_found_and_registered(
    stage: Callable[..., Path], both: dict[str, Path]
) -> None:
    made = stage("gate", {"gate": "verdict.json", "register": "registration.json"})
    assert dvc_md5(made / "verdict.json") == dvc_md5(both["here"] / "verdict.json")
    registration = json.loads((made / "registration.json").read_text())
    assert registration["version"]
    assert registration["passed"] is False  # the smoke policy promotes nothing


def test_the_gpu_image_trains_and_scores(stage: Callable[..., Path], both: dict[str, Path]) -> None:
    """On a stand-in for its base this says everything but that CUDA works."""
    made = stage("gpu", {"train-lora": "adapter", "evaluate": "evaluation"})
    inside, beside = (
        pd.read_parquet(folder / "evaluation" / "predictions.parquet")
        for folder in (made, both["here"] / "artifacts")
    )
    keys = ["record_id", "model", "code"]
    pairs = inside.merge(beside, on=keys, suffixes=("_in", "_beside"))
    assert len(pairs) == len(inside) == len(beside)
    apart = (pairs["probability_in"] - pairs["probability_beside"]).abs()
    assert apart[pairs["model"] != "lora"].max() < 1e-3  # the same weights
    assert apart.max() < 0.2  # trained anew, by another number of threads
