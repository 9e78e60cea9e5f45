"""What DVC takes for the same records as loose files and as volumes: add, push, pull, status.

Wall seconds, one run each, one after the other on the same disk; the remote is a local folder, so a network's
cost per file, which is larger, is not in it.

    python bench/versions.py --json bench/results/versions.json
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hardware import describe

from twelvelead.data.pack import pack
from twelvelead.params import Ingest
from twelvelead.stages.ingest import ingest

STEPS = ("add", "push", "pull", "status")


def dvc(folder: Path, *words: str) -> float:
    """Seconds of one DVC command."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-m", "dvc", *words, "-q"], cwd=folder, check=True)
    return round(time.perf_counter() - begun, 2)


def measure(folder: Path, name: str) -> dict[str, float | int]:
    """Add, push, lose and pull one folder."""
    files = sum(path.is_file() for path in (folder / name).rglob("*"))
    figures: dict[str, float | int] = {"files": files}
    dvc(folder, "remote", "add", "-f", "-d", name, str(folder / f"remote-{name}"))
    for step in STEPS:
        figures[f"{step}_s"] = dvc(folder, step, name if step == "add" else f"{name}.dvc")
        if step == "push":
            shutil.rmtree(folder / name)
            shutil.rmtree(folder / ".dvc" / "cache")
    return figures


def main() -> None:
    """Print the table; with --json also write every figure."""
    parser = argparse.ArgumentParser(description="DVC on loose and packed records")
    parser.add_argument("--records", type=int, default=3000, help="simulated records (default 3000)")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as aside:
        folder = Path(aside)
        for word in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
            subprocess.run(word, cwd=folder, check=True)
        (folder / "loose").mkdir()
        (folder / "packed").mkdir()
        (folder / "work").mkdir()
        ingest({}, folder / "loose", Ingest(records=options.records), folder / "work")
        shutil.rmtree(folder / "work")
        pack(folder / "loose", folder / "packed")
        figures = {name: measure(folder, name) for name in ("loose", "packed")}
    for name, found in figures.items():
        print(f"{name}: {found}")
    if options.json:
        report = {
            "what": "wall seconds of DVC commands on the same records, remote in a local folder",
            **describe("dvc"),
            "data": f"{options.records} simulated records, both rates",
            **figures,
        }
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
