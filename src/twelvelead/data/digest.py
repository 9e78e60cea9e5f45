"""Content hashes of files and folders, the same that DVC 3 writes into dvc.lock.

A folder's hash is the md5 of a JSON list of its files' md5 and relative paths, plus ".dir". So a model
trained without DVC at hand still names the exact data revision that `dvc repro` would name.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from twelvelead.errors import DataError

SUMS = "SHA256SUMS.txt"
LINEAGE_FILE = "lineage.json"
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def model_sha256(folder: Path) -> str:
    """SHA-256 over names and contents of a model's files; its lineage record is not part of the model."""
    digest = hashlib.sha256()
    for path in sorted(item for item in folder.rglob("*") if item.is_file() and item.name != LINEAGE_FILE):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{file_sha256(path)}\n".encode())
    return digest.hexdigest()


def read_sums(path: Path) -> dict[str, str]:
    """Digest by relative file name of a SHA256SUMS.txt as PhysioNet ships it (`sha256sum`'s format).

    Raises:
        DataError: A line is not "<64 hex digits>  <name>".
    """
    sums = {}
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, start=1):
            digest, _, name = line.rstrip("\n").partition(" ")
            name = name.lstrip(" *").removeprefix("./")
            if not line.strip():
                continue
            if not name or not _SHA256.fullmatch(digest):
                raise DataError(
                    f"line {number} is no checksum: {line.strip()[:60]!r}",
                    where=path.name,
                    expected="<sha256>  <file>",
                )
            sums[name] = digest.lower()
    return sums


def dvc_md5(path: Path) -> str:
    """The md5 that DVC records for a file, or for a folder with the suffix ".dir".

    Raises:
        FileNotFoundError: The path does not exist.
    """
    if path.is_file():
        return _file_md5(path)
    if not path.is_dir():
        raise FileNotFoundError(path)
    files = sorted(item for item in path.rglob("*") if item.is_file())
    entries = [{"md5": _file_md5(item), "relpath": item.relative_to(path).as_posix()} for item in files]
    entries.sort(key=lambda entry: entry["relpath"])
    return (
        hashlib.md5(json.dumps(entries, sort_keys=True).encode(), usedforsecurity=False).hexdigest() + ".dir"
    )


def _file_md5(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
