"""The folder of a job that other processes do: laid out before they start, read when they have ended."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twelvelead.data.digest import dvc_md5, model_sha256
from twelvelead.errors import DataError, Error, ParamsError, SetupError
from twelvelead.launch.backend import Summary
from twelvelead.params import TrainLora
from twelvelead.training.job import CURVES, FAULT, JOB, SUMMARY, put
from twelvelead.training.tracker import Tracker

FAULTS = {kind.exit_code: kind for kind in (ParamsError, DataError, SetupError)}


def lay(work: Path, places: Mapping[str, Path | str], params: TrainLora) -> Path:
    """Write job.json; a relative place counts from `work`, which the processes may see elsewhere.

    Returns:
        The file.
    """
    put(work / JOB, told(places, params))
    (work / FAULT).unlink(missing_ok=True)
    return work / JOB


def told(places: Mapping[str, Path | str], params: TrainLora, **more: Any) -> str:
    """The text of job.json."""
    text = {name: str(place) for name, place in places.items()}
    return json.dumps({**text, "work": ".", "params": params.model_dump(mode="json"), **more})


def bring(source: Path, place: Path) -> None:
    """Link or copy a folder to `place`, where it appears whole and with the hash it had.

    Raises:
        SetupError: The copy is not what was copied, or there is no room.
    """
    if place.exists():
        return
    aside = place.with_name(f".tmp-{uuid.uuid4().hex}")
    aside.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copytree(source, aside, copy_function=_link_or_copy)
        if (got := dvc_md5(aside)) != (had := dvc_md5(source)):
            raise SetupError(
                "the copy is not what was copied", where=str(place), expected=had, fix=f"not {got}"
            )
        aside.rename(place)
    except OSError as fault:
        if place.exists():  # another launcher of the same job was faster
            return
        raise SetupError(
            f"an input cannot be brought to the job's folder: {fault}",
            where=str(place),
            fix="make room on the work volume, or name another by TWELVELEAD_WORK",
        ) from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _link_or_copy(source: str, place: str) -> None:
    try:
        os.link(source, place)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, place)


def finished(work: Path, output: Path) -> Summary | None:
    """The summary of a job whose output has the hash that its leading process wrote last; else None."""
    file = work / SUMMARY
    if not file.is_file():
        return None
    left = json.loads(file.read_text(encoding="utf-8"))
    if not output.is_dir() or model_sha256(output) != left["sha256"]:
        return None
    summary: Summary = left["summary"]
    return summary


def failure(work: Path, what: str, *, where: str, fix: str, said: str = "") -> Error:
    """The Error of a training that failed: of the kind, and with the sentence, that its process left.

    Args:
        work: The job's folder.
        what: What ended how.
        where: Dotted key or name of what failed.
        fix: What to do, if the process did not say.
        said: Its last lines, told if it left no sentence.
    """
    file = work / FAULT
    if not file.is_file():
        return Error(what + (f"; it said last:\n{said}" if said else ""), where=where, fix=fix)
    left = json.loads(file.read_text(encoding="utf-8"))
    return FAULTS.get(left["exit_code"], Error)(f"{what}: {left['message']}", where=where)


class Curves:
    """Hands a tracker what the processes add to their curves, as it comes.

    Args:
        work: The job's folder; points that are there already were told by whoever started the job before.
        tracker: Takes the figures.
    """

    def __init__(self, work: Path, tracker: Tracker | None) -> None:
        self.file, self.tracker = work / CURVES, tracker
        self.at = self.file.stat().st_size if self.file.is_file() else 0

    def tell(self) -> None:
        """Tell what is new."""
        if self.tracker is None or not self.file.is_file():
            return
        with self.file.open("rb") as stream:
            stream.seek(self.at)
            whole = stream.read().rpartition(b"\n")[0]  # a line may be half written
        self.at += len(whole) + bool(whole)
        for line in whole.splitlines():
            with contextlib.suppress(ValueError):  # a node that died may have left half a line
                point = json.loads(line)
                step = point.pop("step")
                self.tracker.log(point, step=step)
