"""Photographs are scored apart, as they are or with their header painted over."""

import io
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from twelvelead.errors import DataError, SetupError
from twelvelead.stages.photos import photos


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A stand-in for the scorer: AFIB is what is dark in the middle."""
    asked: list[Any] = []

    def score_images(base, adapter, images, codes, threads=0):  # type: ignore[no-untyped-def]
        pages = [np.asarray(Image.open(io.BytesIO(data)).convert("L"), float) for data in images]
        asked.append((base, pages, list(codes)))
        dark = [1 - page[page.shape[0] // 2 :].mean() / 255 for page in pages]
        return np.array([[value if code == "AFIB" else 0.5 for code in codes] for value in dark], np.float32)

    fake = ModuleType("twelvelead.evaluation.score")
    fake.score_images = score_images  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "twelvelead.evaluation.score", fake)
    return asked


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = ["image,patient_id,scp_codes"]
    for number in range(8):
        page = np.full((40, 60), 40 if number % 2 else 220, np.uint8)
        page[:8] = 0
        Image.fromarray(page).save(tmp_path / f"{number}.png")
        codes = {"AFIB": 100.0} if number % 2 else {"NORM": 80.0}
        lines.append(f'{number}.png,p{number // 2},"{codes}"')
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "base.json").write_text('{"base": "some/base"}')
    return tmp_path


def test_every_picture_is_scored_and_a_statement_with_enough_of_both_has_an_auc(
    folder: Path, seen: list[Any]
) -> None:
    found = photos(folder, folder / "adapter")

    assert (found["pictures"], found["patients"], found["statements_scored"]) == (8, 4, 2)
    assert found["statements"]["AFIB"] == {"positives": 4, "auc": 1.0}
    assert found["macro_auc"] == 0.75
    assert seen[0][0] == "some/base"
    few = photos(folder, folder / "adapter", min_positives=5)
    assert (few["macro_auc"], few["statements"]["AFIB"]["auc"]) == (None, None)


def test_the_header_is_painted_over_in_the_papers_colour(folder: Path, seen: list[Any]) -> None:
    photos(folder, folder / "adapter", mask_top=0.2)

    light = seen[0][1][0]
    assert light[:8].min() > 200
    assert light[8:].min() == light[8:].max() == 220


def test_a_scorecard_names_the_statements_and_their_maps(folder: Path, seen: list[Any]) -> None:
    fitted = {"slope": -1.0, "intercept": 0.0}
    card = {"data": {"statements": ["AFIB"]}, "models": {"lora": {"statements": {"AFIB": fitted}}}}
    (folder / "scorecard.json").write_text(json.dumps(card))

    found = photos(folder, folder / "adapter", folder / "scorecard.json")

    assert seen[0][2] == ["AFIB"]
    assert found["statements"]["AFIB"]["auc"] == 0.0, "a negative slope turns the order round"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: (f / "labels.csv").unlink(), "has no labels.csv"),
        (lambda f: (f / "labels.csv").write_text("image,patient_id\n"), "no column 'scp_codes'"),
        (
            lambda f: (f / "labels.csv").write_text("image,patient_id,scp_codes\n0.png,p,NORM\n"),
            "scp_codes is",
        ),
        (lambda f: (f / "3.png").unlink(), "the picture is missing"),
        (lambda f: (f / "3.png").write_bytes(b"x"), "is no picture"),
    ],
)
@pytest.mark.parametrize("mask_top", [0.0, 0.1])
def test_what_is_wrong_is_named(
    folder: Path, seen: list[Any], spoil: Any, said: str, mask_top: float
) -> None:
    spoil(folder)
    with pytest.raises(DataError, match=said):
        photos(folder, folder / "adapter", mask_top=mask_top)


def test_an_adapter_without_its_base_is_named(folder: Path, seen: list[Any]) -> None:
    with pytest.raises(SetupError, match=r"base\.json"):
        photos(folder, folder)


def test_the_command_prints_and_writes_the_figures(folder: Path, seen: list[Any]) -> None:
    from twelvelead.cli import app

    out = folder / "out.json"
    done = CliRunner().invoke(
        app, ["photos", str(folder), "--adapter", str(folder / "adapter"), "--json", str(out)]
    )

    assert done.exit_code == 0
    assert json.loads(out.read_text())["pictures"] == 8
