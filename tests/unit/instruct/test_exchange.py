"""Shards to the formats of others and back: nothing is lost, folds come from the index, folders are whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from twelvelead import cli
from twelvelead.data.index import write_index
from twelvelead.data.shard import read_rows
from twelvelead.errors import DataError, LeakageError, ParamsError
from twelvelead.instruct.export import export
from twelvelead.instruct.intake import import_conversations
from twelvelead.instruct.sample import messages

FOLDS = {"train": range(1, 9), "validation": (9,), "test": (10,)}
PNG = b"\x89PNG\r\n\x1a\n"


def record(number: int) -> dict[str, Any]:
    """Record `number` of PTB-XL: its fold is its last digit, 0 standing for 10."""
    return {
        "record_id": f"{number:05d}",
        "source": "ptb-xl",
        "patient_id": f"p{number}",
        "fold": number % 10 or 10,
        "path": "",
        "statements": [],
    }


def rows_of(page: dict[str, Any]) -> list[dict[str, Any]]:
    asked = [
        ("statement", "closed", "NORM", "Does this ECG show a normal ECG?", ["Yes"]),
        ("ecgqa", "query", "", "Which leads are noisy?", ["lead I; lead II"]),
        ("report", "report", "", "Write a report of this ECG.", ["Sinus rhythm,\n72 bpm. “Normal”."]),
        ("dialogue", "dialogue", "", "What is the rate?", ["72 bpm", "Is that fast?", "No"]),
    ]
    made = []
    for number, (family, form, code, question, said) in enumerate(asked):
        talk = messages(question, said[0])
        for role, text in zip(("user", "assistant"), said[1:], strict=False):
            talk.append({"role": role, "content": [{"type": "text", "text": text}]})
        made.append(
            {
                "sample_id": f"{page['page_id']}-{number:03d}",
                "family": family,
                "format": form,
                "code": code,
                "answer_source": "scp_codes",
                "template": f"{family}.{form}.{number}",
                "seed": 3,
                "messages": talk,
                **{name: page[name] for name in ("page_id", "record_id", "patient_id", "fold")},
            }
        )
    return made


@pytest.fixture
def at(tmp_path: Path) -> Path:
    """Artifacts of 30 records, one of them in quarantine and one without a page."""
    at = tmp_path / "artifacts"
    for name in ("validation", "pages", "instructions"):
        (at / name).mkdir(parents=True)
    records = [record(number) for number in range(1, 31)]
    write_index(records, at / "validation/index.parquet")
    index = pq.read_table(at / "validation/index.parquet")
    status = ["quarantined" if row["record_id"] == "00004" else "ok" for row in records]
    pq.write_table(index.append_column("status", pa.array(status)), at / "validation/index.parquet")
    pages = [
        {
            "page_id": f"{row['record_id']}-0",
            **{name: row[name] for name in ("record_id", "patient_id", "fold")},
        }
        for row in records
        if row["record_id"] not in ("00004", "00005")
    ]
    manifest = [page | {"shard": "pages-00000.parquet"} for page in pages]
    pq.write_table(pa.Table.from_pylist(manifest), at / "pages/manifest.parquet")
    pictures = [page | {"image": {"bytes": PNG + page["page_id"].encode(), "path": ""}} for page in pages]
    pq.write_table(pa.Table.from_pylist(pictures), at / "pages/pages-00000.parquet")
    for split, folds in FOLDS.items():
        rows = [row for page in pages if page["fold"] in folds for row in rows_of(page)]
        pq.write_table(pa.Table.from_pylist(rows), at / f"instructions/{split}-00000.parquet")
    return at


@pytest.fixture
def take(at: Path) -> Callable[..., dict[str, Any]]:
    def take(form: str, source: Path, to: str = "in", **more: Any) -> dict[str, Any]:
        return import_conversations(form, source, at / "validation", at / "pages", at.parent / to, **more)

    return take


def samples(folder: Path, pattern: str = "*-*.parquet") -> dict[str, dict[str, Any]]:
    return {row["sample_id"]: row for row in read_rows(folder, pattern)}


def write_items(path: Path, items: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(items), encoding="utf-8")
    return path


def asks(ecg: list[int], kind: str = "single-verify") -> dict[str, Any]:
    return {
        "template_id": 1, "question_id": 2, "sample_id": 3, "question_type": kind, "attribute": None,
        "attribute_type": "scp_code", "question": "Is it normal?", "answer": ["yes"], "ecg_id": ecg,
    }  # fmt: skip


@pytest.mark.parametrize(("out", "back"), [("llava", "llava"), ("trl-jsonl", "trl"), ("trl-parquet", "trl")])
def test_every_sample_and_its_provenance_come_back(out: str, back: str, at: Path, take: Any) -> None:
    summary = export(out, at / "instructions", at / "pages", at.parent / "out")
    assert summary["samples"] == {"train": 22 * 4, "validation": 12, "test": 12}
    taken = take(back, at.parent / "out")
    assert taken["samples"] == summary["samples"]
    assert taken["dropped"] == {}
    assert samples(at.parent / "in") == samples(at / "instructions")


def test_pictures_stand_beside_the_items_by_fold(at: Path) -> None:
    export("llava", at / "instructions", at / "pages", at.parent / "out", ["test"])
    items = json.loads((at.parent / "out/test.json").read_text(encoding="utf-8"))
    assert {item["image"] for item in items} == {
        f"images/fold-10/{name}-0.png" for name in ("00010", "00020", "00030")
    }
    for item in items:
        assert (at.parent / "out" / item["image"]).read_bytes() == PNG + item["page_id"].encode()
    assert not (at.parent / "out/images/fold-01").exists()


def test_ecgqa_takes_what_it_can_say_and_the_rest_is_counted(at: Path, take: Any) -> None:
    summary = export("ecg-qa", at / "instructions", at / "pages", at.parent / "out")
    assert summary["samples"] == {"train": 44, "validation": 6, "test": 6}
    assert summary["left_out"] == {"has several turns": 28, "is of format 'report'": 28}
    item = json.loads((at.parent / "out/test/0.json").read_text(encoding="utf-8"))[0]
    assert item["answer"] == ["yes"]
    assert item["ecg_id"] == [10]
    take("ecg-qa", at.parent / "out")
    ours = samples(at / "instructions")
    assert samples(at.parent / "in") == {name: ours[name] for name in samples(at.parent / "in")}


def test_the_index_decides_the_fold_and_the_files_own_split_is_only_counted(at: Path, take: Any) -> None:
    source = at.parent / "ecgqa"
    write_items(source / "train/0.json", [asks([1]), asks([10]), asks([20]), asks([20]), asks([9])])
    write_items(source / "test/0.json", [asks([2])])
    summary = take("ecg-qa", source)
    assert summary["samples"] == {"train": 2, "validation": 1, "test": 3}
    assert summary["own_split_records"] == {
        "test": {"train": 1, "validation": 0, "test": 0},
        "train": {"train": 1, "validation": 1, "test": 2},
    }
    for row in samples(at.parent / "in", "test-*.parquet").values():
        assert row["fold"] == 10
        assert row["patient_id"] == f"p{int(row['record_id'])}"
        assert row["page_id"] == f"{row['record_id']}-0"


def test_what_cannot_be_used_is_counted_by_reason(at: Path, take: Any) -> None:
    items = [
        asks([1]), asks([1, 2], "comparison_irrelevant-verify"), asks([4]), asks([5]), asks([999]),
        asks([43402541]),
    ]  # fmt: skip
    summary = take("ecg-qa", write_items(at.parent / "q.json", items))
    assert summary["items"] == 6
    assert summary["samples"] == {"train": 1}
    assert summary["dropped"] == {
        "compares two ECGs": 1,
        "its record has no page": 1,
        "its record is in quarantine": 1,
        "its record is not in the index": 2,
    }
    assert json.loads((at.parent / "in/import.json").read_text(encoding="utf-8")) == [summary]


def foreign(image: str, *more: str) -> dict[str, Any]:
    said = [{"from": "human", "value": "<image>\nRate?"}, {"from": "gpt", "value": "72 bpm"}]
    return {"id": "ptb", "image": image, "conversations": [*said, *(said[1:] if more else [])]}


def test_questions_of_another_source_are_not_asked_of_the_same_number(at: Path, take: Any) -> None:
    images = ("cod15_v4/00001-0.png", "mimic/p1/s00000001/1.png", "x/00001_hr-0.png")
    summary = take("llava", write_items(at.parent / "q.json", list(map(foreign, images))))
    assert summary["samples"] == {"train": 1}
    assert summary["dropped"] == {"it names no record": 1, "its record is not in the index": 1}
    (row,) = samples(at.parent / "in").values()
    assert row["sample_id"] == "llava:ptb#3"
    assert (row["family"], row["format"], row["answer_source"]) == ("imported", "open", "llava")


def test_ptbxl_questions_are_not_asked_of_simulated_records(at: Path, take: Any) -> None:
    index = pq.read_table(at / "validation/index.parquet").to_pylist()
    simulated = [row | {"source": "simulated"} for row in index]
    pq.write_table(pa.Table.from_pylist(simulated), at / "validation/index.parquet")
    source = write_items(at.parent / "q.json", [foreign("x/00001_hr-0.png")])
    with pytest.raises(DataError, match="none of 1 items can be used: 1 × its record is of another source"):
        take("llava", source)
    assert not (at.parent / "in").exists()


def test_a_faulty_item_ends_the_import_unless_it_is_to_be_skipped(at: Path, take: Any) -> None:
    source = write_items(at.parent / "q.json", [foreign("00001_hr.png"), foreign("00001_hr.png", "twice")])
    with pytest.raises(DataError, match=r"q.json item 2 \(id 'ptb'\): turn 3 is by 'gpt'"):
        take("llava", source)
    assert sorted(path.name for path in at.parent.iterdir()) == ["artifacts", "q.json"]
    summary = take("llava", source, skip_faults=True)
    assert summary["dropped"] == {"malformed": 1}
    assert "item 2" in summary["faults"][0]


@pytest.mark.parametrize(("name", "value"), [("fold", 10), ("patient_id", "p2")])
def test_an_export_of_another_index_is_refused(name: str, value: Any, at: Path, take: Any) -> None:
    export("llava", at / "instructions", at / "pages", at.parent / "out", ["train"])
    items = json.loads((at.parent / "out/train.json").read_text(encoding="utf-8"))
    source = write_items(at.parent / "q.json", [items[0] | {name: value}])
    with pytest.raises(LeakageError, match=f"item 1 .*{name} is {value!r}"):
        take("llava", source, skip_faults=True)


def test_imports_can_stand_beside_our_own_questions(at: Path, take: Any) -> None:
    source = write_items(at.parent / "q.json", [asks([1])])
    take("ecg-qa", source, "both", beside=at / "instructions")
    assert len(samples(at.parent / "both")) == 28 * 4 + 1
    source = write_items(at.parent / "l.json", [foreign("1/00002_hr.png")])
    take("llava", source, "three", beside=at.parent / "both")
    forms = json.loads((at.parent / "three/import.json").read_text(encoding="utf-8"))
    assert [entry["form"] for entry in forms] == ["ecg-qa", "llava"]
    lineage = json.loads((at.parent / "three/lineage.json").read_text(encoding="utf-8"))
    assert list(lineage) == ["import ecg-qa q.json", "import llava l.json"]
    assert len(samples(at / "instructions")) == 28 * 4


def test_the_same_file_gives_the_same_bytes(at: Path, take: Any) -> None:
    source = write_items(at.parent / "q.json", [asks([number]) for number in range(1, 31)])
    for to in ("one", "two"):
        take("ecg-qa", source, to)
    for path in (at.parent / "one").iterdir():
        assert path.read_bytes() == (at.parent / "two" / path.name).read_bytes()


def test_a_folder_that_is_there_is_never_replaced(at: Path) -> None:
    with pytest.raises(ParamsError, match="there is something already"):
        export("llava", at / "instructions", at / "pages", at / "pages")


def test_a_page_that_is_missing_is_named_and_nothing_is_left_behind(at: Path) -> None:
    pages = pq.read_table(at / "pages/pages-00000.parquet")
    pq.write_table(pages.slice(1), at / "pages/pages-00000.parquet")
    with pytest.raises(DataError, match="00001-0: 1 pages of the instructions are not in the shards"):
        export("trl-parquet", at / "instructions", at / "pages", at.parent / "out")
    assert [path.name for path in at.parent.iterdir()] == ["artifacts"]


def test_the_commands_move_samples_out_and_in(at: Path) -> None:
    out, back, card = at.parent / "out", at.parent / "in", at.parent / "card.html"
    for command in (
        ["export", "trl-jsonl", out, "--split", "test"],
        ["import", "trl", out, back],
        ["card", "--to", card],
    ):
        done = CliRunner().invoke(cli.app, ["instruct", *map(str, command), "--at", str(at)])
        assert done.exit_code == 0, done.output
    assert len(samples(back)) == 12
    assert card.is_file()


def test_an_option_before_a_command_is_refused_and_not_lost(at: Path) -> None:
    done = CliRunner().invoke(cli.app, ["instruct", "--at", str(at), "card"])
    assert isinstance(done.exception, ParamsError)
    assert "belong behind it" in str(done.exception)
