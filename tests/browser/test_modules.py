"""The page's modules without a page, by Node's own tester: geometry, callipers, order, intake, the wire."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

MODULES = Path(__file__).parent / "modules"
LEAST = (20, 19)  # from here on Node takes a .js file with imports for a module


@pytest.mark.parametrize("name", sorted(path.name for path in MODULES.glob("*.test.mjs")))
def test_modules(name):
    node = shutil.which("node")
    if not node:
        pytest.skip("no Node: install nodejs 20.19 or later")
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    version = tuple(int(part) for part in re.findall(r"\d+", told)[:2])
    if version < LEAST:
        pytest.skip(f"Node {told.strip()} is too old: 20.19 or later is needed")
    ran = subprocess.run(
        [node, "--no-warnings", "--test", str(MODULES / name)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
