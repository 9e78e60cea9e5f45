"""Who may import whom, and what a GPU machine without MLflow, KFP, DVC and GX can still import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ABSENT_ON_A_GPU_MACHINE = ("mlflow", "kfp", "dvc", "great_expectations")
ROOMS_THERE = ("ecg", "simulate", "data", "paper", "instruct", "models", "training", "evaluation")
HEAVY = {"torch", "transformers", "peft", "mlflow", "great_expectations", "kfp", "matplotlib", "sklearn"}
PROBE = f"""
import importlib, pkgutil, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT_ON_A_GPU_MACHINE!r}:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Absent())
for room in {ROOMS_THERE!r}:
    package = importlib.import_module(f"twelvelead.{{room}}")
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(found.name)
"""


def test_the_import_rules_are_kept(root: Path) -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_data_models_training_and_scoring_import_without_the_platform() -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_mlflow_folder_does_not_hide_the_package(root: Path) -> None:
    assert not list((root / "mlflow").rglob("__init__.py"))
    code = "import importlib.util; print(importlib.util.find_spec('mlflow').origin)"
    said = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert Path(said.stdout.strip()).name == "__init__.py"
    assert root / "mlflow" not in Path(said.stdout.strip()).parents


def test_stage_modules_load_nothing_heavy_before_they_run(root: Path) -> None:
    for path in sorted((root / "src" / "twelvelead" / "stages").glob("*.py")):
        top = {
            name.partition(".")[0]
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            for name in _imported(node)
        }
        assert not HEAVY & top, path.name


def _imported(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []
