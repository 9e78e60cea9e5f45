"""The files of a request: a raw body, parts of a form, or a ZIP; each bounded before it is unpacked."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import PurePosixPath

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from twelvelead.serving.limits import Limits
from twelvelead.serving.refusal import Refusal
from twelvelead.serving.sheet import Upload
from twelvelead.serving.sniff import kind_of

MULTIPART = "multipart/form-data"
PART = "file"
CHUNK = 1 << 20
ENTRY = b"PK\x01\x02"  # APPNOTE 4.3.12: an entry of the central directory
ENTRIES_A_FILE = 4  # folders are entries too
PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # LZMA takes a dictionary as large as a file asks for


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

    try:
        parser = _InMemory(
            Headers({"content-type": _without_charset(content_type)}), whole(), max_files=limits.files,
            max_fields=16, max_part_size=CHUNK,
        )  # fmt: skip
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


def _without_charset(content_type: str) -> str:
    """Names of files are UTF-8; a codec that the client names could make what no JSON can carry."""
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"").decode("latin-1").replace("\\", "").replace('"', "")
    return f'{MULTIPART}; boundary="{boundary}"' if boundary else MULTIPART


def from_zip(data: bytes, limits: Limits, hold: Callable[[int], None] = lambda size: None) -> list[Upload]:
    """The files of a ZIP.

    Args:
        data: The archive.
        limits: What is too much.
        hold: Told how much will be unfolded before anything is; it may refuse.

    Raises:
        Refusal: It is damaged, encrypted, packed in a rare way, or unfolds to too much.
    """
    if data.count(ENTRY) > ENTRIES_A_FILE * limits.files:  # a directory of half a million is read at a cost
        raise Refusal("too_large", "the ZIP has too many files", expected=f"{limits.files} at most")
    found = []
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > limits.files:
                raise Refusal(
                    "too_large", f"the ZIP has {len(entries)} files", expected=f"{limits.files} at most"
                )
            if any(entry.compress_type not in PLAIN for entry in entries):
                raise Refusal("unsupported", "the ZIP is packed in a rare way", expected="stored or deflated")
            # No entry unfolds beyond the size that the directory gives it: zipfile stops there.
            unfolded = sum(entry.file_size for entry in entries)
            if unfolded > limits.unpacked_bytes or any(
                entry.file_size > limits.upload_bytes for entry in entries
            ):
                raise Refusal("too_large", "the ZIP unfolds to more than there is room for")
            hold(unfolded)
            for entry in entries:
                with archive.open(entry) as stream:
                    found.append(Upload(entry.filename, stream.read(entry.file_size + 1)))
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
