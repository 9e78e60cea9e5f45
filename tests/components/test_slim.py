"""What an image's environment loses, and what it must not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

GOES = (
    "pandas/tests",
    "sympy/core/tests",
    "torch/include",
    "torch/bin/protoc",
    "pandas/__pycache__",
    "pandas/index.pyi",
    "numpy/lib/npymath.a",
)
STAYS = (
    "pandas/__init__.py",
    "pandas/_libs/lib.so",
    "torch/testing/__init__.py",
    "torch/test_helpers.py",
    "torch/bin/torch_shm_manager",
    "numpy/testing/__init__.py",
    "mlflow/server/js/build/index.html",
    "models/tests.json",
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name in (*GOES, *STAYS):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix or path.parent.name == "bin":
            path.write_text("x")
        else:
            path.mkdir()
            (path / "inner.py").write_text("x")
    return tmp_path


def test_tests_headers_stubs_and_old_byte_code_go_and_nothing_else(site: Path, root: Path) -> None:
    before = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    subprocess.run([root / "components" / "slim.sh", sys.executable, site], check=True)
    left = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    compiled = {name for name in left if name.endswith(".pyc")}
    assert {name for name in before if not name.startswith(GOES)} == left - compiled == set(STAYS)
    assert {Path(name).name.partition(".")[0] for name in compiled} == {"__init__", "test_helpers"}
