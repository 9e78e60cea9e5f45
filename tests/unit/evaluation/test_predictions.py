from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from twelvelead.errors import DataError
from twelvelead.evaluation.predictions import gather, write

CODES = ["NORM", "AFIB"]


def frame() -> pd.DataFrame:
    statements = [[{"code": "NORM", "likelihood": 0.0}], [{"code": "AFIB", "likelihood": 100.0}], []]
    return pd.DataFrame(
        {"record_id": ["a", "b", "c"], "patient_id": ["1", "1", "2"], "statements": statements}
    )


def scores() -> pd.DataFrame:
    rows = [
        (record, code, 0.1 * number + 0.05 * second)
        for number, record in enumerate("abc")
        for second, code in enumerate(CODES)
    ]
    return pd.DataFrame(rows, columns=["record_id", "code", "probability"])


def test_scores_in_any_order_line_up_with_records_and_statements() -> None:
    found = gather(frame(), CODES, {"cnn": scores().sample(frac=1, random_state=1)})
    assert found.labels.tolist() == [[1, 0], [0, 1], [0, 0]]
    assert found.probabilities["cnn"] == pytest.approx(np.array([[0, 0.05], [0.1, 0.15], [0.2, 0.25]]))
    assert found.patients.tolist() == ["1", "1", "2"]


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 1.1])
def test_a_score_that_is_no_probability_is_named_by_model_record_and_code(value: float) -> None:
    table = scores()
    table.loc[3, "probability"] = value
    with pytest.raises(DataError, match=r"model lora: .*AFIB of record b is without a probability"):
        gather(frame(), CODES, {"cnn": scores(), "lora": table})


def test_a_score_that_is_missing_is_named() -> None:
    with pytest.raises(DataError, match=r"model base: .*NORM of record c is not scored"):
        gather(frame(), CODES, {"base": scores().drop(index=4)})


def test_a_score_given_twice_is_named() -> None:
    with pytest.raises(DataError, match=r"NORM of record a is scored twice"):
        gather(frame(), CODES, {"cnn": pd.concat([scores(), scores().iloc[:1]])})


def test_a_score_of_an_unknown_record_is_named() -> None:
    extra = pd.DataFrame({"record_id": ["z"], "code": ["NORM"], "probability": [0.5]})
    with pytest.raises(DataError, match=r"NORM of record z is scored but not among"):
        gather(frame(), CODES, {"cnn": pd.concat([scores(), extra])})


def test_the_table_holds_one_row_a_model_record_and_statement(tmp_path: Path) -> None:
    found = gather(frame(), CODES, {"cnn": scores(), "lora": scores()})
    write(found, tmp_path / "p.parquet")
    table = pq.read_table(tmp_path / "p.parquet")
    assert {field.name: str(field.type) for field in table.schema} == {
        "record_id": "string", "patient_id": "string", "model": "string", "code": "string",
        "label": "int8", "probability": "float",
    }  # fmt: skip
    rows = table.to_pylist()
    assert len(rows) == 2 * 3 * 2
    chosen = next(
        row for row in rows if (row["model"], row["record_id"], row["code"]) == ("lora", "b", "AFIB")
    )
    assert (chosen["label"], chosen["patient_id"], chosen["probability"]) == (1, "1", pytest.approx(0.15))


def test_controls_are_told_apart_by_a_column_of_their_own(tmp_path: Path) -> None:
    write(gather(frame(), CODES, {"blank": scores()}), tmp_path / "c.parquet", control_of="lora")
    table = pq.read_table(tmp_path / "c.parquet").to_pandas()
    assert set(table["model"]) == {"lora"}
    assert set(table["control"]) == {"blank"}
