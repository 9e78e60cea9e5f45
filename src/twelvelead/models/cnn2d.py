"""The CNN that looks at the same pages as the language model: the fairer opponent, beside the gate's.

A residual network with the one thing a printed ECG asks for: what is where. Features are pooled along time in
quarters of the width, never over the rows, since a Q wave means one thing in III and another in V2. Its input
is one channel, ink from 0 (paper) to 1; 320 × 448 and above still resolves the small boxes of a sheet (specs/
signals.md §C.2 measured that 224² does not).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

WIDTHS = (16, 32, 48, 64, 96)
QUARTERS = 4
NARROW = 32
PAGES_PER_BATCH = 32
Ink = NDArray[np.uint8]


class PageNet(nn.Module):
    """Ink (batch, 1, height, width) in, one logit a statement out.

    Args:
        outputs: Number of statements.
        height_px, width_px: Size of every page.
    """

    def __init__(self, outputs: int, height_px: int, width_px: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [_conv(1, WIDTHS[0], 5, 2), _conv(WIDTHS[0], WIDTHS[1], 3, 2)]
        layers += [PageBlock(a, b) for a, b in pairwise(WIDTHS[1:])]
        self.body = nn.Sequential(*layers, _conv(WIDTHS[-1], NARROW, 1, 1))
        rows, columns = height_px, width_px
        for _ in range(len(WIDTHS)):
            rows, columns = -(-rows // 2), -(-columns // 2)
        self.quarter = -(-columns // QUARTERS)
        features = 2 * NARROW * rows * -(-columns // self.quarter)
        self.head = nn.Sequential(
            nn.BatchNorm1d(features),
            nn.Dropout(0.25),
            nn.Linear(features, 128),
            nn.ReLU(inplace=True),
            nn.BatchNorm1d(128),
            nn.Dropout(0.5),
            nn.Linear(128, outputs),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # 1.4 times as fast on a CPU

    def forward(self, ink: Tensor) -> Tensor:
        """Logits (batch, outputs)."""
        features = self.body(ink)
        window = (1, self.quarter)
        pooled = [
            pool(features, window, window, ceil_mode=True).flatten(1)
            for pool in (nn.functional.max_pool2d, nn.functional.avg_pool2d)
        ]
        return self.head(torch.cat(pooled, dim=1))


class PageBlock(nn.Module):
    """A residual block that halves both sides."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.path = nn.Sequential(_conv(inputs, outputs, 3, 2), _conv(outputs, outputs, 3, 1, last=True))
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(2, ceil_mode=True),
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, features: Tensor) -> Tensor:
        """(batch, inputs, h, w) to (batch, outputs, ceil(h / 2), ceil(w / 2))."""
        return torch.relu_(self.path(features) + self.shortcut(features))


def ink_of(picture: bytes, height_px: int, width_px: int) -> Ink:
    """How dark a picture is, (height, width) from 0 to 255, stretched so that its paper is 0.

    Raises:
        OSError: The bytes are no picture.
    """
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as image:
        grey = image.convert("L")
        if grey.size != (width_px, height_px):
            grey = grey.resize((width_px, height_px), Image.Resampling.BOX)
        dark = 255 - np.asarray(grey, np.uint8)
    found: Ink = dark - min(int(np.median(dark)), int(dark.max()))
    return np.where(dark < np.median(dark), 0, found).astype(np.uint8)


def tensor(pages: Sequence[Ink]) -> Tensor:
    """A batch (pages, 1, height, width) of ink from 0 to 1."""
    return torch.from_numpy(np.stack(pages)).unsqueeze(1).float().div_(255)


def predict(model: nn.Module, pages: Sequence[Ink]) -> NDArray[np.float32]:
    """Probabilities (pages, outputs); the model is left in evaluation mode."""
    model.eval()
    device = next(model.parameters()).device
    with torch.inference_mode():
        found = [
            torch.sigmoid(model(tensor(pages[begin : begin + PAGES_PER_BATCH]).to(device)).float())
            .cpu()
            .numpy()
            for begin in range(0, len(pages), PAGES_PER_BATCH)
        ]
    return np.concatenate(found).astype(np.float32)


def _conv(inputs: int, outputs: int, kernel: int, stride: int, *, last: bool = False) -> nn.Sequential:
    norm = nn.BatchNorm2d(outputs)
    if last:
        nn.init.zeros_(norm.weight)
    layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), norm]
    return nn.Sequential(*layers) if last else nn.Sequential(*layers, nn.ReLU(inplace=True))
