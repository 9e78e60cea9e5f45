"""The files of a request: a raw body, parts of a form, or a ZIP; each bounded before it is unpacked."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import AsyncGenerator, Sequence
from pathlib import PurePosixPath

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from twelvelead.serving.limits import Limits
from twelvelead.serving.refusal import Refusal
from twelvelead.serving.sheet import Upload
from twelvelead.serving.sniff import kind_of

MULTIPART = "multipart/form-data"
PART = "file"
CHUNK = 1 << 20


class _InMemory(MultiPartParser):
    spool_max_size = 1 << 40  # never a file of its own: what was sent is not put on a disk


async def unpacked(content_type: str, body: bytes, limits: Limits) -> list[Upload]:
    """The files of a body.

    Raises:
        Refusal: The form is malformed, has no part named "file", or too many.
    """
    if not content_type.lower().startswith(MULTIPART):
        return [Upload("", body)]

    async def whole() -> AsyncGenerator[bytes, None]:
        for start in range(0, len(body), CHUNK):
            yield body[start : start + CHUNK]

    parser = _InMemory(
        Headers({"content-type": content_type}), whole(), max_files=limits.files, max_fields=16,
        max_part_size=CHUNK,
    )  # fmt: skip
    try:
        form = await parser.parse()
    except MultiPartException as fault:
        code = "too_large" if "Too many" in fault.message else "bad_request"
        raise Refusal(code, f"the form cannot be read: {fault.message}", expected=f"{MULTIPART}") from None
    except (ValueError, KeyError, LookupError, AssertionError) as fault:  # what its parsers raise besides
        raise Refusal(
            "bad_request", f"the form cannot be read ({type(fault).__name__})", expected=f"{MULTIPART}"
        ) from None
    files = []
    for part in form.getlist(PART):
        if isinstance(part, UploadFile):
            files.append(Upload(part.filename or "", await part.read()))
    await form.close()
    if not files:
        raise Refusal("bad_request", "the form has no file", expected=f"one or more parts named {PART!r}")
    return files


def from_zip(data: bytes, limits: Limits) -> list[Upload]:
    """The files of a ZIP.

    Raises:
        Refusal: It is damaged, encrypted, or unfolds to too much.
    """
    found, room = [], limits.unpacked_bytes
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > limits.files:
                raise Refusal(
                    "too_large", f"the ZIP has {len(entries)} files", expected=f"{limits.files} at most"
                )
            for entry in entries:
                with archive.open(entry) as stream:
                    content = stream.read(min(room, limits.upload_bytes) + 1)
                room -= len(content)
                if room < 0 or len(content) > limits.upload_bytes:
                    raise Refusal("too_large", "the ZIP unfolds to more than there is room for")
                found.append(Upload(entry.filename, content))
    except (
        zipfile.BadZipFile,
        zlib.error,
        RuntimeError,
        NotImplementedError,
        OSError,
        EOFError,
        ValueError,
    ) as fault:
        raise Refusal("unreadable", f"the ZIP is damaged or encrypted: {str(fault)[:100]}") from None
    return found


def grouped(files: Sequence[Upload]) -> list[tuple[str, list[Upload]]]:
    """What belongs together: a WFDB header with the files of its own stem; all else alone."""
    kinds = [kind_of(one.data) for one in files]
    stems = [
        str(PurePosixPath(one.name.replace("\\", "/")).with_suffix("")) if one.name else "" for one in files
    ]
    headers = {stems[n] for n, kind in enumerate(kinds) if kind == "wfdb" and stems[n]}
    groups: list[tuple[str, list[Upload]]] = []
    for n, one in enumerate(files):
        if kinds[n] == "wfdb" and stems[n] in headers:
            rest = [files[m] for m in range(len(files)) if m != n and stems[m] == stems[n] and kinds[m] == ""]
            groups.append((one.name, [one, *rest]))
        elif not (kinds[n] == "" and stems[n] in headers):
            groups.append((one.name, [one]))
    return groups
