"""Questions of others, asked of our pages: each goes to the fold of its record, whatever its own split was.

ECG-QA's published training split holds 1,581 of the 2,198 fold-10 records of PTB-XL (72 %), and ECGInstruct
contains it. So a file's split counts for nothing here; it is only counted.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from twelvelead.errors import DataError, LeakageError, ParamsError
from twelvelead.instruct import chat, ecgqa_json, llava
from twelvelead.instruct.conversation import Conversation
from twelvelead.instruct.json_items import Item, read_items
from twelvelead.instruct.shards import schema
from twelvelead.instruct.whole import new_folder
from twelvelead.progress import say

SPLIT_OF_FOLD = dict.fromkeys(range(1, 9), "train") | {9: "validation", 10: "test"}
SUMMARY = "import.json"
SHARD_MB = 32
ROW_BYTES = 2500  # about what a row of dicts takes in memory
SHOWN_FAULTS = 5
ITEMS_PER_LINE = 100_000
_SPLIT_WORDS = {"train": "train", "valid": "valid", "validation": "valid", "val": "valid", "dev": "valid"}
_SPLIT_WORDS |= {"test": "test"}
Read = Callable[[Path], Iterator[tuple[str, Item]]]
Parse = Callable[[Mapping[str, Any], str], Conversation]
FORMS: dict[str, tuple[Read, Parse]] = {
    "llava": (read_items, llava.parse),
    "ecg-qa": (read_items, ecgqa_json.parse),
    "trl": (chat.read, chat.parse),
}


@dataclass(frozen=True, slots=True)
class _Record:
    patient_id: str
    fold: int
    source: str
    usable: bool
    pages: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Tally:
    """What came, what stayed, and why the rest did not."""

    source: str
    items: int = 0
    kept: Counter[str] = field(default_factory=Counter)
    families: Counter[tuple[str, str]] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    own_split: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    def drop(self, reason: str) -> None:
        self.dropped[reason] += 1

    def note_own_split(self, where: str, record_id: str, fold: int) -> None:
        """Which records the file's own split put where: the leak it would have been."""
        parts = PurePosixPath(self.source, re.split(" (?:item|row) ", where)[0]).with_suffix("").parts
        words = [part.partition("-")[0] for part in parts]
        own = next((_SPLIT_WORDS[word] for word in reversed(words) if word in _SPLIT_WORDS), "")
        folds = self.own_split.setdefault(own or "unnamed", {})
        folds.setdefault(SPLIT_OF_FOLD[fold], set()).add(record_id)


def import_conversations(
    form: str,
    source: Path,
    validation: Path,
    pages: Path,
    to: Path,
    *,
    skip_faults: bool = False,
    beside: Path | None = None,
) -> dict[str, Any]:
    """Read a file or folder of conversations and write instruction shards to a new folder, streaming.

    Args:
        form: One of FORMS.
        source: The file, or a folder of files.
        validation: The validation artifact, whose index gives patients and folds.
        pages: The pages artifact; a question is asked of a page of its record.
        to: The folder to make.
        skip_faults: Count malformed items instead of ending at the first.
        beside: Instructions to take along, so that `to` holds both.

    Returns:
        Items read, samples by split, dropped items by reason, and how many records the file's own splits
        have of each of ours. Also in import.json.

    Raises:
        ParamsError: There is no such form, or `to` exists.
        SetupError: The source, the index or the manifest is missing.
        DataError: An item is malformed (unless skipped), or nothing is left.
        LeakageError: An item that Twelvelead exported says another fold or patient than the index.
    """
    from twelvelead.data.digest import dvc_md5
    from twelvelead.data.shard import ShardWriter

    if form not in FORMS:
        raise ParamsError(f"there is no form {form!r}", expected=", ".join(FORMS))
    read, parse = FORMS[form]
    records = _records(validation, pages)
    tally = _Tally(source.name)
    with new_folder(to) as folder:
        writers = {
            split: ShardWriter(folder, f"{split}-{form}", schema(), SHARD_MB, rows_per_group=4096)
            for split in ("train", "validation", "test")
        }
        for where, item in read(source):
            tally.items += 1
            if tally.items % ITEMS_PER_LINE == 0:
                say(f"import: {tally.items} items read, {tally.kept.total()} kept")
            try:
                row = _row(parse(item, where), where, form, records, tally)
            except LeakageError:
                raise
            except DataError as fault:
                if fault.what == ecgqa_json.TWO_ECGS:
                    tally.drop(fault.what)
                elif skip_faults:
                    tally.drop("malformed")
                    tally.faults += [str(fault)][: SHOWN_FAULTS - len(tally.faults)]
                else:
                    raise
            else:
                if row is not None:
                    split = SPLIT_OF_FOLD[row["fold"]]
                    tally.kept[split] += 1
                    tally.families[split, row["family"]] += 1
                    writers[split].add(row, ROW_BYTES)
        if not tally.kept:
            raise DataError(f"none of {tally.items} items can be used: {_reasons(tally)}", where=str(source))
        for split, writer in writers.items():
            if tally.kept[split]:
                writer.close()
        summary = _summary(form, tally)
        _finish(folder, summary, {"source": dvc_md5(source), "pages": dvc_md5(pages)}, beside)
    return summary


def _records(validation: Path, pages: Path) -> dict[str, _Record]:
    from twelvelead.data.index import read_index
    from twelvelead.data.shard import read_rows

    index = read_index(validation)
    names = ("record_id", "patient_id", "fold", "source", "status")
    found = {
        record_id: _Record(patient_id, int(fold), source, status == "ok")
        for record_id, patient_id, fold, source, status in zip(*(index[name] for name in names), strict=True)
    }
    for row in read_rows(pages, "manifest.parquet", columns=["page_id", "record_id"]):
        if row["record_id"] in found:
            found[row["record_id"]].pages.append(row["page_id"])
    return found


def _row(
    conversation: Conversation, where: str, form: str, records: Mapping[str, _Record], tally: _Tally
) -> dict[str, Any] | None:
    """The shard row of a conversation, or None after saying why there is none."""
    own = "page_id" in conversation.about
    known = [named for named in conversation.records if named.record_id in records]
    fitting = [n for n in known if n.source in ("", records[n.record_id].source)]
    if not fitting:
        reason = "its record is of another source" if known else "its record is not in the index"
        tally.drop(reason if conversation.records else "it names no record")
        return None
    record_id = fitting[0].record_id
    record = records[record_id]
    if own:
        _check(conversation, record, where)
    tally.note_own_split(where, record_id, record.fold)
    if not record.usable or not record.pages:
        tally.drop("its record has no page" if record.usable else "its record is in quarantine")
        return None
    page_id = str(conversation.about.get("page_id", ""))
    if page_id not in record.pages:
        page_id = record.pages[zlib.crc32(conversation.id.encode()) % len(record.pages)]
    about = {
        "family": "imported",
        "format": "dialogue" if len(conversation.turns) > 1 else "open",
        "code": "",
        "answer_source": form,
        "template": "",
        "seed": 0,
    } | dict(conversation.about)
    # ECGInstruct gives all questions of a record one id; the item's number makes it one of a kind.
    sample_id = conversation.id if own else f"{form}:{conversation.id}#{tally.items}"
    return about | {
        "sample_id": sample_id,
        "page_id": page_id,
        "record_id": record_id,
        "patient_id": record.patient_id,
        "fold": record.fold,
        "messages": conversation.messages(),
    }


def _check(conversation: Conversation, record: _Record, where: str) -> None:
    for name, truth in (("fold", record.fold), ("patient_id", record.patient_id)):
        said = conversation.about.get(name, truth)
        if said != truth:
            raise LeakageError(
                f"{name} is {said!r}, the index says {truth!r}",
                where=where,
                fix="give the validation that this export was made from",
            )


def _summary(form: str, tally: _Tally) -> dict[str, Any]:
    return {
        "form": form,
        "source": tally.source,
        "items": tally.items,
        "samples": dict(tally.kept),
        "dropped": dict(sorted(tally.dropped.items())),
        "faults": tally.faults,
        "own_split_records": {
            own: {split: len(folds.get(split, ())) for split in ("train", "validation", "test")}
            for own, folds in sorted(tally.own_split.items())
        },
        "families": {
            split: {name: count for (at, name), count in sorted(tally.families.items()) if at == split}
            for split in tally.kept
        },
    }


def _finish(folder: Path, summary: Mapping[str, Any], inputs: Mapping[str, str], beside: Path | None) -> None:
    """Write what the folder is made of, and take the other instructions along."""
    lineage: dict[str, Any] = {}
    if beside is not None:
        for path in sorted(beside.iterdir()):
            _put(path, folder / path.name)
        if (beside / "lineage.json").is_file():
            lineage = json.loads((beside / "lineage.json").read_text(encoding="utf-8"))
            (folder / "lineage.json").unlink()
    lineage[f"import {summary['form']} {summary['source']}"] = {
        "params": {"form": summary["form"], "items": summary["items"]},
        "inputs": dict(inputs),
    }
    taken = json.loads(text) if (text := _text(folder / SUMMARY)) else []
    (folder / SUMMARY).unlink(missing_ok=True)
    for name, value in (("lineage.json", lineage), (SUMMARY, [*taken, summary])):
        text = json.dumps(value, indent=1, sort_keys=name == "lineage.json")
        (folder / name).write_text(text + "\n", encoding="utf-8")


def _put(path: Path, to: Path) -> None:
    """Link a shard, or copy it to another file system; a small file is copied, for it may be rewritten."""
    if to.exists():
        raise ParamsError(
            f"{path.name} would be there twice", where=str(path), fix="import into a folder of its own"
        )
    if path.suffix == ".parquet":
        try:
            os.link(path, to)
            return
        except OSError:
            pass
    shutil.copyfile(path, to)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _reasons(tally: _Tally) -> str:
    return (
        ", ".join(f"{count} × {reason}" for reason, count in tally.dropped.most_common()) or "there is none"
    )
