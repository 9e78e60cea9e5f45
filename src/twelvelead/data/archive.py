"""Where a source's files are: a folder on disk, or a bucket of which only what is asked for becomes one.

Both are read in the same two steps: `has` says what is there, `fetch` makes files appear under `root`.
Nothing reaches outside: `inside` refuses names and links that lead out of the root.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Protocol

from twelvelead.data.storage import Bucket
from twelvelead.errors import RecordError, SetupError


class Archive(Protocol):
    """A source's files by relative name, with forward slashes."""

    @property
    def name(self) -> str:
        """How to call it in messages."""

    @property
    def root(self) -> Path:
        """The folder under which fetched files lie."""

    @property
    def passing(self) -> bool:
        """Whether the files are a copy of ours, to be linked rather than copied once more."""

    def names(self) -> list[str]:
        """All files, sorted, hidden ones left out."""

    def has(self, name: str) -> bool:
        """Whether there is such a file."""

    def fetch(self, names: Iterable[str], sums: Mapping[str, str] | None = None) -> None:
        """Bring files under `root`; one whose SHA-256 is not that of `sums` is fetched once more."""


class Folder:
    """A source on this machine."""

    passing = False

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise SetupError(
                "the folder does not exist",
                where=str(root),
                fix="set ingest.path to a folder, an s3:// prefix or a dvc: revision",
            )
        self.root = root
        self.name = str(root)

    def names(self) -> list[str]:
        """All files, sorted, hidden ones left out."""
        found = (path.relative_to(self.root) for path in self.root.rglob("*") if path.is_file())
        return sorted(path.as_posix() for path in found if not any(p.startswith(".") for p in path.parts))

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return (self.root / name).is_file()

    def fetch(self, names: Iterable[str], sums: Mapping[str, str] | None = None) -> None:
        """They are here already."""


def open_archive(path: str, work: Path, *, anonymous: bool) -> Archive:
    """The archive of `ingest.path`; what comes out of a bucket is kept under `work`.

    Raises:
        SetupError: There is no such folder.
    """
    if path.startswith("s3://"):
        return Bucket(path, work / "source", anonymous=anonymous)
    return Folder(Path(path))


def inside(root: Path, name: str) -> Path:
    """The path of a file of the archive.

    Raises:
        RecordError: The name, or a link on the way, leads out of the archive.
    """
    parts = PurePosixPath(name).parts
    path = root / name
    if ".." in parts or name.startswith(("/", "~")) or "\\" in name or "\0" in name:
        raise RecordError(f"{name!r} leads out of the folder", where=name)
    if not path.resolve().is_relative_to(root.resolve()):
        raise RecordError(
            f"{name!r} is a link that leads out of the folder", where=name, fix="put the file itself there"
        )
    return path
