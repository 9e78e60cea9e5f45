"""Twelve signals become a page of paper, and the page knows where everything on it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twelvelead.ecg.lead import LEADS
from twelvelead.errors import RecordError
from twelvelead.paper.grid import COLOURS, PAPERS, grid_levels
from twelvelead.paper.layout import PULSE_MV, PULSE_S, Layout, PageStyle, Strip, lay_out
from twelvelead.paper.print import lettering
from twelvelead.paper.trace import Mask, draw_lines, draw_samples, ink_page

__all__ = ["Box", "Page", "PageStyle", "blank", "render"]

INK = (24, 22, 34)
PEN_MM, PEN_PX = 0.35, 1.4  # a plotter's pen; the least that a small vision model still sees as a line
FOOTER_MM, FOOTER_PX = 3.0, 6.0  # a capital of the footer, and the fewest pixels in which it can be read


@dataclass(frozen=True, slots=True)
class Box:
    """The cell of one strip in pixels, x1 and y1 exclusive; a trace may reach beyond it."""

    name: str
    x0: int
    y0: int
    x1: int
    y1: int


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """One rendered page.

    Attributes:
        pixels: (height, width) uint8 palette indices: grid level * 16 + ink level.
        palette: (256, 3) uint8 RGB.
        boxes: One a strip, in reading order; the rhythm strip is the last.
        trace: (height, width) uint8 coverage by the signals alone, without pulses and letters.
        px_mm: Pixels a millimetre.
        style: What it was rendered with.
    """

    pixels: NDArray[np.uint8]
    palette: NDArray[np.uint8]
    boxes: tuple[Box, ...]
    trace: Mask
    px_mm: float
    style: PageStyle

    def rgb(self) -> NDArray[np.uint8]:
        """The page in colour: (height, width, 3) uint8."""
        return self.palette[self.pixels]


def render(signal_mv: NDArray[np.floating[Any]], fs_hz: float, style: PageStyle, names: bool = True) -> Page:
    """Draw a record.

    The window is the record's first ten seconds; where it is shorter, or NaN, the paper stays bare. A trace
    that leaves its row is drawn where it goes and ends at the edge of the page.

    Args:
        signal_mv: (12, n) mV, rows in the order of `LEADS`.
        fs_hz: Samples a second.
        style: Layout, size, scale and grid.
        names: False leaves all lettering out.

    Raises:
        RecordError: The signal is not (12, n) with samples, or the rate is not positive.
    """
    signal = np.ascontiguousarray(signal_mv, dtype=np.float32)
    if signal.ndim != 2 or signal.shape[0] != len(LEADS) or signal.shape[1] == 0:
        raise RecordError(f"the signal has shape {np.shape(signal_mv)}", expected="(12, n) with n > 0")
    if not (np.isfinite(fs_hz) and fs_hz > 0):
        raise RecordError(f"the sampling rate is {fs_hz}", expected="a positive number of Hz")
    layout = _layout(style)
    trace = np.zeros((style.height_px, style.width_px), dtype=np.uint8)
    for strip in layout.strips:
        # Both ends of a strip's time belong to it, so that the line meets the separator.
        first = int(np.ceil(strip.start_s * fs_hz - 1e-6))
        last = int(np.floor(strip.end_s * fs_hz + 1e-6))
        x_mm = strip.left_mm + (first / fs_hz - strip.start_s) * style.speed_mm_s
        draw_samples(
            trace,
            signal[strip.lead, first : last + 1],
            x_mm * style.px_mm,
            style.speed_mm_s / fs_hz * style.px_mm,
            strip.baseline_mm * style.px_mm,
            style.gain_mm_mv * style.px_mm,
            _pen_px(style),
        )
    return _page(style, trace, _printed(style, names))


def blank(style: PageStyle) -> Page:
    """Paper and grid alone: what a model sees when it is shown nothing."""
    empty = np.zeros((style.height_px, style.width_px), dtype=np.uint8)
    return _page(style, empty, empty)


def _page(style: PageStyle, trace: Mask, printed: Mask) -> Page:
    pixels = np.empty_like(trace)
    ink_page(_grid(style), printed, trace, pixels)
    return Page(pixels, _palette(style.grid), _boxes(style), trace, style.px_mm, style)


def _pen_px(style: PageStyle) -> float:
    return style.trace_mm * style.px_mm if style.trace_mm else max(PEN_MM * style.px_mm, PEN_PX)


@lru_cache(maxsize=32)
def _layout(style: PageStyle) -> Layout:
    return lay_out(style)


@lru_cache(maxsize=8)
def _grid(style: PageStyle) -> Mask:
    if style.grid == "none":
        return np.zeros((style.height_px, style.width_px), dtype=np.uint8)
    return grid_levels(style.height_px, style.width_px, style.px_mm)


@lru_cache(maxsize=8)
def _printed(style: PageStyle, names: bool) -> Mask:
    """Pulses, separators and lettering: the same on every page of a style."""
    layout = _layout(style)
    foot, top = PULSE_S * style.speed_mm_s, PULSE_MV * style.gain_mm_mv
    lines = [np.array([(x, top_), (x, bottom)]) for x, top_, bottom in layout.separators_mm]
    for x, y in layout.pulses_mm:
        lead_in = min(2.0, x)
        lines.append(
            np.array(
                [
                    (x - lead_in, y),
                    (x, y),
                    (x, y - top),
                    (x + foot, y - top),
                    (x + foot, y),
                    (x + foot + lead_in, y),
                ]
            )
        )
    if names:
        lines += [
            lettering(LEADS[strip.lead], *strip.name_mm, layout.name_height_mm) for strip in layout.strips
        ]
        if FOOTER_MM * style.px_mm >= FOOTER_PX:
            scale = f"{style.speed_mm_s:g} mm/s  {style.gain_mm_mv:g} mm/mV"
            lines.append(lettering(scale, *layout.footer_mm, FOOTER_MM))
    mask = np.zeros((style.height_px, style.width_px), dtype=np.uint8)
    for line in lines:
        draw_lines(mask, line * style.px_mm, _pen_px(style))
    return mask


@lru_cache(maxsize=8)
def _boxes(style: PageStyle) -> tuple[Box, ...]:
    layout = _layout(style)

    def box(strip: Strip) -> Box:
        right_mm = strip.left_mm + (strip.end_s - strip.start_s) * style.speed_mm_s
        edges = (strip.left_mm, strip.top_mm, right_mm, strip.bottom_mm)
        return Box(LEADS[strip.lead], *(round(edge * style.px_mm) for edge in edges))

    return tuple(box(strip) for strip in layout.strips)


@lru_cache(maxsize=len(COLOURS))
def _palette(grid: str) -> NDArray[np.uint8]:
    """(256, 3): from paper to grid colour by the high nibble, from that to ink by the low one."""
    paper, colour, ink = (np.array(rgb, dtype=np.int64) for rgb in (PAPERS[grid], COLOURS[grid], INK))
    level = np.arange(16)[:, None]
    ground = (paper * (15 - level) + colour * level + 7) // 15
    mixed = (ground[:, None, :] * (15 - level) + ink * level + 7) // 15
    return mixed.reshape(256, 3).astype(np.uint8)
