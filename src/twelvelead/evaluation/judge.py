"""`twelvelead metrics`: read a prediction table, compute everything, write JSON and show the main figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from twelvelead.errors import DataError
from twelvelead.evaluation.foreign import read_predictions
from twelvelead.evaluation.summary import summarise


def judge(
    predictions: Path,
    *,
    to: Path | None = None,
    fold9: Path | None = None,
    records: Path | None = None,
    replicates: int = 2000,
    seed: int = 1,
) -> str:
    """The main figures as a table of text; all of them go to `to` as JSON.

    Args:
        predictions: The table to judge, see `read_predictions`.
        to: JSON file to write.
        fold9: Table of the same models on fold 9, to choose thresholds on.
        records: Parquet or CSV with record_id and sex, age, site, device or quality, for subgroups.
        replicates: Bootstrap replicates.
        seed: Of the bootstrap.

    Raises:
        DataError: A table is not what it should be.
        LeakageError: A patient of fold 9 is judged.
    """
    tree = summarise(
        read_predictions(predictions),
        read_predictions(fold9) if fold9 else None,
        replicates=replicates,
        seed=seed,
        records=_records(records) if records else None,
    )
    if to:
        aside = to.with_name(f".{to.name}.tmp")
        aside.write_text(json.dumps(tree, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        aside.replace(to)
    return _text(tree)


def _records(path: Path) -> Any:
    import pandas as pd

    if not path.is_file():
        raise DataError("there is no such file", where=str(path))
    table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    if "record_id" not in table:
        raise DataError("has no column 'record_id'", where=path.name)
    return table


def _text(tree: dict[str, Any]) -> str:
    lines = [
        f"{'model':<16} {'group':<16} {'records':>7} {'labels':>6}  {'macro AUC (95 %)':<24}"
        f" {'AP':>6} {'F1':>6} {'Fmax':>6} {'ECE':>6}"
    ]
    for model, groups in tree["models"].items():
        for name, own in groups.items():
            interval = f"{_number(own['macro_auc'])}"
            if own.get("macro_auc_lower") is not None:
                interval += f" ({own['macro_auc_lower']:.4f}-{own['macro_auc_upper']:.4f})"
            figures = (own[key] for key in ("macro_ap", "macro_f1", "fmax", "macro_ece"))
            lines.append(
                f"{model:<16} {name:<16} {own['records']:>7} {own['scored']:>6}  {interval:<24} "
                + " ".join(f"{_number(figure, 3):>6}" for figure in figures)
            )
    lines.append(f"F1 at thresholds: {tree['data']['thresholds']}. Labels: those with both classes.")
    return "\n".join(lines)


def _number(figure: float | None, digits: int = 4) -> str:
    return "-" if figure is None else f"{figure:.{digits}f}"
