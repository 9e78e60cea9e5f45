"""Pages, photographs and records of anybody, read: the command `interpret`."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twelvelead.errors import DataError, Error, ParamsError
from twelvelead.progress import say, track
from twelvelead.stages.items import Item, found_items, printable
from twelvelead.stages.sheet import write_whole

if TYPE_CHECKING:
    from twelvelead.serving.chamber import Chamber
    from twelvelead.serving.reader import Reader
    from twelvelead.serving.refusal import Refusal
    from twelvelead.serving.sheet import Sheet, Upload

REJECTED = "rejected.csv"
COLUMNS = ("file", "page", "code", "what", "expected", "fix")


def interpret(
    files: Sequence[Path], model: str = "", *, as_json: bool = False, to: Path | None = None, page: int = 0,
    threads: int = 0,
) -> int:  # fmt: skip
    """Read everything that is named and tell what it says.

    Args:
        files: Files and folders.
        model: See `readers.find_reader`.
        as_json: Print one line of JSON a page instead of text.
        to: Folder for one JSON file a page, and rejected.csv; what is there already and still holds is kept.
        page: The one page of TIFFs and PDFs that is wanted; 0 for all.
        threads: Torch threads; 0 for all cores.

    Returns:
        How many were refused.

    Raises:
        ParamsError: A path does not exist, or there is nothing to read.
        SetupError: There is no model.
    """
    from twelvelead.serving.chamber import Chamber
    from twelvelead.serving.limits import Limits
    from twelvelead.serving.reader import load_reader
    from twelvelead.stages.readers import find_reader

    items = list(found_items(files))
    if not items:
        raise ParamsError("there is nothing to read", where=", ".join(map(str, files)), expected="files")
    identity = find_reader(model)
    reader = load_reader(identity, threads=threads)
    chamber = Chamber(Limits())
    refused: list[tuple[str, Refusal]] = []
    kept = done = 0
    waiting: list[tuple[str, Sheet]] = []
    shown = track(items, total=len(items), title="interpret", unit="files") if len(items) > 1 else iter(items)
    try:
        for item in shown:
            if to is not None and _holds(item, to, identity.adapter_sha256):
                kept += 1
                continue
            for one in _opened(item, chamber, reader, page, refused):
                waiting.append((item.name, one))
                if len(waiting) == 16:
                    done += _read(waiting, reader, refused, as_json=as_json, to=to)
                    waiting = []
        done += _read(waiting, reader, refused, as_json=as_json, to=to)
    finally:
        chamber.close()
    for name, fault in refused:
        say(printable(f"refused: {name}: {fault}"))
    if to is not None:
        write_whole(to / REJECTED, _rejected_csv(refused))
    if len(items) > 1:
        say(f"interpret: {done} read, {kept} read before, {len(refused)} refused")
    return len(refused)


def told(answer: dict[str, Any], name: str) -> str:
    """An answer for people: the report, what was called, and who says so."""
    model = answer["model"]
    version = f" version {model['version']}" if model["version"] else ""
    lines = [
        f"{name} · {answer['input']['kind']}, page {answer['input']['page']}",
        *(f"  warning: {text}" for text in answer["warnings"]),
        *(f"  {line}" for line in answer["report"].splitlines()),
        "",
        f"  {'statement':44} probability  threshold",
    ]
    cnn = {row["code"]: row for row in (answer["cnn"] or {"statements": []})["statements"]}
    near = [row for row in answer["statements"] if row["threshold"] is not None]
    called = [row for row in near if row["positive"]]
    for row in called + [row for row in near if not row["positive"]][:5]:
        mark = "●" if row["positive"] else " "
        beside = f"   cnn {cnn[row['code']]['probability']:.3f}" if row["code"] in cnn else ""
        lines.append(
            f"{mark} {row['name'][:44]:44} {row['probability']:11.3f} {row['threshold']:10.3f}{beside}"
        )
    quiet = len(answer["statements"]) - len(called)
    lines += [f"  {quiet} statements not called; the five nearest are shown", ""]
    lines.append(
        f"  {model['name']}{version} ({model['source']}), gate: {model['decision']}"
        + (f" by '{model['policy']['name']}'" if model["policy"]["name"] else "")
    )
    lines += [f"    refused because {reason}" for reason in model["reasons"]]
    lines.append(f"  {answer['notice']}")
    return "\n".join(lines)


def _opened(
    item: Item,
    chamber: Chamber,
    reader: Reader,
    page: int,
    refused: list[tuple[str, Refusal]],
) -> Iterator[Sheet]:
    from twelvelead.serving.refusal import Refusal

    try:
        found = chamber.open(_uploads(item, chamber), reader.identity.page, only=page)
    except DataError as fault:
        refused.append((item.name, Refusal.of(fault)))
        return
    for one in found:
        if isinstance(one, Refusal):
            refused.append((item.name, one))
        else:
            yield one


def _uploads(item: Item, chamber: Chamber) -> list[Upload]:
    from twelvelead.serving.refusal import Refusal
    from twelvelead.serving.sheet import Upload

    found, room = [], chamber.limits.upload_bytes
    for path in item.paths:
        try:
            with path.open("rb") as stream:
                data = stream.read(room + 1)
        except OSError as fault:
            raise Refusal("unreadable", f"cannot be read: {fault.strerror}") from None
        room -= len(data)
        if room < 0:
            most = chamber.limits.upload_bytes >> 20
            raise Refusal("too_large", "the file is too large", expected=f"{most} MiB at most")
        found.append(Upload(path.name, data))
    return found


def _read(
    waiting: list[tuple[str, Sheet]], reader: Reader, refused: list[tuple[str, Refusal]], *, as_json: bool,
    to: Path | None,
) -> int:  # fmt: skip
    """Read sheets together, one by one where that fails, and tell; how many were read."""
    from twelvelead.serving.refusal import Refusal

    try:
        found = list(reader.read([sheet.picture for _, sheet in waiting])) if waiting else []
    except Exception as fault:  # one picture must not take fifteen others with it
        if len(waiting) > 1:
            return sum(_read([one], reader, refused, as_json=as_json, to=to) for one in waiting)
        what = f"the model fails at it: {type(fault).__name__}: {fault}"
        refused.append((waiting[0][0], Refusal("internal", what)))
        return 0
    done = 0
    for (name, sheet), row in zip(waiting, found, strict=True):
        try:
            _tell(name, sheet, row, reader, as_json=as_json, to=to)
            done += 1
        except Error as fault:
            refused.append((name, Refusal.of(fault)))
        except OSError as fault:
            what = f"the answer cannot be written: {fault.strerror}"
            refused.append((name, Refusal("internal", what, where=str(to or ""))))
    return done


def _tell(
    name: str, sheet: Sheet, found: Any, reader: Reader, *, as_json: bool, to: Path | None
) -> None:  # fmt: skip
    import sys

    from twelvelead.serving.interpretation import interpretation

    cnn = None if sheet.signal_mv is None else reader.read_signal(sheet.signal_mv, sheet.fs_hz)
    answer = interpretation(reader.identity, sheet, found, cnn)
    if to is not None:
        text = json.dumps({"file": name, **answer}, indent=1, ensure_ascii=False) + "\n"
        write_whole(answer_file(to, name, sheet.page, sheet.pages), text.encode("utf-8"))
    if as_json:
        sys.stdout.write(json.dumps({"file": name, **answer}, ensure_ascii=False) + "\n")
    elif to is None:
        sys.stdout.write(printable(told(answer, name)) + "\n\n")
    sys.stdout.flush()


def answer_file(to: Path, name: str, page: int, pages: int) -> Path:
    """Where the answer about one page of a file goes."""
    suffix = f".page{page}.json" if pages > 1 else ".json"
    return to / f"{name}{suffix}"


def _holds(item: Item, to: Path, adapter_sha256: str) -> bool:
    """Whether this very file was read before by this very adapter; files of several pages are read again."""
    file = answer_file(to, item.name, 1, 1)
    if not file.is_file():
        return False
    try:
        before = json.loads(file.read_text(encoding="utf-8"))
        same = before["model"]["adapter_sha256"] == adapter_sha256
        return bool(same and before["input"]["sha256"] == _sha256(item))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _sha256(item: Item) -> str:
    whole = hashlib.sha256()
    for path in item.paths:
        whole.update(path.read_bytes())
    return whole.hexdigest()


def _rejected_csv(refused: Sequence[tuple[str, Refusal]]) -> bytes:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name, fault in refused:
        writer.writerow((name, fault.where, fault.code, fault.what, fault.expected, fault.fix))
    return stream.getvalue().encode("utf-8")
