"""The signal CNNs of the PTB-XL benchmark (Strodthoff et al. 2021, doi 10.1109/JBHI.2020.3022989).

All end in the benchmark's head; xresnet1d is here, its rivals in rivals1d.py. Written anew from the published
recipe. The width of xresnet1d stays 64 in every stage (256 channels out of bottlenecks); networks of the same
name with widths 64 to 512 have eighteen times the parameters and are another model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from twelvelead.models.rivals1d import Inception1d, Wang1d

KERNEL = 5
WIDTH = 64
STEM = (32, 32, 64)
BLOCKS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
EXPANSION = {18: 1, 50: 4, 101: 4}
RECORDS_PER_BATCH = 64


class XResNet1d(nn.Module):
    """12 leads in, one logit a statement out.

    Args:
        depth: 18, 50 or 101.
        outputs: Number of statements.
        leads: Number of input channels.
    """

    def __init__(self, depth: int, outputs: int, leads: int = 12) -> None:
        super().__init__()
        expansion = EXPANSION[depth]
        stem = [
            _conv(a, b, stride=2 if i == 0 else 1)
            for i, (a, b) in enumerate(zip((leads, *STEM), STEM, strict=False))
        ]
        stages, channels = [], STEM[-1]
        for stage, blocks in enumerate(BLOCKS[depth]):
            for block in range(blocks):
                stages.append(Block(channels, expansion, stride=2 if stage > 0 and block == 0 else 1))
                channels = WIDTH * expansion
        self.body = nn.Sequential(*stem, nn.MaxPool1d(3, stride=2, padding=1), *stages)
        self.head = head(channels, outputs)
        for module in self.modules():
            if isinstance(module, nn.Conv1d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, crops: Tensor) -> Tensor:
        """Logits (batch, outputs) of standardised crops (batch, leads, samples)."""
        features = self.body(crops)
        return self.head(torch.cat([features.amax(dim=2), features.mean(dim=2)], dim=1))


class Pooled(nn.Module):
    """Any body that turns crops into features, and the benchmark's head on their largest and mean values."""

    def __init__(self, body: Wang1d | Inception1d, outputs: int) -> None:
        super().__init__()
        self.body, self.head = body, head(body.channels, outputs)
        for module in self.modules():
            if isinstance(module, nn.Conv1d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, crops: Tensor) -> Tensor:
        """Logits (batch, outputs) of standardised crops (batch, leads, samples)."""
        features = self.body(crops)
        return self.head(torch.cat([features.amax(dim=2), features.mean(dim=2)], dim=1))


def build(architecture: str, outputs: int) -> nn.Module:
    """A network by its name in the benchmark, with random weights."""
    if architecture == "resnet1d_wang":
        return Pooled(Wang1d(), outputs)
    if architecture == "inception1d":
        return Pooled(Inception1d(), outputs)
    return XResNet1d(int(architecture.removeprefix("xresnet1d")), outputs)


def head(channels: int, outputs: int) -> nn.Sequential:
    """From the largest and the mean value of every channel, (batch, 2 × channels), to the logits."""
    return nn.Sequential(
        nn.BatchNorm1d(2 * channels),
        nn.Dropout(0.25),
        nn.Linear(2 * channels, 128),
        nn.ReLU(inplace=True),
        nn.BatchNorm1d(128),
        nn.Dropout(0.5),
        nn.Linear(128, outputs),
    )


class Block(nn.Module):
    """A residual block whose last batch norm starts at zero, so that the block starts as the identity."""

    def __init__(self, channels: int, expansion: int, stride: int) -> None:
        super().__init__()
        out = WIDTH * expansion
        if expansion == 1:
            layers = [_conv(channels, WIDTH, stride=stride), _conv(WIDTH, out, last=True)]
        else:
            layers = [
                _conv(channels, WIDTH, kernel=1),
                _conv(WIDTH, WIDTH, stride=stride),
                _conv(WIDTH, out, kernel=1, last=True),
            ]
        self.path = nn.Sequential(*layers)
        shortcut: list[nn.Module] = [nn.AvgPool1d(stride, ceil_mode=True)] if stride > 1 else []
        if channels != out:
            shortcut += [nn.Conv1d(channels, out, 1, bias=False), nn.BatchNorm1d(out)]
        self.shortcut = nn.Sequential(*shortcut)

    def forward(self, features: Tensor) -> Tensor:
        """(batch, channels, samples) to (batch, WIDTH * expansion, ceil(samples / stride))."""
        return torch.relu_(self.path(features) + self.shortcut(features))


def _conv(
    inputs: int, outputs: int, *, kernel: int = KERNEL, stride: int = 1, last: bool = False
) -> nn.Sequential:
    norm = nn.BatchNorm1d(outputs)
    if last:
        nn.init.zeros_(norm.weight)
    layers: list[nn.Module] = [nn.Conv1d(inputs, outputs, kernel, stride, kernel // 2, bias=False), norm]
    return nn.Sequential(*layers) if last else nn.Sequential(*layers, nn.ReLU(inplace=True))


def window_starts(n_samples: int, crop: int) -> list[int]:
    """Where windows of `crop` samples begin: every half window, and one that ends with the record."""
    last = max(n_samples - crop, 0)
    starts = list(range(0, last + 1, max(crop // 2, 1)))
    return starts if starts[-1] == last else [*starts, last]


def cut(signal: NDArray[np.float32], start: int, crop: int) -> NDArray[np.float32]:
    """`crop` samples from `start` of a standardised signal (leads, n); what is beyond its end is zero."""
    piece = signal[:, start : start + crop]
    return piece if piece.shape[1] == crop else np.pad(piece, ((0, 0), (0, crop - piece.shape[1])))


def predict(model: nn.Module, signals: Sequence[NDArray[np.float32]], crop: int) -> NDArray[np.float32]:
    """Probabilities (records, outputs): the largest sigmoid over a record's windows.

    Args:
        model: In any mode; left in evaluation mode.
        signals: One standardised (leads, n) array a record, at 100 Hz.
        crop: Window length in samples.
    """
    model.eval()
    found, device = [], next(model.parameters()).device
    with torch.inference_mode():
        for begin in range(0, len(signals), RECORDS_PER_BATCH):
            batch = signals[begin : begin + RECORDS_PER_BATCH]
            starts = [window_starts(signal.shape[1], crop) for signal in batch]
            windows = np.stack(
                [cut(s, start, crop) for s, places in zip(batch, starts, strict=True) for start in places]
            )
            logits = model(torch.from_numpy(windows).to(device)).split([len(places) for places in starts])
            found += [torch.sigmoid(own.amax(dim=0)).cpu().numpy() for own in logits]
    return np.stack(found)
