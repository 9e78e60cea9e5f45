"""The folder `mlflow/` holds policy and templates, and must never shadow the package of that name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_folder_is_no_package() -> None:
    assert (ROOT / "mlflow" / "model.py").is_file()
    assert not list((ROOT / "mlflow").rglob("__init__.py"))


@pytest.mark.parametrize("where", [ROOT, ROOT / "mlflow"], ids=["root", "folder"])
def test_mlflow_is_the_installed_package_even_with_the_checkout_first_on_the_path(where: Path) -> None:
    program = "import importlib.util; print(importlib.util.find_spec('mlflow').origin)"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {program}"],
        cwd=where, capture_output=True, text=True, check=True,
    )  # fmt: skip

    origin = Path(done.stdout.strip())
    assert origin.name == "__init__.py"
    assert not origin.is_relative_to(ROOT / "mlflow")


def test_nothing_of_ours_imports_the_folder() -> None:
    for path in [
        *(ROOT / "src").rglob("*.py"),
        *(ROOT / "pipelines").rglob("*.py"),
        *(ROOT / "components").rglob("*.py"),
    ]:
        text = path.read_text(encoding="utf-8")
        assert "from mlflow.model import" not in text, path
        assert "import mlflow.model\n" not in text, path
