"""The page CNN learns from pages, from the folds it may see, and goes on where it was killed."""

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image

from twelvelead.data.shard import write_parquet
from twelvelead.errors import DataError, SetupError
from twelvelead.params import TrainPageBaseline
from twelvelead.training import course
from twelvelead.training.page_baseline import score_pages, shifted, train

CODES = ["AFIB", "NORM"]
PARAMS = TrainPageBaseline(height_px=64, width_px=96, epochs=8, batch=8, threads=1)


def toy(folder: Path, folds: list[int]) -> pd.DataFrame:
    """Pages with a bar high up for AFIB and low down for everything else."""
    rng = np.random.default_rng(0)
    rows, pages = [], []
    for number, fold in enumerate(folds):
        code = CODES[number % 2]
        array = np.full((64, 96), 250, np.uint8)
        array[(12 if code == "AFIB" else 44) + rng.integers(0, 6), 10:80] = 20
        stream = io.BytesIO()
        Image.fromarray(array).save(stream, "PNG")
        row = {"record_id": f"{number:05d}", "patient_id": f"p{number}", "fold": fold}
        pages.append({"image": {"bytes": stream.getvalue(), "path": ""}, "page_id": f"{number}-0", **row})
        rows.append({**row, "statements": [{"code": code, "likelihood": 100.0}]})
    schema = pa.schema(
        [
            ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
            *((name, pa.string()) for name in ("page_id", "record_id", "patient_id")),
            ("fold", pa.int8()),
        ]
    )
    folder.mkdir(parents=True)
    write_parquet(pa.Table.from_pylist(pages, schema=schema), folder / "pages-00000.parquet")
    write_parquet(pa.Table.from_pylist([{"fold": fold} for fold in folds]), folder / "manifest.parquet")
    return pd.DataFrame(rows)


def places(root: Path, *names: str) -> list[Path]:
    for name in names:
        (root / name).mkdir(parents=True, exist_ok=True)
    return [root / name for name in names]


def test_it_learns_where_a_mark_stands_and_scores_pages_with_it(tmp_path: Path) -> None:
    output, work = places(tmp_path, "output", "work")
    frame = toy(tmp_path / "pages", [1, 2] * 16 + [9] * 8 + [10] * 8)

    metrics = train(tmp_path / "pages", frame, CODES, PARAMS, output, work)
    scores = score_pages(output, tmp_path / "pages", (10,), threads=1)

    assert metrics["macro_auc"] == 1.0
    assert (metrics["train_pages"], metrics["fold9_pages"]) == (32, 8)
    assert list(scores.columns) == ["record_id", "patient_id", "fold", "code", "probability"]
    afib = scores[scores["code"] == "AFIB"].set_index("record_id")["probability"]
    assert afib.iloc[::2].min() > afib.iloc[1::2].max()
    assert json.loads((output / "config.json").read_text())["codes"] == CODES


def test_pages_of_fold_10_and_unusable_records_do_not_touch_the_model(tmp_path: Path) -> None:
    one, two, work, work_too = places(tmp_path, "a", "b", "wa", "wb")
    frame = toy(tmp_path / "pages", [1] * 10 + [9] * 2 + [10] * 4)
    other = toy(tmp_path / "fewer", [1] * 10 + [9] * 2)
    params = PARAMS.model_copy(update={"epochs": 1})

    train(tmp_path / "pages", frame, CODES, params, one, work)
    train(tmp_path / "fewer", other, CODES, params, two, work_too)

    assert (one / "model.safetensors").read_bytes() == (two / "model.safetensors").read_bytes()
    metrics = train(tmp_path / "pages", frame.iloc[2:], CODES, params, *places(tmp_path, "c", "wc"))
    assert metrics["train_pages"] == 8


def test_a_killed_training_continues_to_the_very_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, resumed, work, work_too = places(tmp_path, "a", "b", "wa", "wb")
    frame = toy(tmp_path / "pages", [1] * 12 + [9] * 2)
    params = PARAMS.model_copy(update={"epochs": 3})
    train(tmp_path / "pages", frame, CODES, params, whole, work)

    def killed(text: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(course, "say", killed)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "pages", frame, CODES, params, resumed, work_too)
    train(tmp_path / "pages", frame, CODES, params, resumed, work_too)

    assert (whole / "model.safetensors").read_bytes() == (resumed / "model.safetensors").read_bytes()


def test_a_shift_moves_the_ink_and_leaves_paper_behind() -> None:
    ink = np.arange(1, 13, dtype=np.uint8).reshape(3, 4)

    np.testing.assert_array_equal(shifted(ink, 0, 0), ink)
    np.testing.assert_array_equal(shifted(ink, 1, 0), np.vstack([np.zeros((1, 4)), ink[:2]]))
    np.testing.assert_array_equal(shifted(ink, 0, -1), np.hstack([ink[:, 1:], np.zeros((3, 1))]))


@pytest.mark.parametrize("folds", [[9, 9], [1, 9], [1, 1, 10]])
def test_empty_folds_are_rejected_with_their_counts(tmp_path: Path, folds: list[int]) -> None:
    frame = toy(tmp_path / "pages", folds)
    with pytest.raises(DataError, match=r"\d pages in folds 1-8, \d in fold 9"):
        train(tmp_path / "pages", frame, CODES, PARAMS, *places(tmp_path, "a", "w"))


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="holds no baseline of this version"):
        score_pages(tmp_path, tmp_path, (10,))
