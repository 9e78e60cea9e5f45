"""What the how-to says of feedback is what it does to labels, and what the service writes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from twelvelead.serving.feedback import Book

PAGE = "docs/how-to/use-disagreements.md"


def recipe(root: Path) -> str:
    (block,) = re.findall(r"```python\n(.*?)```", (root / PAGE).read_text(encoding="utf-8"), re.DOTALL)
    return block


def reading(number: int, *statements: tuple[str, bool]) -> dict[str, Any]:
    return {
        "id": f"00000000-0000-0000-0000-{number:012d}", "sha256": f"{number:064x}",
        "statements": [{"code": code, "present": present} for code, present in statements], "note": "",
    }  # fmt: skip


def test_what_was_said_last_is_in_the_corrected_table(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    book = Book(tmp_path / "feedback.jsonl")
    for said in (
        reading(1, ("NORM", False)),
        reading(1, ("NORM", False), ("AFIB", True)),
        reading(9, ("LVH", True)),  # of no record of the run
    ):
        book.keep(json.dumps(said).encode(), "a" * 64)
    source, pages = tmp_path / "ptb-xl", tmp_path / "runs/latest/artifacts/pages"
    (source / "records500").mkdir(parents=True)
    (source / "records500/00001_hr.hea").write_text("00001_hr 12 500 5000")
    pages.mkdir(parents=True)
    codes = [str({"NORM": 100.0, "SR": 0.0}), str({"SR": 0.0})]
    pd.DataFrame({"ecg_id": [1, 2], "scp_codes": codes}).to_csv(source / "ptbxl_database.csv", index=False)
    shas = [f"{number:064x}" for number in (1, 2)]
    manifest = pd.DataFrame({"sha256": shas, "record_id": ["00001", "00002"], "fold": [3, 10]})
    manifest.to_parquet(pages / "manifest.parquet")
    exec(compile(recipe(root), PAGE, "exec"), {})
    corrected = pd.read_csv(tmp_path / "corrected/ptbxl_database.csv", index_col="ecg_id")["scp_codes"]
    assert corrected.to_dict() == {1: str({"SR": 0.0, "AFIB": 100.0}), 2: codes[1]}
    assert (tmp_path / "corrected/records500/00001_hr.hea").read_text() == "00001_hr 12 500 5000"
    assert pd.read_csv(source / "ptbxl_database.csv")["scp_codes"].tolist() == codes


def test_the_keys_of_a_line_are_those_of_the_page(root: Path, tmp_path: Path) -> None:
    book = Book(tmp_path / "feedback.jsonl")
    book.keep(json.dumps(reading(1, ("NORM", False))).encode(), "a" * 64)
    told = re.findall(r"^\| `(\w+)` \|", (root / PAGE).read_text(encoding="utf-8"), re.MULTILINE)
    assert list(json.loads((tmp_path / "feedback.jsonl").read_text())) == told
