"""Twelve signals become a page of paper, and the page knows where everything on it is."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twelvelead.paper.compose import NO_WORDS, bare, compose, printed
from twelvelead.paper.fill import fill_outlines
from twelvelead.paper.grid import COLOURS, PAPERS, grid_levels
from twelvelead.paper.scene import Mark, Scene, Trace
from twelvelead.paper.style import PageStyle
from twelvelead.paper.trace import Mask, draw_lines, move_ink
from twelvelead.paper.words import Words

__all__ = ["Box", "Page", "PageStyle", "Words", "blank", "boxes_of", "draw", "render"]

INK = (24, 22, 34)
INKS = {"black": INK, "blue": (28, 48, 128), "violet": (82, 38, 110), "brown": (92, 52, 30)}
LEVELS = 16  # of ink; and of grid, or half as many beside a second ink


@dataclass(frozen=True, slots=True)
class Box:
    """The cell of one strip in pixels, x1 and y1 exclusive; a trace may reach beyond it."""

    name: str
    x0: int
    y0: int
    x1: int
    y1: int


@dataclass(frozen=True, eq=False)
class Page:
    """One rendered page.

    Attributes:
        lines: (height, 1 + width) uint8: each line of palette indices behind a zero, as PNG wants it.
        palette: (256, 3) uint8 RGB.
        boxes: One a strip, in reading order; the rhythm strips are the last.
        px_mm: Pixels a millimetre.
        style: What it was rendered with.
        scene: What is on it.
    """

    lines: NDArray[np.uint8]
    palette: NDArray[np.uint8]
    boxes: tuple[Box, ...]
    px_mm: float
    style: PageStyle
    scene: Scene

    @cached_property
    def trace(self) -> Mask:
        """(height, width) uint8 coverage by the signals alone, without pulses and letters."""
        mask = np.zeros((self.style.height_px, self.style.width_px), dtype=np.uint8)
        _draw_traces(self.scene, mask)
        return mask

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """(height, width) palette indices: grid level * 16 + ink level; see `_palette` for coloured ink."""
        return self.lines[:, 1:]

    def rgb(self) -> NDArray[np.uint8]:
        """The page in colour: (height, width, 3) uint8."""
        return self.palette[self.pixels]


def render(
    signal_mv: NDArray[np.floating[Any]],
    fs_hz: float,
    style: PageStyle,
    names: bool = True,
    words: Words = NO_WORDS,
) -> Page:
    """Draw a record: `draw(compose(…))`, with all that a style's pages share drawn once.

    Args:
        signal_mv: (12, n) mV, rows in the order of `LEADS`.
        fs_hz: Samples a second.
        style: Layout, size, scale and look.
        names: False leaves lead names and footer out.
        words: Text above the leads; `words.allowed` says on which folds.

    Raises:
        RecordError: The signal is not (12, n) with samples, or the rate is not positive.
    """
    scene = compose(signal_mv, fs_hz, style, words, names)
    ground = _ground(style, words.header_mm, names)
    own = scene.marks[len(printed(style, words.header_mm, names)) :]
    return _page(scene, ground, own)


def draw(scene: Scene) -> Page:
    """Draw any scene flat."""
    return _page(scene, _bare(scene.style), scene.marks)


def blank(style: PageStyle) -> Page:
    """Paper and grid alone: what a model sees when it is shown nothing."""
    return draw(bare(style))


def boxes_of(scene: Scene) -> tuple[Box, ...]:
    """The cells of a scene's strips on a flat page."""
    return tuple(_box(trace, scene.style) for trace in scene.traces)


def _page(scene: Scene, ground: NDArray[np.uint8], marks: Sequence[Mark]) -> Page:
    style, flat = scene.style, ground.copy()
    _print(flat, marks, style)
    ink = _empty_mask(style)
    _draw_traces(scene, _lines(ink, style)[:, 1:])
    _lay(ink, flat, 0 if style.ink == "black" else LEVELS)
    palette = _palette(style.grid, style.ink)
    return Page(_lines(flat, style), palette, boxes_of(scene), style.px_mm, style, scene)


def _draw_traces(scene: Scene, mask: Mask) -> None:
    if scene.traces:
        gap = np.full((1, 2), np.nan)
        points = np.concatenate([part for trace in scene.traces for part in (trace.points, gap)])
        draw_lines(mask, points * scene.style.px_mm, scene.pen_mm * scene.style.px_mm)


def _box(trace: Trace, style: PageStyle) -> Box:
    strip = trace.strip
    right_mm = strip.left_mm + (strip.end_s - strip.start_s) * style.speed_mm_s
    edges = (strip.left_mm, strip.top_mm, right_mm, strip.bottom_mm)
    return Box(strip.name, *(round(edge * style.px_mm) for edge in edges))


# Pages are made in flat arrays of whole 64-bit words, line behind line, each line behind its zero.


def _lines(flat: NDArray[np.uint8], style: PageStyle) -> NDArray[np.uint8]:
    """A flat array as (height, 1 + width)."""
    return flat[: style.height_px * (style.width_px + 1)].reshape(style.height_px, -1)


def _size(style: PageStyle) -> int:
    return -(-style.height_px * (style.width_px + 1) // 8) * 8


class _Spare(threading.local):
    """The last mask, which inking leaves empty: fresh memory costs a page fault every 4 kB, which together
    take as long as drawing."""

    mask: Mask | None = None


_spare = _Spare()


def _empty_mask(style: PageStyle) -> Mask:
    mask, _spare.mask = _spare.mask, None  # gone while in use: what fails half drawn is not used again
    if mask is None or len(mask) != _size(style):
        return np.zeros(_size(style), dtype=np.uint8)
    return mask


def _lay(ink: Mask, flat: NDArray[np.uint8], colour: int) -> None:
    """Put a mask's ink on a page, and keep the empty mask."""
    move_ink(ink, ink.view(np.uint64), flat, colour)
    _spare.mask = ink


def _print(flat: NDArray[np.uint8], marks: Sequence[Mark], style: PageStyle) -> None:
    """Put marks on a page."""
    if not marks:
        return
    ink = _empty_mask(style)
    mask = _lines(ink, style)[:, 1:]
    for mark in marks:
        if len(mark.strokes):
            draw_lines(mask, mark.strokes * style.px_mm, mark.pen_mm * style.px_mm)
        if len(mark.fills):
            fill_outlines(mask, mark.fills * style.px_mm)
    _lay(ink, flat, 0)


@lru_cache(maxsize=8)  # 3.7 MB each on a page of 2200 x 1700 px
def _ground(style: PageStyle, header_mm: float, names: bool) -> NDArray[np.uint8]:
    """Grid, pulses, separators and lettering: the same on every page of a style."""
    flat = _bare(style).copy()
    _print(flat, printed(style, header_mm, names), style)
    return flat


@lru_cache(maxsize=4)
def _bare(style: PageStyle) -> NDArray[np.uint8]:
    """Paper and grid."""
    flat = np.zeros(_size(style), dtype=np.uint8)
    if style.grid != "none":
        levels = grid_levels(style.height_px, style.width_px, style.px_mm, style.grid_form)
        _lines(flat, style)[:, 1:] = levels << 4 if style.ink == "black" else (levels >> 1) << 5
    return flat


@lru_cache(maxsize=32)
def _palette(grid: str, ink: str = "black") -> NDArray[np.uint8]:
    """(256, 3): from paper to grid colour by the high bits, from that to ink by the low four.

    Black ink leaves sixteen levels of grid. A second ink takes every other one: bit 4 says which ink it is.
    """
    paper, colour, black = (np.array(rgb, dtype=np.int64) for rgb in (PAPERS[grid], COLOURS[grid], INK))
    level = np.arange(LEVELS)[:, None]
    ground = (paper * (15 - level) + colour * level + 7) // 15
    pens = [black]
    if ink != "black":
        ground, pens = ground[1::2], [black, np.array(INKS[ink], dtype=np.int64)]
        ground[0] = paper
    mixed = [(ground[:, None, :] * (15 - level) + pen * level + 7) // 15 for pen in pens]
    return np.stack(mixed, axis=1).reshape(256, 3).astype(np.uint8)
