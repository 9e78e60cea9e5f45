"""A record and a style become a scene: every line of a sheet, in millimetres."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twelvelead.ecg.lead import LEADS
from twelvelead.errors import RecordError
from twelvelead.paper.font import text_ink, text_width
from twelvelead.paper.layout import MEDIAN_BEFORE_S, Layout, Strip, lay_out
from twelvelead.paper.median import median_complex
from twelvelead.paper.scene import Kind, Mark, Rect, Scene, Trace
from twelvelead.paper.style import PULSE_MV, PageStyle
from twelvelead.paper.words import LINE_MM, TEXT_MM, Words

PEN_MM, PEN_PX = 0.35, 1.4  # a plotter's pen; the least that a small vision model still sees as a line
FOOTER_MM, FOOTER_PX = 3.0, 6.0  # a capital of the footer, and the fewest pixels in which it can be read
TICK_MM = 4.0
DASH_MM = 2.0
COLUMNS_MM = (0.0, 82.0, 150.0)  # of the header: identity, measurements, interpretation
LAST_COLUMN_MM = 80.0
MARGIN_MM = 3.0
NO_WORDS = Words()
NOTHING = np.empty((0, 2))
GAP = np.full((1, 2), np.nan)

Points = NDArray[np.float64]


def compose(
    signal_mv: NDArray[np.floating[Any]],
    fs_hz: float,
    style: PageStyle,
    words: Words = NO_WORDS,
    names: bool = True,
    median_mv: NDArray[np.floating[Any]] | None = None,
) -> Scene:
    """Lay a record on paper.

    The window is the record's first ten seconds; where it is shorter, or NaN, the paper stays bare. A trace
    that leaves its row goes where it goes and ends at the edge of the page, as on a machine.

    Args:
        signal_mv: (12, n) mV, rows in the order of `LEADS`.
        fs_hz: Samples a second.
        style: Layout, size, scale and look.
        words: Text of the header; `words.allowed` says on which folds.
        names: False leaves lead names and footer out.
        median_mv: (12, m) mV the median complexes, where they are known already.

    Raises:
        RecordError: The signal is not (12, n) with samples, or the rate is not positive.
    """
    signal = np.asarray(signal_mv, dtype=np.float64)
    if signal.ndim != 2 or signal.shape[0] != len(LEADS) or signal.shape[1] == 0:
        raise RecordError(f"the signal has shape {np.shape(signal_mv)}", expected="(12, n) with n > 0")
    if not (np.isfinite(fs_hz) and fs_hz > 0):
        raise RecordError(f"the sampling rate is {fs_hz}", expected="a positive number of Hz")
    layout = _layout(style, words.header_mm)
    median = None
    if style.form.median:
        median = median_complex(signal, fs_hz) if median_mv is None else np.asarray(median_mv, np.float64)
    traces = tuple(_trace(strip, signal, median, fs_hz, style) for strip in layout.strips)
    marks = printed(style, words.header_mm, names)
    if words:
        marks = (*marks, *_header(style, layout, words))
    return Scene(style, style.width_mm, style.height_mm, traces, marks, pen_mm(style))


def bare(style: PageStyle) -> Scene:
    """Paper and grid alone."""
    return Scene(style, style.width_mm, style.height_mm, (), (), pen_mm(style))


def pen_mm(style: PageStyle) -> float:
    """Width of the pen."""
    return style.trace_mm or max(PEN_MM, PEN_PX / style.px_mm)


@lru_cache(maxsize=64)
def _layout(style: PageStyle, header_mm: float) -> Layout:
    return lay_out(style, header_mm)


def _trace(strip: Strip, signal: Points, median: Points | None, fs_hz: float, style: PageStyle) -> Trace:
    if strip.median:
        assert median is not None
        samples = median[strip.lead]
        begin = strip.left_mm
    else:
        # Both ends of a strip's time belong to it, so that the line meets the separator.
        first = int(np.ceil(strip.start_s * fs_hz - 1e-6))
        samples = signal[strip.lead, first : int(np.floor(strip.end_s * fs_hz + 1e-6)) + 1]
        begin = strip.left_mm + (first / fs_hz - strip.start_s) * style.speed_mm_s
    x = begin + np.arange(samples.size) * (style.speed_mm_s / fs_hz)
    # Absurd samples stay within what pixels can be counted in; far outside is far outside.
    reach_mm = 8.0 * (style.width_mm + style.height_mm)
    y = strip.baseline_mm - samples * (strip.sign * strip.gain_mm_mv)
    points = np.column_stack([x, np.clip(y, -reach_mm, reach_mm)])
    points[~np.isfinite(y)] = np.nan
    return Trace(strip, points, strip.gain_mm_mv)


@lru_cache(maxsize=64)
def printed(style: PageStyle, header_mm: float, names: bool) -> tuple[Mark, ...]:
    """Pulses, separators and lettering: the same on every page of a style."""
    layout, pen = _layout(style, header_mm), pen_mm(style)
    marks = []
    for pulse in layout.pulses:
        foot, top = style.pulse_foot_mm, PULSE_MV * pulse.gain_mm_mv
        lead_in = min(2.0, pulse.x_mm, max(style.width_mm - pulse.x_mm - foot, 0.0))
        x, y = pulse.x_mm, pulse.y_mm
        line = [
            (x - lead_in, y),
            (x, y),
            (x, y - top),
            (x + foot, y - top),
            (x + foot, y),
            (x + foot + lead_in, y),
        ]
        marks.append(_lines("pulse", "", [line], pen))
    marks += [
        mark
        for x, top, bottom in layout.separators_mm
        if (mark := _separator(style, x, top, bottom, pen)) is not None
    ]
    if names:
        marks += [
            _text("name", strip.name, strip.name_mm, layout.name_height_mm, style.font, pen)
            for strip in layout.strips
        ]
        if FOOTER_MM * style.px_mm >= FOOTER_PX:
            marks.append(_text("text", style.footer, layout.footer_mm, FOOTER_MM, style.font, pen))
    return tuple(marks)


def _separator(style: PageStyle, x: float, top: float, bottom: float, pen: float) -> Mark | None:
    middle = (top + bottom) / 2
    if style.separators == "none":
        return None
    if style.separators == "tick":
        lines = [[(x, middle - TICK_MM), (x, middle + TICK_MM)]]
    elif style.separators == "dashed":
        starts = np.arange(top, bottom, 2 * DASH_MM)
        lines = [[(x, float(y)), (x, float(min(y + DASH_MM, bottom)))] for y in starts]
    elif style.separators == "double":
        lines = [[(at, middle - TICK_MM), (at, middle + TICK_MM)] for at in (x - 0.5, x + 0.5)]
    else:
        lines = [[(x, top), (x, bottom)]]
    return _lines("separator", "", lines, pen)


def _header(style: PageStyle, layout: Layout, words: Words) -> list[Mark]:
    x0, y0 = layout.header_mm
    room = style.width_mm - x0 - MARGIN_MM
    squeeze = min(room / (COLUMNS_MM[-1] + LAST_COLUMN_MM), 1.0)
    starts = [start * squeeze for start in COLUMNS_MM]
    pen = min(pen_mm(style), 0.3)
    marks = []
    blocks = (words.identity, words.measurements, words.interpretation)
    for column, (start, end, lines) in enumerate(zip(starts, (*starts[1:], room), blocks, strict=True)):
        height = _fitting(lines, end - start - 2.0, TEXT_MM, style.font)
        for number, line in enumerate(lines):
            place = (x0 + start, y0 + number * LINE_MM + TEXT_MM)
            if column == 0 and number in words.redaction:
                width = max(text_width(line, height, style.font), 8.0)
                marks.append(_bar(Rect(place[0], place[1] - TEXT_MM - 0.5, place[0] + width, place[1] + 0.8)))
            elif line:
                marks.append(_text("text", line, place, height, style.font, pen))
    if words.footer:
        words.check_scale(style)
        left = layout.footer_mm[0] + text_width(style.footer, FOOTER_MM, style.font) + 8.0
        height = _fitting((words.footer,), style.width_mm - left - MARGIN_MM, FOOTER_MM, style.font)
        marks.append(_text("text", words.footer, (left, layout.footer_mm[1]), height, style.font, pen))
    return marks


def _fitting(lines: tuple[str, ...], room_mm: float, height_mm: float, font: str) -> float:
    """The height of letters, less where the longest line would not fit: nothing printed leaves the paper."""
    longest = max((text_width(line, height_mm, font) for line in lines), default=0.0)
    return height_mm * min(max(room_mm, 0.1) / longest, 1.0) if longest else height_mm


def _text(kind: Kind, text: str, place: tuple[float, float], height: float, font: str, pen: float) -> Mark:
    strokes, fills = text_ink(text, *place, height, font)
    return Mark(kind, text, _extent(strokes, fills, pen), strokes, fills, pen)


def _lines(kind: Kind, text: str, lines: list[list[tuple[float, float]]], pen: float) -> Mark:
    strokes = np.concatenate([part for line in lines for part in (np.array(line), GAP)])
    return Mark(kind, text, _extent(strokes, NOTHING, pen), strokes, NOTHING, pen)


def _bar(box: Rect) -> Mark:
    corners = [(box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1)]
    return Mark("redaction", "", box, NOTHING, np.concatenate([np.array(corners), GAP]), 0.0)


def _extent(strokes: Points, fills: Points, pen: float) -> Rect:
    points = np.concatenate([strokes, fills])
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return Rect(0.0, 0.0, 0.0, 0.0)
    half = pen / 2 if len(strokes) else 0.0
    (x0, y0), (x1, y1) = points.min(axis=0) - half, points.max(axis=0) + half
    return Rect(float(x0), float(y0), float(x1), float(y1))


__all__ = ["MEDIAN_BEFORE_S", "bare", "compose", "pen_mm", "printed"]
