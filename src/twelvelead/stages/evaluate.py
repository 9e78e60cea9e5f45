"""Stage evaluate: both CNNs, adapter and un-tuned base on the same records of fold 10, and the controls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twelvelead.errors import DataError
from twelvelead.params import Evaluate
from twelvelead.stages.scores import Scores, kept

SOURCES = {"simulate": "simulated"}


def evaluate(inputs: Mapping[str, Path], output: Path, params: Evaluate, work: Path) -> dict[str, Any]:
    """Score every model on folds 9 and 10, and judge on fold 10 as calibrated and cut on fold 9.

    Args:
        inputs: "validation", "records", "pages", "baseline", "page_baseline" and "adapter".
        output: Folder to fill with predictions.parquet, predictions_fold9.parquet, controls.parquet,
            scorecard.json and plots/.
        params: The section.
        work: Where finished scores lie, so that a killed run need not score them again.

    Returns:
        Macro AUCs, their difference and its lower bound.

    Raises:
        DataError: A fold is empty, or a model's scores have holes.
        SetupError: A model is not where it should be.
    """
    from twelvelead.data.index import SELECT_FOLD, TEST_FOLD, read_validated
    from twelvelead.evaluation import calibration, evidence, predictions, scorecard
    from twelvelead.evaluation.plots import draw

    frame, codes = read_validated(inputs["validation"])
    folds = {fold: frame[frame["fold"] == fold].reset_index(drop=True) for fold in (SELECT_FOLD, TEST_FOLD)}
    for fold, rows in folds.items():
        if rows.empty:
            raise DataError(f"fold {fold} has no usable record", where="evaluate", fix="ingest more records")
    if not codes:
        raise DataError(
            "no statement is scored",
            where="evaluate",
            fix="ingest more records, or lower validate.min_train_positives",
        )
    models = Scores(inputs, frame, codes, params, work)
    tables, controls = models.tables(), models.controls()
    fold9, fold10 = (
        predictions.gather(
            folds[fold], codes, {model: table[table["fold"] == fold] for model, table in tables.items()}
        )
        for fold in (SELECT_FOLD, TEST_FOLD)
    )
    blind = predictions.gather(folds[TEST_FOLD], codes, controls)
    maps = {model: calibration.fit(fold9.labels, raw) for model, raw in fold9.probabilities.items()}
    fold9, fold10 = (calibration.calibrated(fold, maps) for fold in (fold9, fold10))
    blind = calibration.calibrated(blind, maps, control_of=scorecard.CANDIDATE)
    card = scorecard.build(
        "+".join(sorted({SOURCES.get(source, source) for source in folds[TEST_FOLD]["source"]})),
        fold9, fold10, blind, maps,
        min_positives=params.min_positives, replicates=params.bootstrap, seed=params.seed,
    )  # fmt: skip
    predictions.write(fold10, output / "predictions.parquet")
    predictions.write(fold9, output / "predictions_fold9.parquet")
    predictions.write(blind, output / "controls.parquet", control_of=scorecard.CANDIDATE)
    compared = card["data"]["compared"]
    card["models"]["cnn"]["seeds"] = _seeds(models, folds[TEST_FOLD], codes, compared)
    for name in ("lora", "base"):
        card["models"][name]["unanswered"] = float(tables[name]["unanswered"].iloc[0])
    card["robustness"] = _robustness(models.robustness(), folds[TEST_FOLD], codes, compared)
    card["cost"] = models.cost()
    card["evidence"] = evidence.collect(output, inputs["adapter"], inputs["baseline"])
    text = json.dumps(card, indent=1, allow_nan=False) + "\n"
    (output / "scorecard.json").write_text(text, encoding="utf-8")
    draw(card, fold10, output / "plots")
    delta = card["comparison"]["delta_macro_auc"]
    return {
        "fold10": card["data"]["fold10"], "compared": card["data"]["n_compared"],
        "macro_auc": {model: card["models"][model]["macro_auc_compared"] for model in scorecard.MODELS},
        "delta": delta["value"], "delta_lower": delta["lower"],
        "controls": {name: control["macro_auc"] for name, control in card["controls"].items()},
    }  # fmt: skip


def _seeds(models: Scores, rows: Any, codes: list[str], compared: list[str]) -> dict[str, float | None]:
    """Macro AUC of every seed of the CNN."""
    from twelvelead.evaluation import predictions, scorecard
    from twelvelead.training.seeds import read_config

    found = {}
    for seed in read_config(models.inputs["baseline"])["seeds"]:
        file = models.work / f"cnn-{seed}.parquet"
        table = kept(file, lambda seed=seed: models.signals(seed, (10,)))  # type: ignore[misc]
        scores = predictions.gather(rows, codes, {"cnn": table})
        found[str(seed)] = scorecard.macro_auc_of(scores, "cnn", compared)
    return found


def _robustness(
    tables: Mapping[str, Any], rows: Any, codes: list[str], compared: list[str]
) -> dict[str, dict[str, Any]]:
    """Macro AUC in every look; the pages are the same, so the looks can be compared with each other."""
    from twelvelead.evaluation import predictions, scorecard

    found: dict[str, dict[str, Any]] = {}
    for name, table in tables.items():
        if table is None:
            found[name] = {"macro_auc": None, "pages": 0}
            continue
        some = rows[rows["record_id"].isin(table["record_id"])]
        scores = predictions.gather(some, codes, {name: table})
        found[name] = {"macro_auc": scorecard.macro_auc_of(scores, name, compared), "pages": len(some)}
    return found
