"""The report stage through the runner."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twelvelead.errors import SetupError
from twelvelead.params import Params
from twelvelead.stages import find
from twelvelead.stages.run import run


def artifacts(at: Path) -> dict[str, Path]:
    inputs = {name: at / name for name in find("report").inputs}
    for name, path in inputs.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if "." in name:
            path.write_text(json.dumps({"passed": False, "reasons": ["too few positives"]}))
        else:
            path.mkdir()
    return inputs


def test_the_stage_writes_one_file_even_of_a_poor_run(tmp_path: Path) -> None:
    summary = run("report", artifacts(tmp_path / "in"), tmp_path / "out" / "report.html", Params())

    html = (tmp_path / "out" / "report.html").read_bytes()
    assert summary == {"bytes": len(html)}
    assert b"too few positives" in html


def test_a_missing_artifact_is_named(tmp_path: Path) -> None:
    inputs = artifacts(tmp_path / "in")
    inputs["verdict.json"].unlink()
    with pytest.raises(SetupError, match=r"input 'verdict\.json' is missing"):
        run("report", inputs, tmp_path / "report.html", Params())
