"""What several models say of the same records, checked for holes, and its table on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from twelvelead.data.index import labels
from twelvelead.data.shard import write_parquet
from twelvelead.errors import DataError

KEY = ["record_id", "code"]


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """One fold's truth and every model's probabilities; rows are records, columns statements.

    Attributes:
        codes: Statement codes, (statements,).
        record_ids: (records,).
        patients: Patient ids, (records,).
        labels: (records, statements) of 0 and 1.
        probabilities: Model name to (records, statements): the very numbers that go to disk or came from it.
    """

    codes: tuple[str, ...]
    record_ids: NDArray[Any]
    patients: NDArray[Any]
    labels: NDArray[np.uint8]
    probabilities: Mapping[str, NDArray[Any]]


def gather(frame: pd.DataFrame, codes: Sequence[str], scores: Mapping[str, pd.DataFrame]) -> Predictions:
    """Line every model's scores up with the records of one fold.

    Args:
        frame: Usable index rows of the fold.
        codes: Statements that are scored.
        scores: Model name to a table with record_id, code and probability; rows of other folds must be gone.

    Raises:
        DataError: A model lacks a record and statement, has one twice or one too many, or gave no number
            between 0 and 1.
    """
    places = pd.MultiIndex.from_product([frame["record_id"], codes], names=KEY)
    found = {}
    for model, table in scores.items():
        column = table.set_index(KEY)["probability"]
        _refuse(model, "scored twice", column.index[column.index.duplicated()])
        _refuse(model, "not scored", places.difference(column.index, sort=False))
        _refuse(
            model,
            "scored but not among the usable records and statements",
            column.index.difference(places, sort=False),
        )
        values = column.reindex(places).to_numpy(np.float32)
        _refuse(model, "without a probability between 0 and 1", places[~((values >= 0) & (values <= 1))])
        found[model] = values.reshape(len(frame), len(codes))
    return Predictions(
        tuple(codes),
        frame["record_id"].to_numpy(str),
        frame["patient_id"].to_numpy(str),
        labels(frame, codes),
        found,
    )


def write(predictions: Predictions, path: Path, *, control_of: str = "") -> None:
    """Write one row a model, record and statement.

    Args:
        predictions: What to write.
        path: The Parquet file.
        control_of: If given, the "models" are controls of this model and go to a column of their own.
    """
    shape, names = predictions.labels.shape, list(predictions.probabilities)
    each = shape[0] * shape[1]
    records, patients = (
        np.repeat(column, shape[1]).tolist() for column in (predictions.record_ids, predictions.patients)
    )
    named = [name for name in names for _ in range(each)]
    columns = {
        "record_id": pa.array(records * len(names), pa.string()),
        "patient_id": pa.array(patients * len(names), pa.string()),
        "model": pa.array([control_of] * len(named) if control_of else named, pa.string()),
        "code": pa.array(list(predictions.codes) * shape[0] * len(names), pa.string()),
        "label": pa.array(np.tile(predictions.labels.ravel().astype(np.int8), len(names))),
        "probability": pa.array(np.concatenate([predictions.probabilities[name].ravel() for name in names])),
    }
    write_parquet(pa.table(columns | ({"control": pa.array(named, pa.string())} if control_of else {})), path)


def _refuse(model: str, fault: str, places: pd.MultiIndex) -> None:
    if len(places):
        record, code = places[0]
        raise DataError(
            f"{len(places)} faults; the first: statement {code} of record {record} is {fault}",
            where=f"model {model}",
            expected="exactly one probability for every usable record and scored statement",
            fix="make pages, baseline and adapter from the same validation",
        )
