"""How long the figures take: 2,000 bootstrap replicates over PTB-XL's fold 10, beside scikit-learn in a loop.

Predictions of 2,203 records of 1,900 patients and 71 statements are made up, with the rarity of PTB-XL's own
statements (from 1 in 2 to 1 in 1,000); times do not depend on what they say. `metrics` is the command as a
user calls it, reading and writing included. The peer draws patients likewise and calls `roc_auc_score` for
every statement; 20 replicates are timed and scaled. With --artifacts, the report of a finished run too.

    python bench/evaluation.py --json bench/results/evaluation.json --artifacts runs/latest/artifacts
"""

from __future__ import annotations

import os

os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hardware import describe

from twelvelead.evaluation import judge, predictions
from twelvelead.evaluation.bootstrap import resampled_aucs
from twelvelead.evaluation.metrics import macro
from twelvelead.reports.run import render
from twelvelead.stages import find

RECORDS, PATIENTS, STATEMENTS, REPLICATES, PEER_REPLICATES = 2203, 1900, 71, 2000, 20
PACKAGES = ("numpy", "numba", "scipy", "scikit-learn", "pandas", "pyarrow")


def table(models: int) -> predictions.Predictions:
    """Made-up predictions of some models."""
    rng = np.random.default_rng(1)
    share = np.geomspace(0.5, 0.001, STATEMENTS)
    truth = (rng.random((RECORDS, STATEMENTS)) < share).astype(np.uint8)
    truth[0] = 1
    owner = np.concatenate([np.arange(PATIENTS), rng.integers(0, PATIENTS, RECORDS - PATIENTS)])
    found = {
        f"model {number}": 1 / (1 + np.exp(-(2.0 * truth - 1.0 + rng.normal(size=truth.shape))))
        for number in range(models)
    }
    codes = tuple(f"S{number}" for number in range(STATEMENTS))
    ids = np.array([f"r{row}" for row in range(RECORDS)])
    return predictions.Predictions(codes, ids, np.array([f"p{one}" for one in owner]), truth, found)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds and the result."""
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


def peer(given: predictions.Predictions, replicates: int) -> list[float]:
    """Macro AUCs of resampled patients by scikit-learn."""
    from sklearn.metrics import roc_auc_score

    scores = given.probabilities["model 0"]
    names, owner = np.unique(given.patients, return_inverse=True)
    rows_of = [np.flatnonzero(owner == patient) for patient in range(len(names))]
    rng = np.random.default_rng(1)
    found = []
    for _ in range(replicates):
        rows = np.concatenate([rows_of[one] for one in rng.integers(0, len(names), len(names))])
        truth = given.labels[rows]
        both = (truth.min(axis=0) == 0) & (truth.max(axis=0) == 1)
        found.append(float(roc_auc_score(truth[:, both], scores[rows][:, both], average="macro")))
    return found


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--artifacts", type=Path, help="folder of a finished run's artifacts")
    asked = parser.parse_args()
    warnings.filterwarnings("ignore")
    given = table(1)
    draw = {"replicates": REPLICATES, "seed": 1}
    resampled_aucs(given.labels[:50], [given.probabilities["model 0"][:50]], given.patients[:50],
                   replicates=2, seed=1)  # fmt: skip  # numba compiles
    ours_s, draws = timed(
        lambda: resampled_aucs(given.labels, [given.probabilities["model 0"]], given.patients, **draw)
    )
    peer_s, theirs = timed(lambda: peer(given, PEER_REPLICATES))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "predictions.parquet"
        predictions.write(given, file)
        command_s, _ = timed(lambda: judge.judge(file, to=Path(folder) / "out.json", **draw))
    macros = [macro(row) for row in draws[0]]
    result = {
        "hardware": describe(*PACKAGES),
        "records": RECORDS, "statements": STATEMENTS, "replicates": REPLICATES, "threads": 1,
        "bootstrap_s": ours_s,
        "peer": {"what": "sklearn.metrics.roc_auc_score a replicate", "timed_replicates": PEER_REPLICATES,
                 "scaled_s": peer_s * REPLICATES / PEER_REPLICATES},
        "ratio": peer_s * REPLICATES / PEER_REPLICATES / ours_s,
        "means": {"ours": float(np.mean(macros)), "peer": float(np.mean(theirs))},
        "metrics_command_s": command_s,
    }  # fmt: skip
    if asked.artifacts:
        inputs = {name: asked.artifacts / name for name in find("report").inputs}
        result["report_s"], page = timed(lambda: render(inputs, "bench", 6))
        result["report_mb"] = len(page.encode()) / 1e6
    text = json.dumps(result, indent=1)
    if asked.json:
        asked.json.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
