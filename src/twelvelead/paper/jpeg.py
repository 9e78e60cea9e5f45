"""A photograph as JPEG, straight from its planes."""

from __future__ import annotations

import simplejpeg

from twelvelead.paper.photo import Photo


def jpeg_bytes(photo: Photo, quality: int | None = None) -> bytes:
    """The picture as JFIF, chroma at half the size.

    Args:
        photo: Its planes are encoded as they are.
        quality: 1 to 100; by default what its degradation asks for.
    """
    return bytes(
        simplejpeg.encode_jpeg_yuv_planes(
            photo.y, photo.cb, photo.cr, quality=photo.degradation.quality if quality is None else quality
        )
    )
