"""A page as an 8-bit palette PNG, written by hand: small, lossless, and the same bytes everywhere.

Deflate comes from ISA-L at level 1, whose output does not depend on the processor (its level 3 does).
"""

from __future__ import annotations

import struct

from isal import isal_zlib

from twelvelead.paper.page import Page

SIGNATURE = b"\x89PNG\r\n\x1a\n"
BITS, PALETTE_COLOUR = 8, 3
METRE = 1


def png_bytes(page: Page) -> bytes:
    """The page as PNG (ISO/IEC 15948), its true size in the pHYs chunk."""
    height, width = page.pixels.shape  # each of page.lines starts with its filter type, 0: none
    px_metre = round(page.px_mm * 1000)
    return b"".join(
        (
            SIGNATURE,
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, BITS, PALETTE_COLOUR, 0, 0, 0)),
            _chunk(b"PLTE", page.palette.tobytes()),
            _chunk(b"pHYs", struct.pack(">IIB", px_metre, px_metre, METRE)),
            _chunk(b"IDAT", isal_zlib.compress(page.lines, 1)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", isal_zlib.crc32(kind + data))
