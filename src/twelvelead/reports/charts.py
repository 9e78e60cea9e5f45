"""Charts as inline SVG: no script, no font, no file beside; colours come from the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

WIDTH = 440  # of the viewBox; text of 13 units is legible on a phone and not huge on a desktop


@dataclass(frozen=True, slots=True)
class Point:
    """A figure and its interval; None where there is none."""

    value: float | None
    lower: float | None = None
    upper: float | None = None


def dot_chart(
    rows: Sequence[tuple[str, Mapping[str, Point]]],
    *,
    title: str,
    about: str,
    low: float = 0.0,
    high: float = 1.0,
    mark: float | None = None,
) -> str:
    """One line a row, one marker a series on it, with its interval as a bar.

    Args:
        rows: Label and, by series name, the points. The names are CSS classes too.
        title: Accessible name.
        about: Accessible description.
        low: Least value that must be on the axis.
        high: Greatest value that must be on the axis.
        mark: A value to mark by a dashed line, such as chance or zero.

    Returns:
        The SVG element; empty where there is no row.
    """
    if not rows:
        return ""
    shown = [number for _, points in rows for point in points.values() for number in _numbers(point)]
    ticks = nice_ticks(min([low, *shown]), max([high, *shown]))
    gutter, margin, top, pitch = 74, 18, 24, 27
    bottom = top + pitch * len(rows)

    def x(value: float) -> float:
        return gutter + (value - ticks[0]) / (ticks[-1] - ticks[0]) * (WIDTH - gutter - margin)

    parts = [_grid(x(tick), top, bottom, _label(tick, ticks), 16) for tick in ticks]
    if mark is not None:
        parts.append(f'<path class="mark" d="M{x(mark):.1f} {top}V{bottom}"/>')
    for number, (label, points) in enumerate(rows):
        middle = top + pitch * (number + 0.5)
        parts.append(
            f'<text x="{gutter - 12}" y="{middle + 4.5:.1f}" text-anchor="end">{escape(label)}</text>'
        )
        for place, (name, point) in enumerate(points.items()):
            y = middle + 6.5 * (place - (len(points) - 1) / 2)
            parts.append(_point(name, point, x, y, f"{label}, {name}"))
        if all(point.value is None for point in points.values()):
            parts.append(
                f'<text class="faint over" x="{gutter + 8}" y="{middle + 4.5:.1f}">not measurable</text>'
            )
    return _svg(WIDTH, bottom + 8, parts, title, about)


def line_chart(points: Sequence[tuple[float, float | None]], *, title: str, name: str, x_name: str) -> str:
    """One curve with its last value written out; gaps are bridged, a single point is a dot.

    Args:
        points: (x, y) in order; y None is left out.
        title: Accessible name, drawn above.
        name: Series name, a CSS class.
        x_name: What the x axis counts.
    """
    known = [(x, y) for x, y in points if y is not None and math.isfinite(y)]
    if not known:
        return ""
    width, height, left, right, top, bottom = 340, 200, 52, 56, 34, 168
    ticks = nice_ticks(min(y for _, y in known), max(y for _, y in known), most=5)
    first, last = known[0][0], known[-1][0]

    def place(x: float, y: float) -> str:
        across = (x - first) / (last - first) if last > first else 0.5
        up = (y - ticks[0]) / (ticks[-1] - ticks[0])
        return f"{left + across * (width - left - right):.1f} {bottom - up * (bottom - top):.1f}"

    path = "M" + "L".join(place(x, y) for x, y in known)
    end_x, end_y = place(*known[-1]).split()
    parts = [f'<text class="strong" x="0" y="14">{escape(title)}</text>']
    for tick in ticks:
        y = place(first, tick).split()[1]
        parts.append(f'<path class="grid" d="M{left} {y}H{width - right}"/>')
        parts.append(
            f'<text x="{left - 8}" y="{float(y) + 4.5:.1f}" text-anchor="end">{_label(tick, ticks)}</text>'
        )
    parts.append(f'<path class="curve {escape(name)}" d="{path}"/>')
    parts.append(f'<circle class="dot {escape(name)}" cx="{end_x}" cy="{end_y}" r="4"/>')
    beside = f'x="{float(end_x) + 8:.1f}" y="{float(end_y) + 4.5:.1f}"'
    parts.append(f'<text class="strong" {beside}>{known[-1][1]:.3f}</text>')
    axis = f"{x_name} {first:g} to {last:g}" if last > first else f"{x_name} {first:g}"
    parts.append(f'<text class="faint" x="{left}" y="{height - 8}">{escape(axis)}</text>')
    about = f"{title}: from {known[0][1]:.3f} to {known[-1][1]:.3f}, {axis}."
    return _svg(width, height, parts, title, about)


def nice_ticks(low: float, high: float, most: int = 7) -> list[float]:
    """Round numbers that enclose a range, at most about `most` of them and at least two."""
    if not high > low:
        low, high = low - 0.05, high + 0.05
    rough = (high - low) / (most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    start, stop = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 10) for number in range(start, max(stop, start + 1) + 1)]


def _numbers(point: Point) -> list[float]:
    return [
        value
        for value in (point.value, point.lower, point.upper)
        if value is not None and math.isfinite(value)
    ]


def _point(name: str, point: Point, x: object, y: float, label: str) -> str:
    if point.value is None or not callable(x):
        return ""
    at, kind = x(point.value), escape(name)
    text = f"{label}: {point.value:.3f}"
    bar = ""
    if point.lower is not None and point.upper is not None:
        text += f" ({point.lower:.3f} to {point.upper:.3f})"
        bar = f'<path class="bar {kind}" d="M{x(point.lower):.1f} {y:.1f}H{x(point.upper):.1f}"/>'
    return f"<g><title>{escape(text)}</title>{bar}{marker(name, at, y)}</g>"


def marker(name: str, x: float, y: float) -> str:
    """A series' marker: shape and colour both tell, for readers who see few colours."""
    shapes = {
        "cnn": f'<rect class="dot cnn" x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"/>',
        "page_cnn": f'<path class="dot page_cnn" d="M{x:.1f} {y - 5.5:.1f}l5.5 5.5l-5.5 5.5l-5.5-5.5z"/>',
        "base": f'<path class="dot base" d="M{x:.1f} {y - 5:.1f}l5 9h-10z"/>',
    }
    return shapes.get(name, f'<circle class="dot {escape(name)}" cx="{x:.1f}" cy="{y:.1f}" r="4.6"/>')


def _grid(x: float, top: float, bottom: float, label: str, text_y: float) -> str:
    return (
        f'<path class="grid" d="M{x:.1f} {top}V{bottom}"/>'
        f'<text class="faint" x="{x:.1f}" y="{text_y}" text-anchor="middle">{label}</text>'
    )


def _label(tick: float, ticks: Sequence[float]) -> str:
    step = min(after - before for before, after in pairwise(ticks))
    return f"{tick:.{max(0, -math.floor(math.log10(step) + 1e-9))}f}".replace("-", "−")


def _svg(width: float, height: float, parts: Sequence[str], title: str, about: str) -> str:
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title><desc>{escape(about)}</desc>{''.join(parts)}</svg>"
    )
