"""A migrated SQLite store, made once and copied (0.2 s instead of 10 s), and fake artifacts of a run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twelvelead.registry.lineage import Candidate, read_candidate

CODES = ["NORM", "AFIB", "LVH"]


@pytest.fixture(scope="session")
def migrated_db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from twelvelead.registry.tracking import session

    path = tmp_path_factory.mktemp("template") / "mlflow.db"
    with session(f"sqlite:///{path}") as client:
        client.search_registered_models()
    return path


@pytest.fixture
def store(migrated_db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of a fresh store; the environment names no other."""
    for name in ("MLFLOW_TRACKING_URI", "KFP_RUN_ID", "TWELVELEAD_IMAGE_DIGEST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TWELVELEAD_GIT_REVISION", "abc123+dirty")
    (tmp_path / "store").mkdir()
    path = tmp_path / "store" / "mlflow.db"
    shutil.copyfile(migrated_db, path)
    return f"sqlite:///{path}"


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Candidate]:
    """Write fake artifacts and read them back as a candidate."""

    def _make(passed: bool = True, weights: bytes = b"weights", source: str = "simulated") -> Candidate:
        folder = tmp_path / "artifacts"
        write_artifacts(folder, passed=passed, weights=weights, source=source)
        return read_candidate(
            folder / "verdict.json", folder / "adapter", folder / "baseline", folder / "evaluation"
        )

    return _make


def write_artifacts(folder: Path, *, passed: bool, weights: bytes, source: str) -> None:
    """The inputs of the register stage, as small as they can be."""
    reasons = [] if passed else ["lora's macro AUC is 0.040 below cnn's", "a blank page says something"]
    check = {
        "name": "not worse",
        "metric": "m",
        "value": 0.01,
        "bound": ">= 0",
        "passed": passed,
        "reason": "",
    }
    verdict = {
        "passed": passed, "decision": "passed" if passed else "rejected",
        "candidate": "lora", "baseline": "cnn",
        "policy_sha256": "f" * 64, "policy_name": "a policy",
        "checks": [check, {**check, "name": "no value", "value": None, "passed": passed}], "reasons": reasons,
    }  # fmt: skip
    statements = {code: {"auc": 0.9, "positives": 12, "n": 300} for code in CODES} | {"LVH": {"auc": None}}
    model = {"macro_auc": 0.91, "macro_auc_compared": 0.92, "macro_f1": None, "statements": statements}
    scorecard = {
        "data": {"source": source, "fold9": 280, "fold10": 300, "patients_fold10": 290, "statements": CODES,
                 "compared": CODES[:2], "positives": dict.fromkeys(CODES, 12)},
        "models": {"cnn": model, "lora": model, "base": {**model, "macro_auc": 0.5}},
        "comparison": {"delta_macro_auc": {"value": 0.01, "lower": -0.005, "upper": None}, "replicates": 200},
        "controls": {"blank": {"macro_auc": 0.5}, "shuffled": {"macro_auc": None}},
    }  # fmt: skip
    stages = {
        "ingest": {"params": {"records": 300, "seed": 7}, "inputs": {}},
        "validate": {"params": {"min_train_positives": 3}, "inputs": {"records": "1" * 32 + ".dir"}},
        "synthesize": {"params": {"seed": 8}, "inputs": {"validation": "2" * 32 + ".dir"}},
        "instruct": {"params": {"seed": 9}, "inputs": {"pages": "3" * 32 + ".dir"}},
        "train_lora": {"params": {"rank": 16}, "inputs": {"instructions": "4" * 32 + ".dir"}},
    }
    base = {"base": "models/tiny", "sha256": "b" * 64}
    for name, tree in {
        "verdict.json": verdict, "evaluation/scorecard.json": scorecard, "evaluation/lineage.json": stages,
        "adapter/lineage.json": stages, "adapter/base.json": base, "adapter/adapter_config.json": {"r": 16},
        "baseline/config.json": {"depth": 18},
    }.items():  # fmt: skip
        write(folder / name, tree)
    (folder / "adapter" / "adapter_model.safetensors").write_bytes(weights)
    (folder / "evaluation" / "plots").mkdir(exist_ok=True)
    (folder / "evaluation" / "plots" / "auc.png").write_bytes(b"png")
    (folder / "evaluation" / "predictions.parquet").write_bytes(b"rows")


def write(path: Path, tree: Any) -> None:
    """A JSON file and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(tree), encoding="utf-8")
