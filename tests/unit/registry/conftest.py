"""A migrated SQLite store, made once and copied (0.2 s instead of 10 s), and fake artifacts of a run."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twelvelead.data.digest import file_sha256
from twelvelead.evaluation import predictions
from twelvelead.evaluation.evidence import collect
from twelvelead.registry.lineage import Candidate, read_candidate

CODES = ["NORM", "AFIB", "LVH"]
POLICY = """
name: a policy
promotes: true
candidate: lora
baseline: cnn
checks:
  - {name: not worse, metric: models.lora.macro_auc, at_least: 0.8, why: to have one}
"""


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

    def _make(
        passed: bool = True,
        weights: bytes = b"weights",
        source: str = "simulated",
        promotes: bool = True,
        skill: float = 2.0,
    ) -> Candidate:
        folder = tmp_path / "artifacts"
        write_artifacts(folder, passed=passed, weights=weights, source=source, promotes=promotes, skill=skill)
        return read_candidate(
            folder / "verdict.json", folder / "adapter", folder / "baseline", folder / "evaluation"
        )

    return _make


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """The policy that the fake candidates were judged by."""
    path = tmp_path / "gate.yaml"
    path.write_text(POLICY, encoding="utf-8")
    return path


def write_artifacts(
    folder: Path,
    *,
    passed: bool,
    weights: bytes,
    source: str = "simulated",
    promotes: bool = True,
    skill: float = 2.0,
) -> None:
    """The inputs of the register stage, as small as they can be.

    Args:
        folder: Where to.
        passed: The verdict.
        weights: Content of the adapter.
        source: Of the records.
        promotes: Whether the policy may promote.
        skill: How far the adapter's scores of positives and negatives lie apart.
    """
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
        "policy_sha256": hashlib.sha256(POLICY.encode()).hexdigest(), "policy_name": "a policy",
        "promotes": promotes, "champion_margin": 0.01,
        "checks": [check, {**check, "name": "no value", "value": None, "passed": passed}], "reasons": reasons,
    }  # fmt: skip
    fitted = {"positives": 12, "n": 300, "slope": 2.0, "intercept": 1.0}
    statements = {code: {"auc": 0.9, **fitted} for code in CODES} | {"LVH": {"auc": None, **fitted}}
    model = {"macro_auc": 0.91, "macro_auc_compared": 0.92, "macro_f1": None, "statements": statements}
    scorecard = {
        "data": {"source": source, "fold9": 280, "fold10": 300, "patients_fold10": 290, "statements": CODES,
                 "compared": CODES[:2], "positives": dict.fromkeys(CODES, 12)},
        "models": {"cnn": model, "lora": model, "base": {**model, "macro_auc": 0.5}},
        "comparison": {"candidate": "lora", "baseline": "cnn", "replicates": 200,
                       "delta_macro_auc": {"value": 0.01, "lower": -0.005, "upper": None}},
        "robustness": {"3x4+1r": {"macro_auc": 0.7, "pages": 150}},
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
    (folder / "baseline" / "model.safetensors").write_bytes(b"the CNN's")
    (folder / "evaluation" / "plots").mkdir(exist_ok=True)
    (folder / "evaluation" / "plots" / "auc.png").write_bytes(b"png")
    write_predictions(folder / "evaluation" / "predictions.parquet", skill)
    scorecard["evidence"] = collect(folder / "evaluation", folder / "adapter", folder / "baseline")
    write(folder / "evaluation" / "scorecard.json", scorecard)
    verdict["scorecard_sha256"] = file_sha256(folder / "evaluation" / "scorecard.json")
    write(folder / "verdict.json", verdict)


def write_predictions(path: Path, skill: float, seed: int = 0) -> None:
    """What three models say of 60 made-up records."""
    rng = np.random.default_rng(seed)
    truth = (rng.random((60, len(CODES))) < 0.4).astype(np.uint8)
    noise = rng.normal(size=truth.shape)
    found = {
        model: 1 / (1 + np.exp(-(apart * (truth - 0.5) + noise)))
        for model, apart in (("cnn", 2.0), ("lora", skill), ("base", 0.0))
    }
    ids = np.array([f"r{row}" for row in range(60)])
    predictions.write(predictions.Predictions(tuple(CODES), ids, ids, truth, found), path)


def write(path: Path, tree: Any) -> None:
    """A JSON file and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(tree), encoding="utf-8")
