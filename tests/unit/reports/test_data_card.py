"""The data card counts what is in the shards and shows it in one file that needs nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from twelvelead.errors import SetupError
from twelvelead.reports import artifacts, data_card
from twelvelead.reports.tally import Tally


def sample(
    family: str, form: str, fold: int, *said: str, code: str = "", patient: str = "", page: str = "1-0"
) -> dict[str, Any]:
    talk = [
        {"role": "assistant" if number % 2 else "user", "content": [{"type": "text", "text": text}]}
        for number, text in enumerate(said)
    ]
    return {
        "page_id": page,
        "record_id": page.partition("-")[0],
        "patient_id": patient or f"p{fold}",
        "fold": fold,
        "family": family,
        "format": form,
        "code": code,
        "answer_source": "scp_codes",
        "template": f"{family}.{form}" if family != "statement" else "",
        "messages": talk,
    }


SAMPLES = [
    sample("statement", "closed", 1, "NORM?", "Yes", code="NORM"),
    sample("statement", "closed", 10, "NORM?", "No", code="NORM"),
    sample("morphology", "closed", 1, "Normal?", "Yes, it is.", code="NORM"),
    sample("ecgqa", "verify", 9, "Normal?", "No", code="NORM"),
    sample("ecgqa", "verify", 9, "Normal?", "Not sure", code="NORM"),
    sample("morphology", "closed", 2, "Axis above 30°?", "Yes"),
    sample("dialogue", "dialogue", 10, "Rate <b>?", "72 bpm", "Fast?", "No"),
]


@pytest.fixture
def instructions(tmp_path: Path) -> Path:
    write(tmp_path / "instructions", SAMPLES)
    return tmp_path / "instructions"


def write(folder: Path, rows: list[dict[str, Any]]) -> None:
    folder.mkdir()
    for split, folds in data_card.SPLITS.items():
        if own := [row for row in rows if row["fold"] in folds]:
            pq.write_table(pa.Table.from_pylist(own), folder / f"{split}-00000.parquet", row_group_size=2)


def content(instructions: Path) -> dict[str, Any]:
    return data_card.content(dict.fromkeys(("validation", "pages", "instructions"), instructions), 0)


def test_counts_are_those_of_the_shards(instructions: Path) -> None:
    shown = content(instructions)
    assert shown["samples"] == 7
    assert shown["splits"] == {"train": 3, "validation": 2, "test": 2}
    assert {row["name"]: row["count"] for row in shown["families"]} == {
        "statement": 2, "morphology": 2, "ecgqa": 2, "dialogue": 1
    }  # fmt: skip
    assert next(row["folds"] for row in shown["families"] if row["name"] == "ecgqa") == [0] * 8 + [2, 0]
    formats = {row["name"]: row["count"] for row in shown["formats"]}
    assert formats == {"closed": 4, "verify": 2, "dialogue": 1}
    assert (shown["patients"], shown["leaks"], shown["templates"]) == (4, 0, 3)


def test_yes_and_no_are_counted_by_statement_fixed_slots_apart(instructions: Path) -> None:
    shown = content(instructions)
    (row,) = shown["statements"]
    assert (row["code"], row["slots"], row["free"], row["share"]) == ("NORM", (1, 1), (1, 1), 0.5)
    assert row["splits"] == {"train": (2, 0), "validation": (0, 1), "test": (0, 1)}
    assert row["folds"] == [(2, 0)] + [(0, 0)] * 7 + [(0, 1), (0, 1)]


def test_a_patient_in_two_splits_is_said_and_one_in_two_training_folds_is_none(tmp_path: Path) -> None:
    two = [sample("report", "report", fold, "?", "!", patient="same") for fold in (1, 2)]
    write(tmp_path / "a", two)
    assert Tally.of(tmp_path / "a").patients_in_two_splits() == 0
    write(tmp_path / "b", [*two, sample("report", "report", 10, "?", "!", patient="same")])
    assert Tally.of(tmp_path / "b").patients_in_two_splits() == 1
    html = data_card.render({"validation": tmp_path, "pages": tmp_path, "instructions": tmp_path / "b"})
    assert "1 patients are in more than one of training, validation and test" in html


@pytest.fixture
def asked(inputs: dict[str, Path], tmp_path: Path) -> dict[str, Path]:
    """A run whose fold-10 pages are asked slots, and a dialogue that looks like markup."""
    rows = []
    for record in artifacts.judged_records(inputs["validation"]):
        page = f"{record}-0"
        rows += [
            sample("statement", "closed", 10, f"Does this show {code}?", answer, code=code, page=page)
            for code, answer in (("NORM", "No"), ("AFIB", "Yes"))
        ]
        rows.append(sample("dialogue", "dialogue", 10, "Rate <b>?", "72 bpm", "Fast?", "No", page=page))
    write(tmp_path / "asked", rows)
    return inputs | {"instructions": tmp_path / "asked"}


def test_the_card_needs_nothing_beside_it(asked: dict[str, Path], tmp_path: Path) -> None:
    data_card.write(asked, tmp_path / "card.html")
    html = (tmp_path / "card.html").read_text(encoding="utf-8")
    assert "Not a medical device" in html
    assert html.count('src="data:image/png;base64,') == 4
    assert not re.findall(r'(?:src|href)="(?!data:)', html)
    assert "<script" not in html
    assert "@import" not in html
    assert [path.name for path in tmp_path.glob("*.html")] == ["card.html"]


def test_a_page_shows_one_question_of_each_kind_and_rather_a_yes(asked: dict[str, Path]) -> None:
    (shown,) = data_card.content(asked, 1)["examples"]
    assert [item["turns"] for item in shown["questions"]] == [
        [("Does this show AFIB?", "Yes")],
        [("Rate <b>?", "72 bpm"), ("Fast?", "No")],
    ]


def test_words_of_the_data_are_not_taken_for_markup(asked: dict[str, Path]) -> None:
    html = data_card.render(asked, sample_pages=1)
    assert "Rate &lt;b&gt;?" in html
    assert "<b>?" not in html


def test_imports_and_their_licences_are_shown(instructions: Path) -> None:
    entry = {
        "form": "ecg-qa",
        "source": "paraphrased",
        "items": 12,
        "samples": {"train": 3, "test": 2},
        "dropped": {"compares two ECGs": 7},
        "own_split_records": {"train": {"train": 8394, "validation": 1591, "test": 1581}},
    }
    (instructions / "import.json").write_text(json.dumps([entry]), encoding="utf-8")
    html = data_card.render({"validation": instructions, "pages": instructions, "instructions": instructions})
    assert "ECG-QA" in html
    assert "CC BY 4.0" in html
    assert "compares two ECGs" in html
    assert "1,581" in html


def test_no_shards_is_said(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no instruction shards"):
        data_card.render({"validation": tmp_path, "pages": tmp_path, "instructions": tmp_path})
