"""A job's shelf in a bucket: what its launcher and its nodes hand each other where they share no volume.

    EXCHANGE/objects/SHA256                 inputs of any job, named by their content: sent once
    EXCHANGE/jobs/KEY/job.json              what is to be done, and of which objects; put after them
    EXCHANGE/jobs/KEY/files/SHA256          files of this job: its checkpoints and its adapter
    EXCHANGE/jobs/KEY/checkpoints/000001.json, result.json
                                            which files make a whole; put after them
    EXCHANGE/jobs/KEY/curves.jsonl, status.json, fault.json

An object is there whole or not at all, so what a manifest names is there. What a job owns goes when its
adapter is home; whatever nobody has put for 30 days goes with the next job that ends.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from twelvelead.data.digest import file_sha256
from twelvelead.data.store import Store
from twelvelead.errors import SetupError
from twelvelead.progress import say, track
from twelvelead.training.job import CHECKPOINT

RESULT, CHECKPOINTS, FILES = "result.json", "checkpoints/", "files/"
KEPT = timedelta(days=30)  # after its last put, whatever it is
RENEWED = timedelta(days=15)  # an input is put again after so long, for it may be needed for long
CHECKPOINTS_KEPT = 2  # should the newest turn out to be damaged
SHA256, NUMBERED = re.compile(r"[0-9a-f]{64}"), re.compile(r"checkpoints/\d{6}\.json")
Whole = dict[str, dict[str, Any]]  # relative file name: {"sha256": …, "bytes": …}


class Shelf:
    """One job's part of an exchange.

    Args:
        url: `EXCHANGE/jobs/KEY`.
    """

    def __init__(self, url: str) -> None:
        self.exchange, _, self.key = url.rpartition("/jobs/")
        self.own, self.objects = Store(url), Store(f"{self.exchange}/objects")

    def send(self, folder: Path, under: str) -> Whole:
        """Put what is not there yet of a folder's files.

        Args:
            folder: Which.
            under: What its files' names begin with in the job.
        """
        own = _described(folder)
        missing = [name for name, about in own.items() if not self._known(about)]
        size = sum(own[name]["bytes"] for name in missing)
        say(f"lora: {under}: {len(missing)} of {len(own)} files, {size / 1e6:.1f} MB, go to {self.exchange}")
        for name in track(missing, total=len(missing), title="send", unit="files") if missing else ():
            self.objects.put(own[name]["sha256"], folder / name)
        return {f"{under}/{name}": about for name, about in own.items()}

    def _known(self, about: Mapping[str, Any]) -> bool:
        """Whether an input is there, and will be for long."""
        found = self.objects.find(about["sha256"])
        return (
            found is not None
            and found.size_bytes == about["bytes"]
            and datetime.now(UTC) - found.written < RENEWED
        )

    def bring(self, whole: Whole, place: Path, *, inputs: bool = False) -> None:
        """Fetch files to a folder; those that are there already, whole, are not fetched again.

        Args:
            whole: Which.
            place: The folder.
            inputs: They are inputs, which all jobs share.

        Raises:
            SetupError: An object is not there, or is not what its name says, or there is no room here.
        """
        for name, about in whole.items():
            if ".." in Path(name).parts or Path(name).is_absolute() or not SHA256.fullmatch(about["sha256"]):
                raise SetupError("a file would leave the job's folder", where=f"{self.own.url}: {name}")
        missing = [name for name, about in whole.items() if not _is(place / name, about)]
        for name in track(missing, total=len(missing), title="fetch", unit="files") if missing else ():
            try:
                self._fetch(name, whole[name], place, inputs)
            except OSError as fault:
                raise SetupError(
                    f"{name} cannot be kept here: {fault}", where=str(place), fix="give nodes more disk"
                ) from None
        shutil.rmtree(place / ".parts", ignore_errors=True)

    def _fetch(self, name: str, about: Mapping[str, Any], place: Path, inputs: bool) -> None:
        store, sha256 = self.objects if inputs else self.own, about["sha256"]
        key = sha256 if inputs else FILES + sha256
        part, where = place / ".parts" / sha256, f"{store.url}/{key}"
        for folder in (part.parent, (place / name).parent):
            folder.mkdir(parents=True, exist_ok=True)
        for _ in range(2):  # a damage on the way does not come twice
            if not store.fetch(key, part):
                raise SetupError(
                    f"{name} is not in the bucket", where=where, fix="start again: it is put there anew"
                )
            if _is(part, about):
                part.replace(place / name)
                return
        raise SetupError(
            f"{name} is damaged in the bucket",
            where=where,
            expected=f"{about['bytes']} bytes of that SHA-256",
            fix="delete that object and start again: it is put there anew",
        )

    def put_whole(self, manifest: str, files: Mapping[str, Path], **more: Any) -> None:
        """Put files, and when all are there the manifest that names them."""
        whole = {name: _about(file) for name, file in files.items()}
        for name, about in whole.items():
            self.own.put(FILES + about["sha256"], files[name])
        self.own.put(manifest, json.dumps({"files": whole, **more}, sort_keys=True).encode())

    def whole(self, manifest: str) -> dict[str, Any] | None:
        """What a manifest says, or None if it is not there: what it would name may be half put."""
        text = self.own.read(manifest)
        told: dict[str, Any] | None = json.loads(text) if text is not None else None
        return told

    def take_checkpoint(self, place: Path) -> int:
        """Bring the newest whole checkpoint to a folder, or see that there is none in it.

        Returns:
            The number of the newest manifest; 0 if there is none.
        """
        names = self.checkpoints()
        for name in names:
            try:
                self.bring((self.whole(name) or {})["files"], place)
            except (SetupError, KeyError) as fault:
                say(f"lora: {name} is not taken up: {fault}")
                continue
            break
        else:
            (place / CHECKPOINT).unlink(missing_ok=True)
        return max((int(Path(name).stem) for name in names), default=0)

    def put_checkpoint(self, file: Path, number: int) -> None:
        """Put a checkpoint; when it is there, drop those that are no longer needed."""
        self.put_whole(f"{CHECKPOINTS}{number:06d}.json", {CHECKPOINT: file})
        names = self.checkpoints()
        kept = [self.whole(name) or {} for name in [*names[:CHECKPOINTS_KEPT], RESULT]]
        needed = {
            FILES + about["sha256"] for manifest in kept for about in manifest.get("files", {}).values()
        }
        self.own.delete(names[CHECKPOINTS_KEPT:])
        self.own.delete(name for name in self.own.list(FILES) if name not in needed)

    def checkpoints(self) -> list[str]:
        """Names of the manifests, newest first."""
        return sorted(filter(NUMBERED.fullmatch, self.own.list(CHECKPOINTS)), reverse=True)

    def clear(self) -> None:
        """Delete what the job owns, manifests before what they name, and all that is stale there."""
        own = self.own.list()
        self.own.delete(sorted(own, key=lambda name: name.startswith(FILES)))
        old = datetime.now(UTC) - KEPT
        inputs = [name for name, found in self.objects.list().items() if found.written < old]
        self.objects.delete(name for name in inputs if SHA256.fullmatch(name))
        jobs = Store(f"{self.exchange}/jobs")
        written: dict[str, datetime] = {}
        found = jobs.list()
        for name, about in found.items():
            key = name.partition("/")[0]
            written[key] = max(written.get(key, about.written), about.written)
        jobs.delete(name for name in found if written[name.partition("/")[0]] < old)


def _described(folder: Path) -> Whole:
    files: Iterable[Path] = sorted(item for item in folder.rglob("*") if item.is_file())
    return {file.relative_to(folder).as_posix(): _about(file) for file in files}


def _is(file: Path, about: Mapping[str, Any]) -> bool:
    """Whether a file is there, whole."""
    return file.is_file() and file.stat().st_size == about["bytes"] and file_sha256(file) == about["sha256"]


def _about(file: Path) -> dict[str, Any]:
    return {"sha256": file_sha256(file), "bytes": file.stat().st_size}
