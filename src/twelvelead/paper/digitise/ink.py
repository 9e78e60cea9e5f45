"""What is ink on a picture of a page: paper, light, grid and colour taken out of it.

The paper is made white block by block, because light falls off. Grid and traces differ in colour, or at
least in darkness; a weighted sum of the channels keeps the one and loses most of the other, and what is left
of the grid is subtracted.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from twelvelead.errors import RecordError

Levels = NDArray[np.float32]

BLOCK_PX = 32
PAPER_PERCENTILE = 80  # of a block: a grid of 4 px/mm leaves half of the pixels bare
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601, as in JPEG
INK_SHARE = 0.002  # of the pixels: fewer than any page's traces have
LEAST_CONTRAST = 0.12  # between ink and paper
GRID_SHARE = 0.03  # of the pixels: traces alone have fewer half-dark ones
RIDGE = 0.03  # noise against leftover grid, in the weights of the channels
LEAST_SIDE_PX = 64


@dataclass(frozen=True, slots=True, eq=False)
class Ink:
    """A picture, taken apart.

    Attributes:
        coverage: (height, width) float32, 0 paper or grid, 1 full ink.
        grid: (height, width) float32 darkness with ink cut down to the grid's own.
    """

    coverage: Levels
    grid: Levels


def open_picture(data: bytes) -> NDArray[np.uint8]:
    """A PNG, JPEG or other picture file as (height, width, 3) uint8.

    Raises:
        RecordError: The bytes are no picture.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as picture:
            return np.asarray(picture.convert("RGB"))
    except Image.DecompressionBombError as fault:
        raise RecordError(f"the picture is too large: {fault}", expected="a page") from None
    except (OSError, ValueError, SyntaxError):
        raise RecordError("this is no picture, or a broken one", expected="a PNG or JPEG file") from None


def find_ink(image: NDArray[Any]) -> Ink:
    """Separate ink from paper and grid.

    Args:
        image: (height, width) grey or (height, width, 3) RGB, uint8 or 0..1.

    Raises:
        RecordError: The array is no picture, or there is nothing dark on it.
    """
    dark = _darkness(image)
    luma = dark @ LUMA if dark.shape[2] == 3 else dark[:, :, 0]
    dense = np.partition(luma.ravel(), int(luma.size * (1 - INK_SHARE)))[int(luma.size * (1 - INK_SHARE))]
    if dense < LEAST_CONTRAST:
        raise RecordError(
            f"the darkest of the picture is {dense:.2f} below paper", expected="an ECG trace on bright paper"
        )
    pen = np.median(dark[luma >= 0.75 * dense], axis=0).astype(np.float32)
    middling = (luma > 0.15 * dense) & (luma < 0.6 * dense)
    weights = np.full(dark.shape[2], 1.0 / dark.shape[2], dtype=np.float32)
    has_grid = middling.mean() > GRID_SHARE
    if has_grid:
        lines = np.median(dark[middling], axis=0).astype(np.float32)
        noise = np.eye(len(pen), dtype=np.float32) * RIDGE
        weights = np.linalg.solve(np.outer(lines, lines) + noise, pen)
    weights = (weights / (weights * pen).sum()).astype(np.float32)
    coverage = (dark * weights).sum(axis=2, dtype=np.float32)
    left = 0.0
    if has_grid:
        left = float(np.clip(np.percentile(coverage[middling], 95), 0.0, 0.6))
    coverage = np.clip((coverage - left) / (1.0 - left), 0.0, 1.0)
    most = 0.6 * dense
    if has_grid:
        most = float(np.percentile(luma[middling], 90))
    return Ink(coverage, np.clip(luma, 0.0, most))


def _darkness(image: NDArray[Any]) -> Levels:
    """(height, width, channels): 0 as bright as the paper around, 1 black."""
    picture = np.asarray(image)
    if picture.ndim == 2:
        picture = picture[:, :, None]
    if picture.ndim != 3 or picture.shape[2] not in (1, 3, 4) or min(picture.shape[:2]) < LEAST_SIDE_PX:
        raise RecordError(
            f"the picture has shape {np.shape(image)}",
            expected=f"(height, width) or (height, width, 3), {LEAST_SIDE_PX} px a side at least",
        )
    bright = picture[:, :, :3].astype(np.float32)
    if picture.dtype == np.uint8:
        bright /= 255.0
    if not np.isfinite(bright).all():
        raise RecordError("the picture holds values that are not finite", expected="grey levels")
    out = np.empty_like(bright)
    for channel in range(bright.shape[2]):
        plane = bright[:, :, channel]
        out[:, :, channel] = 1.0 - plane / np.maximum(_paper(plane), 0.05)
    return np.clip(out, 0.0, 1.0)


def _paper(plane: Levels) -> Levels:
    """How bright bare paper is at each pixel."""
    height, width = plane.shape
    rows, columns = -(-height // BLOCK_PX), -(-width // BLOCK_PX)
    padded = np.pad(plane, ((0, rows * BLOCK_PX - height), (0, columns * BLOCK_PX - width)), mode="edge")
    apart = padded.reshape(rows, BLOCK_PX, columns, BLOCK_PX).transpose(0, 2, 1, 3)
    blocks = apart.reshape(rows, columns, -1)
    bright = np.percentile(blocks, PAPER_PERCENTILE, axis=2)
    bright = ndimage.gaussian_filter(ndimage.median_filter(bright, 3), 0.7, mode="nearest")
    tall = _stretch(bright, height)
    return _stretch(tall.T, width).T.astype(np.float32)


def _stretch(blocks: NDArray[Any], length: int) -> NDArray[Any]:
    """Rows at block centres become rows at pixels, straight lines between them."""
    at = np.clip((np.arange(length) + 0.5) / BLOCK_PX - 0.5, 0, len(blocks) - 1)
    low = np.minimum(at.astype(int), max(len(blocks) - 2, 0))
    high = np.minimum(low + 1, len(blocks) - 1)
    share = (at - low)[:, None]
    return np.asarray(blocks[low] * (1 - share) + blocks[high] * share)
