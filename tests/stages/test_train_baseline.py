import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from twelvelead.data.index import INDEX, read_validated
from twelvelead.data.wfdb import write_record
from twelvelead.errors import DataError
from twelvelead.params import Params, TrainBaseline
from twelvelead.stages.run import run
from twelvelead.training.baseline import score_records

PARAMS = Params(train_baseline=TrainBaseline(epochs=2, batch=8, threads=1, seeds=1))


def artifacts(root: Path, folds: list[int]) -> dict[str, Path]:
    inputs = {name: root / name for name in ("validation", "records")}
    for path in inputs.values():
        path.mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for number, fold in enumerate(folds):
        write_record(
            inputs["records"] / f"{number:05d}", rng.integers(-500, 500, (1000, 12)).astype(np.int16), 100
        )
        rows.append(
            {
                "record_id": f"{number:05d}", "source": "simulate", "patient_id": f"p{number}", "age": 50.0,
                "sex": "", "fold": fold, "path": f"{number:05d}", "fs_hz": 100.0, "n_samples": 1000,
                "report": "", "sha256": "",
                "statements": [{"code": "NORM" if number % 2 else "AFIB", "likelihood": 100.0}],
            }
        )  # fmt: skip
    table = pa.Table.from_pylist(rows, schema=INDEX)
    status = ["quarantined" if number == 0 else "ok" for number in range(len(folds))]
    pq.write_table(table.append_column("status", pa.array(status)), inputs["validation"] / "index.parquet")
    (inputs["validation"] / "statements.json").write_text(json.dumps({"scored": ["NORM", "AFIB"]}))
    return inputs


def test_the_stage_leaves_a_model_that_scores_the_usable_records(tmp_path: Path) -> None:
    inputs = artifacts(tmp_path, [1] * 9 + [9] * 3 + [10] * 2)
    summary = run("train_baseline", inputs, tmp_path / "baseline", PARAMS)
    assert summary["train_records"] == 8
    assert {path.name for path in (tmp_path / "baseline").iterdir()} == {
        "model.safetensors", "config.json", "metrics.json", "lineage.json",
    }  # fmt: skip
    frame, _ = read_validated(inputs["validation"])
    scores = score_records(tmp_path / "baseline", inputs["records"], frame[frame["fold"] == 10], threads=1)
    assert scores["probability"].between(0, 1).all()
    assert scores["code"].tolist() == ["NORM", "AFIB"] * 2


def test_it_writes_the_same_bytes_twice(tmp_path: Path) -> None:
    inputs = artifacts(tmp_path, [1] * 9 + [9] * 3)
    for name in ("a", "b"):
        run("train_baseline", inputs, tmp_path / name / "baseline", PARAMS)
    for name in ("model.safetensors", "config.json", "metrics.json"):
        assert (tmp_path / "a/baseline" / name).read_bytes() == (tmp_path / "b/baseline" / name).read_bytes()


def test_an_empty_fold_9_is_rejected_and_leaves_no_baseline(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="0 in fold 9"):
        run("train_baseline", artifacts(tmp_path, [1] * 6), tmp_path / "baseline", PARAMS)
    assert not (tmp_path / "baseline").exists()
