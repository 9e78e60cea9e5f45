"""The two other strong signal CNNs of the PTB-XL benchmark: resnet1d_wang and inception1d.

Written anew from the published descriptions: Wang, Yan and Oates 2017 (doi 10.1109/IJCNN.2017.7966039) with
the benchmark's fixed width of 128, and Fawaz et al. 2020, InceptionTime (doi 10.1007/s10618-020-00710-y).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Wang1d(nn.Module):
    """Three residual blocks of width 128 with kernels 5 and 3; (batch, leads, n) to (batch, 128, n / 4)."""

    channels = 128

    def __init__(self, leads: int = 12) -> None:
        super().__init__()
        self.stem = _conv(leads, self.channels, 7)
        self.blocks = nn.Sequential(*[WangBlock(self.channels, stride) for stride in (1, 2, 2)])

    def forward(self, crops: Tensor) -> Tensor:
        """Features of standardised crops."""
        features: Tensor = self.blocks(self.stem(crops))
        return features


class WangBlock(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            _conv(channels, channels, 5, stride=stride),
            nn.Conv1d(channels, channels, 3, 1, 1, bias=False),
            nn.BatchNorm1d(channels),
        )
        shortcut = [nn.Conv1d(channels, channels, 1, stride, bias=False), nn.BatchNorm1d(channels)]
        self.shortcut = nn.Sequential(*(shortcut if stride > 1 else []))

    def forward(self, features: Tensor) -> Tensor:
        """(batch, channels, n) to (batch, channels, ceil(n / stride))."""
        return torch.relu_(self.path(features) + self.shortcut(features))


class Inception1d(nn.Module):
    """Six inception modules, a shortcut around every three; (batch, leads, n) to (batch, 128, n)."""

    channels = 128

    def __init__(self, leads: int = 12) -> None:
        super().__init__()
        self.modules_ = nn.ModuleList([InceptionModule(leads if i == 0 else self.channels) for i in range(6)])
        self.shortcuts = nn.ModuleList(
            [
                nn.Sequential(nn.Conv1d(inputs, self.channels, 1, bias=False), nn.BatchNorm1d(self.channels))
                for inputs in (leads, self.channels)
            ]
        )

    def forward(self, crops: Tensor) -> Tensor:
        """Features of standardised crops."""
        features = before = crops
        for number, module in enumerate(self.modules_):
            features = module(features)
            if number % 3 == 2:
                features = torch.relu(features + self.shortcuts[number // 3](before))
                before = features
        return features


class InceptionModule(nn.Module):
    """Kernels of 39, 19 and 9 on 32 bottleneck channels, and a pooled path; 4 × 32 channels out."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.bottleneck = nn.Conv1d(inputs, 32, 1, bias=False)
        self.wide = nn.ModuleList([nn.Conv1d(32, 32, k, padding=k // 2, bias=False) for k in (39, 19, 9)])
        self.pooled = nn.Sequential(nn.MaxPool1d(3, 1, 1), nn.Conv1d(inputs, 32, 1, bias=False))
        self.norm = nn.Sequential(nn.BatchNorm1d(128), nn.ReLU(inplace=True))

    def forward(self, features: Tensor) -> Tensor:
        """(batch, inputs, n) to (batch, 128, n)."""
        narrow = self.bottleneck(features)
        found: Tensor = self.norm(
            torch.cat([*(conv(narrow) for conv in self.wide), self.pooled(features)], dim=1)
        )
        return found


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm1d(outputs),
        nn.ReLU(inplace=True),
    )
