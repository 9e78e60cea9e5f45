"""The preview marks exactly the tokens that the trainer's loss asks for."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("torch")

from rich.console import Console

from twelvelead.errors import DataError, SetupError
from twelvelead.instruct.sample import messages
from twelvelead.training.preview import load_tokenizer, parts, preview, read_samples, show

ASKED = [
    ("statement", "closed", "Does this ECG show a normal ECG?", "Yes"),
    ("statement", "closed", "Does this ECG show atrial fibrillation?", "No"),
    ("report", "report", "Write a report of this ECG.", "Sinus rhythm, 72 bpm.\nImpression: a normal ECG."),
]


def row(page: int, number: int) -> dict[str, Any]:
    family, form, question, answer = ASKED[number]
    return {
        "sample_id": f"{page}-0-{number}",
        "page_id": f"{page}-0",
        "fold": 1,
        "family": family,
        "format": form,
        "messages": messages(question, answer),
    }


@pytest.fixture
def instructions(tmp_path: Path) -> Path:
    rows = [row(page, number) for page in (1, 2) for number in range(3)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train-00000.parquet")
    return tmp_path


def said(cut: Any, **console: Any) -> str:
    stream = io.StringIO()
    show(cut, Console(file=stream, highlight=False, **console))
    return stream.getvalue()


def test_only_answers_and_their_end_count(root: Path) -> None:
    cut = parts(load_tokenizer(str(root / "models/tiny")), [row(1, number) for number in range(3)])
    assert [part.learnt for part in cut] == ["", *(f"{answer}<|eot_id|>" for *_, answer in ASKED)]
    assert all(part.learnt == part.expected for part in cut)
    assert [token.text for token in cut[1].tokens if token.counts] == ["Yes", "<|eot_id|>"]
    assert cut[0].tokens[-1].text == "<|image|>"
    whole = "".join(token.text for part in cut for token in part.tokens)
    assert all(question in whole and answer in whole for _, _, question, answer in ASKED)


def test_without_colours_what_counts_stands_between_marks(root: Path) -> None:
    cut = parts(load_tokenizer(str(root / "models/tiny")), [row(1, 0)])
    plain = said(cut)
    assert plain.count("«") == plain.count("»") == 2 + 1  # two tokens, and the line that explains
    assert "«Yes»│«<|eot_id|>»" in plain
    assert "│⏎⏎│" in plain
    assert "\x1b" not in plain
    coloured = said(cut, force_terminal=True, color_system="standard", no_color=False)
    assert "«" not in coloured
    assert "\x1b[1;30;102mYes" in coloured


def test_a_loss_that_asks_for_something_else_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = load_tokenizer(str(root / "models/tiny"))
    two = row(1, 0)
    prefix, (question,) = base.dialogue(two["messages"])
    monkeypatch.setattr(type(base), "dialogue", lambda _, __: (prefix, (type(question)(question.prompt),)))
    assert "! the loss asks for '', the answers are 'Yes<|eot_id|>'" in said(parts(base, [two]))


def test_one_sample_of_each_kind_comes_first(instructions: Path) -> None:
    assert [r["sample_id"] for r in read_samples(instructions, "train", 2)] == ["1-0-0", "1-0-2"]
    assert [r["sample_id"] for r in read_samples(instructions, "train", 9)] == ["1-0-0", "1-0-1", "1-0-2"]
    assert [r["sample_id"] for r in read_samples(instructions, "train", 2, "2-0-1")] == ["2-0-1"]


def test_what_is_not_there_is_said(instructions: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no sample '9-0-0'"):
        read_samples(instructions, "train", 1, "9-0-0")
    with pytest.raises(SetupError, match=r"no tokenizer.json"):
        load_tokenizer(str(tmp_path))


def test_the_command_says_whether_all_is_well(
    instructions: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert preview(str(root / "models/tiny"), instructions, "train", 2)
    assert "tokens in one sequence" in capsys.readouterr().out
