"""Decoded pages kept as bytes: a quarter of the memory, and the very same numbers again.

An image processor rescales and normalises each byte by its channel alone, so 256 values a channel say it all.
They are read off the processor itself, and a page that they do not give back exactly is kept as it is.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from twelvelead.models.mllama import Base

CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class Picture:
    """A page as the model takes it.

    Attributes:
        tiles: (T, 3, S, S) bytes of the tiles in use, or float32 of all tiles where bytes would not do.
        whole: How many tiles the model takes; those not in use are zero.
        shape: `aspect_ratio_ids` (1,) and `aspect_ratio_mask` (1, whole).
    """

    tiles: Tensor
    whole: int
    shape: tuple[Tensor, Tensor]


class Pictures:
    """Decodes pages, and makes model inputs of what it kept."""

    def __init__(self, base: Base) -> None:
        self.base = base
        side: int = base.model.config.vision_config.image_size
        ramp = np.resize(np.arange(256, dtype=np.uint8), (side, side))
        stream = io.BytesIO()
        Image.fromarray(np.repeat(ramp[..., None], 3, axis=2)).save(stream, "PNG")
        first = base.pixels([stream.getvalue()], device=CPU)["pixel_values"][0, 0, 0]
        self.values = first.flatten(1)[:, :256].contiguous()  # (3, 256)

    def decode(self, page: bytes) -> Picture:
        """One page, as small as it can be kept."""
        images = self.base.pixels([page], device=CPU)
        pixels, mask = images["pixel_values"][0, 0], images["aspect_ratio_mask"][0]
        shape = (images["aspect_ratio_ids"][0], mask)
        used = pixels[: int(mask.sum())]
        low, high = self.values[:, :1, None], self.values[:, -1:, None]
        codes = ((used - low) / (high - low) * 255).round().clamp(0, 255).to(torch.uint8)
        same = torch.equal(self._plain(codes), used) and not pixels[len(used) :].any()
        return Picture(codes if same else pixels.clone(), len(pixels), shape)

    def batch(self, pictures: Sequence[Picture]) -> dict[str, Tensor]:
        """Inputs of the model: `pixel_values` (B, 1, T, 3, S, S) and how the tiles lie."""
        whole = []
        for picture in pictures:
            used = self._plain(picture.tiles) if picture.tiles.dtype == torch.uint8 else picture.tiles
            rest = picture.whole - len(used)
            whole.append(torch.cat([used, used.new_zeros(rest, *used.shape[1:])]) if rest else used)
        return {
            "pixel_values": torch.stack(whole)[:, None],
            "aspect_ratio_ids": torch.stack([picture.shape[0] for picture in pictures]),
            "aspect_ratio_mask": torch.stack([picture.shape[1] for picture in pictures]),
        }

    def _plain(self, codes: Tensor) -> Tensor:
        channels = [self.values[channel][codes[:, channel].long()] for channel in range(3)]
        return torch.stack(channels, dim=1)
