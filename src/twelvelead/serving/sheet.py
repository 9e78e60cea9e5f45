"""One picture to read, with what is known of it; what uploads become and answers are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Upload:
    """One file as it came; its name is used to pair a header with its signals, and for nothing else."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Box:
    """Where a lead is drawn, in pixels of the picture."""

    lead: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Geometry:
    """The scale of a picture, as far as it is known."""

    px_per_mm_x: float | None = None
    px_per_mm_y: float | None = None
    speed_mm_s: float | None = None
    gain_mm_mv: float | None = None
    lead_boxes: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """One picture to read.

    Attributes:
        kind: One of `sniff.KINDS`.
        page: Which page of the file, from 1.
        pages: How many the file has.
        width_px, height_px: Of the picture.
        size_bytes, sha256: Of the upload.
        picture: PNG or JPEG for the model.
        warnings: What a reader of the answer should know.
        geometry: The picture's scale, or None.
        signal_mv: (12, n) where a record was given, else None.
        fs_hz: Samples a second of it.
        measurements: Of that record, by MEASURES; None where there is none.
    """

    kind: str
    page: int
    pages: int
    width_px: int
    height_px: int
    size_bytes: int
    sha256: str
    picture: bytes = field(repr=False)
    warnings: tuple[str, ...] = ()
    geometry: Geometry | None = None
    signal_mv: NDArray[np.float32] | None = None
    fs_hz: float = 0.0
    measurements: Mapping[str, float | None] | None = None


def geometry_tree(geometry: Geometry) -> dict[str, Any]:
    """For JSON."""
    return asdict(replace(geometry, lead_boxes=())) | {
        "lead_boxes": [asdict(box) for box in geometry.lead_boxes]
    }
