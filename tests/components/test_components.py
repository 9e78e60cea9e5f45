"""A component is a thin step: it imports nothing but KFP, calls its stage, and leaves word when it fails."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from components import identifier
from pipelines.graph import COMPONENTS

import twelvelead.stages.component as step
from twelvelead.errors import DataError
from twelvelead.params import Params
from twelvelead.stages import STAGES, Stage

PARAMS = Params().to_json()


def _files(root: Path) -> list[Path]:
    return sorted((root / "components").rglob("*.py"))


def test_components_import_only_kfp_at_module_level(root: Path) -> None:
    """Their bodies are cut out and run alone, and the file must load where only KFP is installed."""
    for path in _files(root):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                continue
            allowed = {"kfp", "components", "typing"} if path.name == "component.py" else {"os", "__future__"}
            assert {name.partition(".")[0] for name in names} <= allowed, path


def test_bodies_are_five_statements_at_most(root: Path) -> None:
    for path in _files(root):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and path.name == "component.py":
                assert len(node.body) <= 5, path


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_component_hands_its_stage_exactly_the_paths_of_the_stage_list(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        step,
        "run_in_component",
        lambda *arguments, pieces=(): calls.append((*arguments, *pieces)) or {"macro_auc": {"cnn": 0.9}},
    )
    artifacts = {
        identifier(name): SimpleNamespace(path=f"/somewhere/{name}", metadata={})
        for name in (*stage.inputs, stage.output)
    }
    extra = ({"files": ""} if stage.files else {}) | ({"run_id": "run-7"} if stage.effects else {})
    COMPONENTS[stage.name].python_func(**artifacts, params=PARAMS, code="", **extra)
    paths = {name: f"/somewhere/{name}" for name in stage.inputs}
    expected = (stage.name, paths, f"/somewhere/{stage.output}", PARAMS)
    assert calls == [(*expected, "run-7") if stage.effects else expected]
    shown = artifacts[identifier(stage.output)].metadata
    assert shown == ({"macro_auc.cnn": 0.9} if stage.name in ("evaluate", "gate") else {})


def test_a_summary_becomes_what_kfp_can_show() -> None:
    summary = {
        "passed": False,
        "reasons": ["one", "two"],
        "macro_auc": {"cnn": 0.9, "lora": None},
        "fold10": 311,
    }
    assert step.metadata(summary) == {
        "passed": "false", "reasons": "one; two", "macro_auc.cnn": 0.9, "fold10": 311,
    }  # fmt: skip


def test_a_step_runs_the_stage_with_the_params_it_was_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(step, "run", lambda *arguments: {"seen": arguments})
    said = step.run_in_component("validate", {"records": "/a"}, str(tmp_path / "b"), PARAMS)
    *seen, pieces = said["seen"]
    assert seen == ["validate", {"records": Path("/a")}, tmp_path / "b", Params()]
    assert list(pieces) == []


def test_an_error_of_ours_ends_the_step_in_its_code_and_leaves_its_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise DataError("fold 9 is empty", fix="add records")

    monkeypatch.setattr(step, "run", fail)
    monkeypatch.setenv("TWELVELEAD_FAULT", str(tmp_path / "fault.json"))
    with pytest.raises(SystemExit) as ended:
        step.run_in_component("validate", {}, "/b", PARAMS)
    assert ended.value.code == 3
    assert json.loads((tmp_path / "fault.json").read_text(encoding="utf-8")) == {
        "stage": "validate",
        "type": "DataError",
        "message": "fold 9 is empty\n  Fix: add records",
        "exit_code": 3,
    }


def test_in_a_pod_the_sentence_goes_to_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TWELVELEAD_FAULT", raising=False)
    with pytest.raises(SystemExit) as ended:
        step.run_in_component("validate", {"records": "/nowhere"}, "/b", PARAMS)
    assert ended.value.code == 5
    assert "input 'records' is missing" in capsys.readouterr().err


def test_a_bug_keeps_its_traceback_and_counts_as_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(step, "run", fail)
    monkeypatch.setenv("TWELVELEAD_FAULT", str(tmp_path / "fault.json"))
    with pytest.raises(ZeroDivisionError):
        step.run_in_component("gate", {}, "/b", PARAMS)
    assert json.loads((tmp_path / "fault.json").read_text(encoding="utf-8"))["exit_code"] == 1


def test_the_id_of_the_pipeline_run_reaches_the_stage_unless_the_runner_set_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str | None] = []
    monkeypatch.setattr(step, "run", lambda *_: seen.append(os.environ.get("KFP_RUN_ID")) or {})
    monkeypatch.setenv("KFP_RUN_ID", "")
    monkeypatch.delenv("KFP_RUN_ID")
    step.run_in_component("register", {}, "/b", PARAMS, "from-kfp")
    monkeypatch.setenv("KFP_RUN_ID", "from-the-runner")
    step.run_in_component("register", {}, "/b", PARAMS, "from-kfp")
    assert seen == ["from-kfp", "from-the-runner"]


def test_a_step_waits_for_the_orphan_of_a_killed_run(tmp_path: Path) -> None:
    """Both would write the same work folder."""
    lock, out = tmp_path / "lock", tmp_path / "out"
    script = f"""
import time
from pathlib import Path
import twelvelead.stages.component as step
def stage(*_):
    with open({str(out)!r}, "a") as f:
        f.write("begin "); f.flush(); time.sleep(0.5); f.write("end ")
step.run = stage
step.run_in_component("gate", {{}}, "/b", {PARAMS!r})
"""
    environment = {**os.environ, "TWELVELEAD_LOCK": str(lock)}
    both = [subprocess.Popen([sys.executable, "-c", script], env=environment) for _ in range(2)]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    assert out.read_text(encoding="utf-8") == "begin end begin end "
