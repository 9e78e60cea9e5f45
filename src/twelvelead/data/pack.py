"""Many small record files in a few large ones, which is what DVC and S3 are good at.

A folder `records100/…` becomes the volumes `records100-000.zip`, `records100-001.zip`, … beside it: plain ZIP
archives, stored without compression (samples hardly shrink, and a member can be read with one seek), with
the same names inside, so that `unzip 'records100-*.zip'` gives the folder back. Readers need not know: a path
that is not on disk is looked for in the volumes of its folder.
"""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from functools import lru_cache
from glob import escape
from pathlib import Path

VOLUME_MB = 256
_LOCAL = 30  # bytes of a member's local header before its name
_WRITTEN = (1980, 1, 1, 0, 0, 0)  # the earliest a ZIP can say: equal folders give equal bytes


def pack(folder: Path, output: Path, volume_mb: int = VOLUME_MB) -> list[str]:
    """Write each folder in `folder` as volumes in `output`; files at its top are left to the caller.

    Args:
        folder: Holds the folders to pack.
        output: Where the volumes go.
        volume_mb: A volume is closed when it has reached this size.

    Returns:
        Names of the volumes, in order.
    """
    written = []
    for top in sorted(item for item in folder.iterdir() if item.is_dir()):
        archive: zipfile.ZipFile | None = None
        number = size = 0
        for file in _files(top):
            if archive is None:
                name = f"{top.name}-{number:03d}.zip"
                archive = zipfile.ZipFile(output / name, "w", zipfile.ZIP_STORED)
                written.append(name)
            member = zipfile.ZipInfo(file.relative_to(folder).as_posix(), _WRITTEN)
            member.external_attr = 0o644 << 16
            data = file.read_bytes()
            archive.writestr(member, data)
            size += len(data)
            if size >= volume_mb * 1_000_000:
                archive.close()
                archive, number, size = None, number + 1, 0
        if archive is not None:
            archive.close()
    return written


def read_bytes(path: Path) -> bytes:
    """A file on disk, or the same file in a volume.

    Raises:
        FileNotFoundError: It is neither.
        OSError: It cannot be read, or its bytes in the volume are damaged.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        if (place := _place(path)) is None:
            raise
    volume, start, size, crc = place
    with volume.open("rb") as stream:
        stream.seek(start)
        local = stream.read(_LOCAL)
        name, extra = struct.unpack_from("<26xHH", local) if len(local) == _LOCAL else (0, 0)
        stream.seek(start + _LOCAL + name + extra)
        data = stream.read(size)
    if len(data) != size or zlib.crc32(data) != crc:
        raise OSError(f"{path.name} in {volume.name} is damaged")
    return data


def exists(path: Path) -> bool:
    """Whether `read_bytes` would find the file."""
    return path.is_file() or _place(path) is not None


def _files(top: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(top):
        folders.sort()
        yield from (Path(folder, name) for name in sorted(names))


def _place(path: Path) -> tuple[Path, int, int, int] | None:
    """Volume, offset of the local header, size and CRC-32 of a packed file."""
    for root in path.parents:
        if root.is_dir():
            name = path.relative_to(root).as_posix()
            return _catalogue(root, name.partition("/")[0], root.stat().st_mtime_ns).get(name)
    return None


@lru_cache(maxsize=64)
def _catalogue(root: Path, top: str, _changed_ns: int) -> dict[str, tuple[Path, int, int, int]]:
    """All files of a packed folder; the last argument tells a folder that was written again."""
    found = {}
    for volume in sorted(root.glob(f"{escape(top)}-[0-9]*.zip")):
        try:
            with zipfile.ZipFile(volume) as archive:
                members = archive.infolist()
        except zipfile.BadZipFile as fault:
            raise OSError(f"{volume.name} is no whole ZIP archive: {fault}") from None
        for member in members:
            if member.compress_type == zipfile.ZIP_STORED:
                found[member.filename] = (volume, member.header_offset, member.file_size, member.CRC)
    return found
