"""A photograph as JPEG, straight from its planes."""

from __future__ import annotations

import numpy as np
import simplejpeg

from twelvelead.paper.photo import Photo


def jpeg_bytes(photo: Photo, quality: int | None = None) -> bytes:
    """The picture as JFIF, chroma at half the size.

    Args:
        photo: Its planes are encoded as they are.
        quality: 1 to 100; by default what its degradation asks for.
    """
    # libjpeg-turbo reads whole blocks of 2 x 2: an odd plane needs an edge of its own behind it in memory.
    height, width = photo.y.shape
    padded = np.pad(photo.y, ((0, height % 2), (0, width % 2)), mode="edge")
    return bytes(
        simplejpeg.encode_jpeg_yuv_planes(
            padded[:height, :width],
            photo.cb,
            photo.cr,
            quality=photo.degradation.quality if quality is None else quality,
        )
    )
