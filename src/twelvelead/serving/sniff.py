"""What a file is, by its first bytes; names and media types come from outside and are not believed."""

from __future__ import annotations

import re

PICTURES = ("png", "jpeg", "tiff", "pdf")
KINDS = (*PICTURES, "dicom", "wfdb")
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
)
_PDF_WITHIN = 1024  # ISO 32000-1, annex H: readers take a header that comes so late
_DICOM_AT = 128  # PS3.10 §7.1: the preamble
# header(5): a record line is a name, signals, and perhaps rate, samples, time and date
_RECORD_LINE = re.compile(rb"[\w./-]+[ \t]+\d{1,4}(?:[ \t]+[\d.()/eE+-]+.*)?\r?")
_TEXT_WITHIN = 4096


def kind_of(data: bytes) -> str:
    """One of KINDS ("wfdb" for a header), "zip", or "" for anything else."""
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    if data[_DICOM_AT : _DICOM_AT + 4] == b"DICM":
        return "dicom"
    if b"%PDF-" in data[:_PDF_WITHIN]:
        return "pdf"
    return "wfdb" if _is_header(data) else ""


def _is_header(data: bytes) -> bool:
    head = data[:_TEXT_WITHIN]
    if b"\0" in head:
        return False
    lines = (line for line in head.split(b"\n") if line.strip() and not line.startswith(b"#"))
    return bool(_RECORD_LINE.fullmatch(next(lines, b"")))
