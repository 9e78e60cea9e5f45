"""Decoded pages kept as bytes: a quarter of the memory, and the very same numbers again.

An image processor rescales and normalises each byte by its channel alone, so 256 values a channel say it all.
They are read off the processor itself, and a page that they do not give back exactly is kept as it is.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

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
        used: How many tiles are in use; the first ones.
        whole: How many the model takes; the others are zero.
        ratio: Its `aspect_ratio_ids`: how the tiles lie.
    """

    tiles: Tensor
    used: int
    whole: int
    ratio: int


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
        pixels = images["pixel_values"][0, 0]
        used = pixels[: int(images["aspect_ratio_mask"].sum())]
        low, high = self.values[:, :1, None], self.values[:, -1:, None]
        codes = ((used - low) / (high - low) * 255).round().clamp(0, 255).to(torch.uint8)
        same = torch.equal(self._plain(codes), used) and not pixels[len(used) :].any()
        ratio = int(images["aspect_ratio_ids"])
        return Picture(codes if same else pixels.clone(), len(used), len(pixels), ratio)

    def album(self, pages: Iterable[bytes], count: int) -> list[Picture]:
        """Many pages, their bytes in one block: one by one they would leave holes four times their size."""
        block = torch.empty(0, dtype=torch.uint8)
        found: list[Picture] = []
        for number, page in enumerate(pages):
            picture = self.decode(page)
            if not number:
                block = torch.empty((count, *picture.tiles.shape), dtype=picture.tiles.dtype)
            if picture.tiles.dtype == block.dtype and picture.tiles.shape == block.shape[1:]:
                block[number] = picture.tiles
                picture = replace(picture, tiles=block)
            found.append(picture)
        # views only now: small objects born between large ones are what makes the holes
        return [
            replace(picture, tiles=block[number]) if picture.tiles is block else picture
            for number, picture in enumerate(found)
        ]

    def batch(self, pictures: Sequence[Picture]) -> dict[str, Tensor]:
        """Inputs of the model: `pixel_values` (B, 1, T, 3, S, S) and how the tiles lie."""
        whole = []
        for picture in pictures:
            used = self._plain(picture.tiles) if picture.tiles.dtype == torch.uint8 else picture.tiles
            rest = picture.whole - len(used)
            whole.append(torch.cat([used, used.new_zeros(rest, *used.shape[1:])]) if rest else used)
        return {
            "pixel_values": torch.stack(whole)[:, None],
            "aspect_ratio_ids": torch.tensor([[picture.ratio] for picture in pictures]),
            "aspect_ratio_mask": torch.tensor(
                [[[int(tile < picture.used) for tile in range(picture.whole)]] for picture in pictures]
            ),
        }

    def _plain(self, codes: Tensor) -> Tensor:
        channels = [self.values[channel][codes[:, channel].long()] for channel in range(3)]
        return torch.stack(channels, dim=1)
