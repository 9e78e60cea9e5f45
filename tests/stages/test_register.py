"""The register stage through the runner; the registry itself is tested in tests/unit/registry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from twelvelead.data.digest import dvc_md5
from twelvelead.errors import RegistryError, SetupError
from twelvelead.params import Params, parse
from twelvelead.registry import register as registry
from twelvelead.stages.run import run


def artifacts(at: Path) -> dict[str, Path]:
    files = {
        "verdict.json": {"passed": True, "reasons": []},
        "adapter/base.json": {"base": "models/tiny", "sha256": "b"},
        "adapter/adapter_model.safetensors": {},
        "baseline/config.json": {},
        "evaluation/scorecard.json": {"data": {"statements": ["SR"]}},
        "evaluation/lineage.json": {"ingest": {"params": {"seed": 3}, "inputs": {}}},
    }
    for name, tree in files.items():
        (at / name).parent.mkdir(parents=True, exist_ok=True)
        (at / name).write_text(json.dumps(tree))
    return {name: at / name for name in ("verdict.json", "adapter", "baseline", "evaluation")}


def params(uri: str) -> Params:
    return parse({"register": {"tracking_uri": uri}}, where="test")


def test_the_stage_hands_the_candidate_over_and_keeps_what_the_registry_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    def register(candidate: Any, section: Any) -> dict[str, Any]:
        seen.update(
            base=candidate.base, seed=candidate.stages["ingest"]["params"]["seed"], name=section.model_name
        )
        return {"model": "m", "version": 4, "passed": True, "alias": "champion", "reasons": [], "run_id": "r"}

    monkeypatch.setattr(registry, "register", register)
    summary = run("register", artifacts(tmp_path / "in"), tmp_path / "registration.json", Params())

    assert seen == {"base": "models/tiny", "seed": 3, "name": "twelvelead-reader"}
    assert summary == {"model": "m", "version": 4, "passed": True, "alias": "champion", "reasons": []}
    assert json.loads((tmp_path / "registration.json").read_text())["run_id"] == "r"


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9", "file:///nowhere/mlruns"])
def test_an_unusable_registry_ends_the_stage_and_loses_nothing(tmp_path: Path, uri: str) -> None:
    inputs = artifacts(tmp_path / "in")
    before = dvc_md5(tmp_path / "in")

    with pytest.raises(RegistryError) as caught:
        run("register", inputs, tmp_path / "registration.json", params(uri))

    assert caught.value.exit_code == 5
    assert dvc_md5(tmp_path / "in") == before
    assert not (tmp_path / "registration.json").exists()


def test_a_missing_scorecard_is_named(tmp_path: Path) -> None:
    inputs = artifacts(tmp_path / "in")
    (inputs["evaluation"] / "scorecard.json").unlink()

    with pytest.raises(SetupError, match=r"scorecard\.json: file is missing"):
        run("register", inputs, tmp_path / "registration.json", Params())
