"""index.parquet: one row a record, the table every later stage starts from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from twelvelead.data.shard import write_parquet
from twelvelead.errors import DataError, SetupError

FILE = "index.parquet"
STATEMENTS_FILE = "statements.json"
TOLD = (
    "site", "device", "heart_axis", "infarction_stadium1",
    "baseline_drift", "static_noise", "burst_noise", "electrodes_problems",
)  # fmt: skip
INDEX = pa.schema(
    [
        ("record_id", pa.string()),
        ("source", pa.string()),
        ("patient_id", pa.string()),
        ("age", pa.float32()),  # years, NaN unknown, 90 stands for "over 89"
        ("sex", pa.string()),  # "male", "female", "" unknown
        ("fold", pa.int8()),
        ("path", pa.string()),  # relative to the records folder, without suffix
        ("fs_hz", pa.float32()),
        ("n_samples", pa.int32()),
        ("statements", pa.list_(pa.struct([("code", pa.string()), ("likelihood", pa.float32())]))),
        ("report", pa.string()),
        ("sha256", pa.string()),  # of the .dat at `path`; "" where there is none
        ("other_codes", pa.list_(pa.string())),  # the source's codes that no SCP statement stands for
        # PTB-XL's own columns, as its table spells them; null in other sources
        *((name, pa.string()) for name in TOLD),
    ]
)
LATER_COLUMNS = ("other_codes", *TOLD)  # an index without them is read with nulls
TRAIN_FOLDS, SELECT_FOLD, TEST_FOLD = range(1, 9), 9, 10


def write_index(rows: Iterable[Mapping[str, Any]], path: Path) -> None:
    """Write index rows (dicts with the columns of INDEX) in the order given."""
    write_parquet(pa.Table.from_pylist(list(rows), schema=INDEX), path)


def read_index(path: Path) -> pd.DataFrame:
    """Read index.parquet, a file or the folder that holds it; `statements` are arrays of {code, likelihood}.

    Raises:
        SetupError: It is not there.
        DataError: A column is missing.
    """
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise SetupError("there is no index", where=str(file), fix="run `twelvelead ingest`")
    table = pq.read_table(file)
    missing = [name for name in INDEX.names if name not in table.column_names]
    for name in LATER_COLUMNS:
        if name in missing:
            table = table.append_column(INDEX.field(name), pa.nulls(len(table), INDEX.field(name).type))
            missing.remove(name)
    if missing:
        raise DataError(
            f"the index lacks {', '.join(missing)}", where=str(file), expected=", ".join(INDEX.names)
        )
    frame: pd.DataFrame = table.to_pandas()
    return frame


def read_validated(folder: Path) -> tuple[pd.DataFrame, list[str]]:
    """The usable rows of a validation folder, and the scored statement codes in the order of the standard."""
    frame = read_index(folder)
    scored: list[str] = json.loads((folder / STATEMENTS_FILE).read_text(encoding="utf-8"))["scored"]
    return frame[frame["status"] == "ok"].reset_index(drop=True), scored


def codes_of(statements: Iterable[Mapping[str, Any]]) -> list[str]:
    """The codes of one `statements` cell."""
    return [statement["code"] for statement in statements]


def labels(frame: pd.DataFrame, codes: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Which record has which statement.

    A statement is positive if it is named at all, whatever its likelihood: so counts the PTB-XL benchmark
    (Strodthoff et al. 2021, doi 10.1109/JBHI.2020.3022989).

    Returns:
        (rows, codes) matrix of 0 and 1.
    """
    column = {code: number for number, code in enumerate(codes)}
    matrix = np.zeros((len(frame), len(codes)), dtype=np.uint8)
    for row, statements in enumerate(frame["statements"]):
        for code in codes_of(statements):
            if code in column:
                matrix[row, column[code]] = 1
    return matrix
