"""Instruction shards in the formats of others: LLaVA/ECGInstruct JSON, ECG-QA JSON, TRL messages."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from twelvelead.errors import DataError, ParamsError
from twelvelead.instruct import chat, ecgqa_json, llava
from twelvelead.instruct.conversation import Conversation
from twelvelead.instruct.json_items import NO_ITEMS, array_writer, line
from twelvelead.instruct.whole import new_folder
from twelvelead.progress import track

SPLITS = ("train", "validation", "test")
Add = Callable[[Conversation], None]


def export(
    form: str, instructions: Path, pages: Path, to: Path, splits: Collection[str] = SPLITS
) -> dict[str, Any]:
    """Write the samples of some splits to a new folder, streaming.

    llava: `<split>.json` and `images/fold-NN/<page>.png`. ecg-qa: `train|valid|test/<number>.json`, no
    pictures. trl-jsonl: `<split>.jsonl` and the pictures. trl-parquet: `<split>-NNNNN.parquet`, with
    the pictures inside.

    Args:
        form: One of FORMS.
        instructions: The instructions artifact.
        pages: The pages artifact.
        to: The folder to make.
        splits: Which of "train", "validation" and "test".

    Returns:
        Samples by split; what could not be written, by reason; pictures. Also in export.json.

    Raises:
        ParamsError: There is no such form or split, or `to` exists.
        SetupError: Shards are missing.
        DataError: A page is missing, or a sample is no conversation about one picture.
    """
    writer = FORMS.get(form)
    if writer is None:
        raise ParamsError(f"there is no form {form!r}", expected=", ".join(FORMS))
    if unknown := [split for split in splits if split not in SPLITS]:
        raise ParamsError(f"there is no split {unknown[0]!r}", expected=", ".join(SPLITS))
    with new_folder(to) as folder, _Pictures(folder, files=form != "trl-parquet") as pictures:
        if form != "ecg-qa":
            _collect(pictures, instructions, pages, splits)
        samples: dict[str, int] = {}
        left_out: Counter[str] = Counter()
        for split in splits:
            samples[split] = 0
            with writer(folder, split, pictures) as add:
                for row in _rows(instructions, split, f"export {split}"):
                    try:
                        add(Conversation.from_row(row, pictures.path(row)))
                    except ecgqa_json.CannotExpress as fault:
                        left_out[fault.what] += 1
                    else:
                        samples[split] += 1
        summary = {
            "form": form,
            "samples": samples,
            "left_out": dict(sorted(left_out.items())),
            "pictures": len(pictures.places),
        }
        (folder / NO_ITEMS).write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    return summary


class _Pictures:
    """Pictures of the pages that are asked about: files in the export, or one spool file to read from."""

    def __init__(self, folder: Path, *, files: bool) -> None:
        self.folder, self.files = folder, files
        self.places: dict[str, tuple[str, int, int]] = {}  # page → path, start and length in the spool
        self._spool = None if files else tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 closed by __exit__

    def add(self, page: Mapping[str, Any]) -> None:
        name, data = str(page["page_id"]), page["image"]["bytes"]
        if Path(name).name != name:
            raise DataError("the page's id is no file name", where=name)
        suffix = "png" if data.startswith(b"\x89PNG") else "jpg"
        path = f"images/fold-{page['fold']:02d}/{name}.{suffix}"
        start = 0
        if self._spool is None:
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_bytes(data)
        else:
            start = self._spool.tell()
            self._spool.write(data)
        self.places[name] = (path, start, len(data))

    def path(self, row: Mapping[str, Any]) -> str:
        """The picture of a sample, relative to the export; "" where the form has none."""
        return self.places[row["page_id"]][0] if self.places else ""

    def data(self, conversation: Conversation) -> bytes:
        """The encoded picture of a conversation."""
        if self._spool is None:
            raise ValueError("pictures were written as files")
        _, start, length = self.places[str(conversation.about["page_id"])]
        self._spool.seek(start)
        return self._spool.read(length)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._spool is not None:
            self._spool.close()


def _collect(pictures: _Pictures, instructions: Path, pages: Path, splits: Collection[str]) -> None:
    """Take the picture of every page that is asked about, in one pass over the pages."""
    from twelvelead.data.shard import read_pages, read_rows

    wanted: set[str] = set()
    for split in splits:
        rows = read_rows(instructions, f"{split}-*.parquet", columns=["page_id"])
        wanted.update(row["page_id"] for row in rows)
    for page in read_pages(pages, columns=["page_id", "fold", "image"]):
        if page["page_id"] in wanted:
            pictures.add(page)
    if missing := wanted - pictures.places.keys():
        raise DataError(
            f"{len(missing)} pages of the instructions are not in the shards",
            where=min(missing),
            fix="give the pages that these instructions were made from",
        )


def _rows(instructions: Path, split: str, title: str) -> Iterator[dict[str, Any]]:
    import pyarrow.parquet as pq

    from twelvelead.data.shard import read_rows

    shards = sorted(instructions.glob(f"{split}-*.parquet"))
    total = sum(pq.read_metadata(path).num_rows for path in shards)
    return track(read_rows(instructions, f"{split}-*.parquet"), total=total, title=title, unit="samples")


@contextmanager
def _llava(folder: Path, split: str, _: _Pictures) -> Iterator[Add]:
    with array_writer(folder / f"{split}.json") as write:
        yield lambda conversation: write(llava.to_item(conversation))


@contextmanager
def _ecgqa(folder: Path, split: str, _: _Pictures) -> Iterator[Add]:
    (at := folder / ecgqa_json.SPLITS[split]).mkdir()
    with ExitStack() as open_file:
        number, write = 0, open_file.enter_context(array_writer(at / "0.json"))

        def add(conversation: Conversation) -> None:
            nonlocal number, write
            item = ecgqa_json.to_item(conversation, number)
            if number and number % ecgqa_json.ITEMS_PER_FILE == 0:
                open_file.close()
                write = open_file.enter_context(array_writer(at / f"{number}.json"))
            write(item)
            number += 1

        yield add


@contextmanager
def _trl_jsonl(folder: Path, split: str, _: _Pictures) -> Iterator[Add]:
    with (folder / f"{split}.jsonl").open("w", encoding="utf-8", newline="\n") as stream:

        def add(conversation: Conversation) -> None:
            stream.write(line(chat.to_item(conversation)) + "\n")

        yield add


@contextmanager
def _trl_parquet(folder: Path, split: str, pictures: _Pictures) -> Iterator[Add]:
    rows = chat.ParquetRows(folder, split)
    yield lambda conversation: rows.add(conversation, pictures.data(conversation))
    rows.close()


FORMS = {"llava": _llava, "ecg-qa": _ecgqa, "trl-jsonl": _trl_jsonl, "trl-parquet": _trl_parquet}
