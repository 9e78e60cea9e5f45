"""Anybody's predictions in long form: read, checked, and lined up record by record.

The table has the columns `record_id, patient_id, model, code, label, probability`, one row a model, record
and statement; CSV or Parquet. It need not come from this project, so nothing about it is believed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twelvelead.errors import DataError
from twelvelead.evaluation.predictions import Predictions

COLUMNS = ("record_id", "patient_id", "model", "code", "label", "probability")


def read_predictions(path: Path) -> Predictions:
    """Read and check a prediction table; probabilities keep their precision.

    Raises:
        DataError: The file is missing or no table, a column is missing, a row repeats, a value is no
            probability or no label, models disagree about a label, or a model lacks a record or a statement.
    """
    table = _read(path)
    where = path.name
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise DataError(f"has no column {missing[0]!r}", where=where, expected=", ".join(COLUMNS))
    if table.empty:
        raise DataError("has no rows", where=where)
    for name in ("record_id", "patient_id", "model", "code"):
        _refuse(table, table[name].isna(), f"has no {name}", where)
    label = pd.to_numeric(table["label"], errors="coerce")
    _refuse(table, ~label.isin((0, 1)), "has a label that is neither 0 nor 1", where)
    probability = pd.to_numeric(table["probability"], errors="coerce")
    _refuse(table, ~probability.between(0, 1), "has no probability between 0 and 1", where)
    key = ["model", "record_id", "code"]
    _refuse(table, table.duplicated(key), "is there twice", where)
    table = table.assign(label=label.astype(np.uint8), probability=probability.astype(np.float64))
    records, codes, models = (table[name].drop_duplicates() for name in ("record_id", "code", "model"))
    owners = table.drop_duplicates(["record_id", "patient_id"])
    _refuse(owners, owners["record_id"].duplicated(), "belongs to two patients", where)
    places = pd.MultiIndex.from_product([records, codes])
    labels: Any = None
    found = {}
    for model in models:
        rows = table[table["model"] == model].set_index(["record_id", "code"])
        if len(rows) != len(places):
            record, code = places.difference(rows.index, sort=False)[0]
            raise DataError(
                f"{len(places) - len(rows)} predictions are missing; the first: {code} of record {record}",
                where=f"{where}, model {model}",
                expected="every model scores every statement of every record",
            )
        rows = rows.reindex(places)
        truth = rows["label"].to_numpy(np.uint8).reshape(len(records), len(codes))
        if labels is not None and not np.array_equal(truth, labels):
            record, code = (int(place[0]) for place in np.nonzero(truth != labels))
            raise DataError(
                f"the label of {codes.iloc[code]} of record {records.iloc[record]} differs between models",
                where=f"{where}, model {model}",
            )
        labels = truth
        found[str(model)] = rows["probability"].to_numpy(np.float64).reshape(truth.shape)
    patients = owners.set_index("record_id")["patient_id"].reindex(records)
    return Predictions(tuple(codes.astype(str)), records.to_numpy(str), patients.to_numpy(str), labels, found)


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise DataError("there is no such file", where=str(path))
    try:
        if path.suffix == ".csv":
            return pd.read_csv(path, dtype={"record_id": str, "patient_id": str, "model": str, "code": str})
        return pd.read_parquet(path)
    except (ValueError, OSError) as fault:  # what pandas and pyarrow raise on bytes that are no table
        raise DataError(
            f"cannot be read: {fault}", where=str(path), expected="a Parquet file, or .csv"
        ) from None


def _refuse(table: pd.DataFrame, faulty: Any, fault: str, where: str) -> None:
    if faulty.any():
        row = table[faulty].iloc[0]
        raise DataError(
            f"{int(faulty.sum())} rows at fault; the first, {row['code']} of record {row['record_id']} by "
            f"{row['model']}, {fault}",
            where=where,
        )
