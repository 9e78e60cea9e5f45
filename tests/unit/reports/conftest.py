"""Fake artifacts of a whole run, in the formats that the report reads."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

CODES = ["NDT", "NORM", "IMI", "ASMI", "LVH", "LAFB", "ISC_", "1AVB", "CRBBB", "CLBBB", "PVC", "SR", "AFIB"]
ARTIFACTS = (
    "validation",
    "pages",
    "instructions",
    "baseline",
    "page_baseline",
    "adapter",
    "evaluation",
    "verdict.json",
    "registration.json",
)
SOURCES = {
    "measurement": "rate_bpm",
    "report": "scp_codes.subclass.NORM+ectopic_beats+p_present+scp_codes+facts",  # the longest in use
}


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    write_run(tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def passed_run(run_folder: Path) -> None:
    write_run(run_folder, passed=True)


@pytest.fixture
def inputs(run_folder: Path) -> dict[str, Path]:
    return {name: run_folder / name for name in ARTIFACTS}


def write_run(at: Path, picture: Callable[[int], bytes] | None = None, passed: bool = False) -> None:
    """Write every artifact; `picture` gives the PNG of a record number."""
    rng = np.random.default_rng(1)
    picture = picture or _picture
    records = [
        {
            "record_id": str(number),
            "patient_id": f"p{number // 2}",
            "fold": number % 10 + 1,
            "status": "quarantined" if number % 37 == 5 else "ok",
            "statements": [{"code": code, "likelihood": 100.0} for code in _codes(number)],
        }
        for number in range(1, 301)
    ]
    bad = [row["record_id"] for row in records if row["status"] != "ok"]
    judged = [row for row in records if row["fold"] == 10 and row["status"] == "ok"]
    rows(at / "validation/index.parquet", records)
    rows(
        at / "validation/quarantine.parquet",
        [
            {
                "record_id": name,
                "reasons": [f"{n} s long; at least 9.5 s are needed", "unreadable: no file"][: 1 + n % 2],
            }
            for n, name in enumerate(bad)
        ],
    )
    tree(
        at / "validation/statements.json",
        {
            "scored": CODES,
            "counts": {},
            "not_scored": {
                "WPW": "no record carries it",
                "3AVB": "no record carries it",
                "PACE": "1 positives, fewer than 5",
            },
        },
    )
    pages = [
        {"page_id": f"{row['record_id']}-0", "record_id": row["record_id"], "fold": 10} for row in judged
    ]
    rows(
        at / "pages/manifest.parquet",
        [page | {"shard": "pages-00000.parquet", "row": n} for n, page in enumerate(pages)],
    )
    rows(
        at / "pages/pages-00000.parquet",
        [page | {"image": {"bytes": picture(int(page["record_id"])), "path": ""}} for page in pages],
    )
    rows(at / "instructions/test-00000.parquet", [item for page in pages for item in _questions(page)])
    rows(
        at / "evaluation/predictions.parquet",
        [
            {
                "record_id": row["record_id"],
                "patient_id": row["patient_id"],
                "model": model,
                "code": code,
                "label": (label := int(code in _codes(int(row["record_id"])))),
                "probability": _probability(label, rng),
            }
            for row in judged
            for model in ("cnn", "page_cnn", "lora", "base")
            for code in CODES
        ],
    )
    tree(at / "evaluation/scorecard.json", scorecard(rng))
    tree(
        at / "evaluation/lineage.json",
        {
            "ingest": {"params": {"records": 300, "seed": 1}, "inputs": {}},
            "validate": {"params": {}, "inputs": {"records": "1" * 32 + ".dir"}},
        },
    )
    tree(
        at / "baseline/metrics.json",
        {
            "history": [
                {
                    "epoch": n + 1,
                    "loss": 0.2 + 0.5 * 0.7**n,
                    "macro_auc": None if n % 2 else 0.93 - 0.4 * 0.6**n,
                }
                for n in range(9)
            ]
        },
    )
    tree(
        at / "adapter/metrics.json",
        {
            "history": [
                {
                    "epoch": n + 1,
                    "step": 60 * n,
                    "loss": 0.1 + 0.6 * 0.5**n,
                    "fold9_macro_auc": 0.95 - 0.4 * 0.5**n,
                }
                for n in range(6)
            ]
        },
    )
    tree(at / "verdict.json", verdict(passed))
    tree(
        at / "registration.json",
        {
            "model": "twelvelead-reader",
            "version": 3,
            "passed": passed,
            "alias": "champion" if passed else None,
            "tracking_uri": "sqlite:///runs/mlflow.db",
            "run_id": "f00d",
            "reasons": [],
            "tags": {
                "gate": "rejected",
                "git_revision": "abc123",
                "dvc_md5.records": "1" * 32 + ".dir",
                "image_digest": "",
            },
        },
    )


def verdict(passed: bool) -> dict[str, Any]:
    reason = "lora's macro AUC is .021 below cnn's (lower bound −.045, not ≥ −.010)"
    checks = [
        {
            "name": "not worse than the CNN",
            "metric": "comparison.delta_macro_auc.lower",
            "value": -0.045,
            "bound": "≥ −.010",
            "passed": passed,
            "reason": reason,
            "why": "Non-inferiority: the one-sided bound.",
        },
        {
            "name": "a blank page says nothing",
            "metric": "controls.blank.macro_auc",
            "value": 0.5,
            "bound": ".450 … .550",
            "passed": True,
            "reason": "a blank page: .500, within",
            "why": "",
        },
        {
            "name": "no harm where it counts",
            "metric": "comparison.worst_statement_delta.value",
            "value": None,
            "bound": "≥ −.100",
            "passed": passed,
            "reason": "the figure is not a number",
            "why": "A mean may hide it.",
        },
    ]
    return {
        "passed": passed,
        "promotes": True,
        "decision": "passed" if passed else "rejected",
        "candidate": "lora",
        "baseline": "cnn",
        "policy_name": "lora against cnn, non-inferior",
        "policy_sha256": "f" * 64,
        "checks": checks,
        "reasons": [] if passed else [reason, "the figure is not a number"],
    }


def scorecard(rng: np.random.Generator) -> dict[str, Any]:
    def table(centre: float) -> dict[str, Any]:
        found = {}
        for code in CODES:
            auc = float(np.clip(rng.normal(centre, 0.04), 0.4, 0.995))
            found[code] = {
                "auc": auc,
                "auc_lower": auc - 0.04,
                "auc_upper": min(auc + 0.03, 1.0),
                "f1": 0.6,
                "positives": 12,
            }
        return {
            **found,
            "PVC": {"auc": None, "auc_lower": None, "auc_upper": None, "f1": None, "positives": 0},
        }

    def model(centre: float) -> dict[str, Any]:
        return {
            "macro_auc": centre,
            "macro_auc_compared": centre,
            "macro_auc_compared_lower": centre - 0.02,
            "macro_auc_compared_upper": centre + 0.02,
            "macro_ap": 0.7,
            "macro_f1": None,
            "n_statements": 12,
            "statements": table(centre),
        }

    delta = {"value": -0.021, "lower": -0.045, "upper": 0.003}
    return {
        "data": {
            "source": "simulated",
            "fold9": 30,
            "fold10": 30,
            "patients_fold10": 28,
            "statements": CODES,
            "compared": CODES[:10],
            "min_positives": 10,
            "positives": dict.fromkeys(CODES, 12),
        },
        "models": {"cnn": model(0.93), "lora": model(0.91), "base": model(0.55)},
        "comparison": {
            "delta_macro_auc": delta,
            "delta_vs_base": {"value": 0.36, "lower": 0.33, "upper": 0.39},
            "replicates": 2000,
        },
        "controls": {"blank": {"macro_auc": 0.5}, "shuffled": {"macro_auc": None}},
    }


def tree(path: Path, value: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def rows(path: Path, values: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(values), path)


def _probability(label: int, rng: np.random.Generator) -> float:
    return float(rng.beta(*(5, 2) if label else (1, 6)))


def _codes(number: int) -> list[str]:
    return sorted({CODES[number % 13], CODES[number // 9 % 13], "SR"})


def _questions(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    asked = [("statement", code, f"Does this ECG show {code}?", "No") for code in CODES]
    asked += [
        ("measurement", "", "What is the heart rate?", "72 bpm"),
        ("report", "", "Write a report.", "Rhythm: sinus.\nAxis: 30°."),
    ]
    return [
        page
        | {
            "family": family,
            "code": code,
            "answer_source": code or SOURCES[family],
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "image", "text": ""}, {"type": "text", "text": question}],
                },
                {"role": "assistant", "content": [{"type": "text", "text": answer}]},
            ],
        }
        for family, code, question, answer in asked
    ]


def _picture(number: int) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (32, 32), (number % 255, 200, 200)).save(stream, "PNG")
    return stream.getvalue()
