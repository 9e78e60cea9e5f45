"""How much is taken from outside; every loop and buffer of the reading room ends at one of these."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one upload and of the server.

    Attributes:
        upload_bytes: Of one request's body.
        held_bytes: Of all bodies that are held at once.
        pixels: Of one picture, before it is decoded: a 40-megapixel scan is A4 at 600 dpi.
        pages: Of one TIFF or PDF.
        files: Parts of a request, or entries of a ZIP.
        unpacked_bytes: Of a ZIP's entries together.
        seconds: Length of a record.
        decode_s: For opening one upload, with all that is looked for on it.
        request_s: From a request's first byte to its answer.
        waiting: Pictures that wait or are read; one more is refused with 429.
        memory_bytes: Address space of the process that opens uploads.
    """

    upload_bytes: int = 32 << 20
    held_bytes: int = 256 << 20
    pixels: int = 40_000_000
    pages: int = 20
    files: int = 200
    unpacked_bytes: int = 256 << 20
    seconds: float = 7200.0
    decode_s: float = 30.0
    request_s: float = 60.0
    waiting: int = 64
    memory_bytes: int = 6 << 30
