"""Stage evaluate: CNN, adapter and un-tuned base on the same records of fold 10, and two controls."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from twelvelead.errors import DataError, SetupError
from twelvelead.params import Evaluate
from twelvelead.progress import say

SOURCES = {"simulate": "simulated"}


def evaluate(inputs: Mapping[str, Path], output: Path, params: Evaluate, work: Path) -> dict[str, Any]:
    """Score every model on folds 9 and 10, and judge on fold 10 as calibrated and cut on fold 9.

    Args:
        inputs: "validation", "records", "pages", "baseline" and "adapter".
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
    tables, controls = _score(inputs, frame, codes, params, work)
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


def _score(
    inputs: Mapping[str, Path], frame: Any, codes: list[str], params: Evaluate, work: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tables of record_id, fold, code, probability: every model on folds 9 and 10, each control on 10."""
    from twelvelead.evaluation.score import score_pages
    from twelvelead.training.baseline import score_records

    adapter = inputs["adapter"]
    note = adapter / "base.json"
    if not note.is_file():
        raise SetupError("the adapter does not name its base", where=str(note), fix="run train-lora again")
    base = json.loads(note.read_text(encoding="utf-8"))["base"]

    def pages(
        own: Path | None, folds: tuple[int, ...], control: Literal["blank", "shuffled"] | None = None
    ) -> Any:
        return score_pages(
            base=base, adapter=own, pages=inputs["pages"], folds=folds, codes=codes,
            control=control, seed=params.seed, threads=params.threads,
        )  # fmt: skip

    def signals() -> Any:
        rows = frame[frame["fold"].isin((9, 10))]
        scores = score_records(inputs["baseline"], inputs["records"], rows, params.threads)
        return scores[scores["code"].isin(codes)]

    models = {
        "cnn": signals,
        "lora": lambda: pages(adapter, (9, 10)),
        "base": lambda: pages(None, (9, 10)),
    }
    controls = {
        "blank": lambda: pages(adapter, (10,), "blank"),
        "shuffled": lambda: pages(adapter, (10,), "shuffled"),
    }
    return (
        {name: _kept(work / f"{name}.parquet", score) for name, score in models.items()},
        {name: _kept(work / f"{name}.parquet", score) for name, score in controls.items()},
    )


def _kept(path: Path, score: Callable[[], Any]) -> Any:
    """The scores a killed run left behind, else new ones, left behind in turn."""
    import pandas as pd
    import pyarrow as pa

    from twelvelead.data.shard import write_parquet

    if path.is_file():
        say(f"evaluate: {path.stem} was scored before")
        return pd.read_parquet(path)
    say(f"evaluate: scoring {path.stem}")
    table = score()
    columns = {name: table[name] for name in ("record_id", "fold", "code", "probability")}
    write_parquet(pa.table({name: pa.array(column.to_numpy()) for name, column in columns.items()}), path)
    return table
