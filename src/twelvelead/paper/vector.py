"""A scene as SVG or PDF, written by hand: no pixels, nothing lost when it is printed or enlarged.

Everything is in whole micrometres, so that coordinates are short and
equal everywhere. The sheet is its true size: 25 mm on the printed page are a second at 25 mm/s.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from twelvelead.paper.grid import (
    COLOURS,
    DOT_WIDTH_MM,
    FAINT,
    MAJOR_LEVEL,
    MAJOR_MM,
    MAJOR_WIDTH_MM,
    MINOR_LEVEL,
    MINOR_MM,
    MINOR_WIDTH_MM,
    PAPERS,
)
from twelvelead.paper.page import INK, INKS
from twelvelead.paper.scene import Mark, Scene
from twelvelead.paper.style import MM_PER_INCH

UM = 1000  # micrometres a millimetre
POINTS_PER_UM = 72 / (MM_PER_INCH * UM)  # PDF's unit is 1/72 inch
TITLE = "12-lead ECG. Not a medical device."

Points = NDArray[np.float64]
Whole = NDArray[np.int64]
Colour = tuple[int, int, int]
Ruling = tuple[Whole, int, Colour, bool]  # ends of lines as x0 y0 x1 y1, width, colour, dotted


def svg_bytes(scene: Scene) -> bytes:
    """The sheet as SVG 1.1; each signal is a path of class "trace" that names its lead."""
    width, height = _size(scene)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width / UM:g}mm" height="{height / UM:g}mm" '
        f'viewBox="0 0 {width} {height}" fill="none" stroke-linecap="round" stroke-linejoin="round">',
        f"<title>{TITLE}</title>",
        f'<rect width="{width}" height="{height}" fill="{_hex(PAPERS[scene.style.grid])}"/>',
    ]
    for lines, pen, colour, dotted in _ruling(scene):
        dots = f' stroke-dasharray="0 {round(MINOR_MM * UM)}"' if dotted else ' stroke-linecap="butt"'
        path = "".join(f"M{x0},{y0}L{x1},{y1}" for x0, y0, x1, y1 in lines.tolist())
        parts.append(f'<path class="grid" stroke="{_hex(colour)}" stroke-width="{pen}"{dots} d="{path}"/>')
    for mark in scene.marks:
        parts.append(_svg_mark(mark))
    ink = _hex(INKS[scene.style.ink])
    for trace in scene.traces:
        parts.append(
            f'<path class="trace" data-lead={quoteattr(trace.strip.name)} stroke="{ink}" '
            f'stroke-width="{_um(scene.pen_mm)}" d="{_relative(trace.points)}"/>'
        )
    return "\n".join([*parts, "</svg>\n"]).encode("utf-8")


def pdf_bytes(scene: Scene) -> bytes:
    """The sheet as one page of PDF 1.4, without dates or random ids: equal sheets are equal bytes."""
    width, height = _size(scene)
    scale = POINTS_PER_UM
    drawn = [
        f"{scale:.10f} 0 0 -{scale:.10f} 0 {height * scale:.6f} cm 1 J 1 j",
        f"{_rgb(PAPERS[scene.style.grid])} rg 0 0 {width} {height} re f",
    ]
    for lines, pen, colour, dotted in _ruling(scene):
        dash = f"[0 {round(MINOR_MM * UM)}] 0 d" if dotted else "0 J"
        drawn.append(f"q {_rgb(colour)} RG {pen} w {dash}")
        drawn += [f"{x0} {y0} m {x1} {y1} l" for x0, y0, x1, y1 in lines.tolist()]
        drawn.append("S Q")
    drawn.append(f"{_rgb(INK)} RG {_rgb(INK)} rg")
    for mark in scene.marks:
        if len(mark.strokes):
            drawn += [f"{_um(mark.pen_mm)} w", *_absolute(mark.strokes), "S"]
        if len(mark.fills):
            drawn += [*_absolute(mark.fills, close=" h"), "f"]
    drawn.append(f"{_rgb(INKS[scene.style.ink])} RG {_um(scene.pen_mm)} w")
    for trace in scene.traces:
        drawn += [*_absolute(trace.points), "S"]
    content = zlib.compress("\n".join(drawn).encode("ascii"), 6)
    box = f"[0 0 {width * scale:.4f} {height * scale:.4f}]"
    return _pdf_file(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Resources << >> /Contents 4 0 R >>".encode(),
            b"<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream" % (len(content), content),
            f"<< /Title ({TITLE}) /Producer (Twelvelead) >>".encode(),
        ]
    )


def _pdf_file(objects: list[bytes]) -> bytes:
    """Objects 1 to n and the table of where they begin (ISO 32000-1, 7.5); 1 is the root, n the info."""
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    starts = []
    for number, content in enumerate(objects, 1):
        starts.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % start for start in starts)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\n" % (len(objects) + 1, len(objects))
    out += b"startxref\n%d\n%%%%EOF\n" % table
    return bytes(out)


def _svg_mark(mark: Mark) -> str:
    said = f"<title>{escape(mark.text)}</title>" if mark.text else ""
    paths = []
    if len(mark.strokes):
        pen = f'stroke="{_hex(INK)}" stroke-width="{_um(mark.pen_mm)}"'
        paths.append(f'<path {pen} d="{_relative(mark.strokes)}"/>')
    if len(mark.fills):
        paths.append(f'<path fill="{_hex(INK)}" d="{_relative(mark.fills, close="z")}"/>')
    return f'<g class="{mark.kind}">{said}{"".join(paths)}</g>'


def _ruling(scene: Scene) -> Iterator[Ruling]:
    """The grid, the strongest lines last: the strengths of grid.py as mixtures of colour and paper."""
    style = scene.style
    if style.grid == "none":
        return
    colour, paper = COLOURS[style.grid], PAPERS[style.grid]
    share = FAINT if style.grid_form == "faint" else 1.0
    major = _mixed(paper, colour, share)
    if style.grid_form == "dotted":
        yield _rows(scene, MINOR_MM), _um(DOT_WIDTH_MM), colour, True
        major = _mixed(paper, colour, 0.5)
    elif style.grid_form != "coarse":
        minor = _mixed(paper, colour, share * MINOR_LEVEL / MAJOR_LEVEL)
        both = np.concatenate([_rows(scene, MINOR_MM), _columns(scene, MINOR_MM)])
        yield both, _um(MINOR_WIDTH_MM), minor, False
    both = np.concatenate([_rows(scene, MAJOR_MM), _columns(scene, MAJOR_MM)])
    yield both, _um(MAJOR_WIDTH_MM), major, False


def _rows(scene: Scene, step_mm: float) -> Whole:
    width, height = _size(scene)
    at = np.arange(0, height + 1, round(step_mm * UM))
    return np.column_stack([np.zeros_like(at), at, np.full_like(at, width), at])


def _columns(scene: Scene, step_mm: float) -> Whole:
    width, height = _size(scene)
    at = np.arange(0, width + 1, round(step_mm * UM))
    return np.column_stack([at, np.zeros_like(at), at, np.full_like(at, height)])


def _lines(points: Points) -> Iterator[Whole]:
    """The lines between rows of NaN, in whole micrometres."""
    known = np.isfinite(points).all(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(np.int8)))
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        yield np.rint(points[first:last] * UM).astype(np.int64)


def _relative(points: Points, close: str = "") -> str:
    """Path data with relative steps; a line of one point becomes a dot, for the pen has a round end."""
    parts = []
    for line in _lines(points):
        steps = np.diff(line, axis=0) if len(line) > 1 else np.zeros((1, 2), dtype=np.int64)
        said = " ".join(f"{x},{y}" for x, y in steps.tolist())
        parts.append(f"M{line[0, 0]},{line[0, 1]}l{said}{close}")
    return "".join(parts)


def _absolute(points: Points, close: str = "") -> Iterator[str]:
    for line in _lines(points):
        x, y = line[0].tolist()
        rest = line[1:] if len(line) > 1 else line
        yield f"{x} {y} m"
        yield "\n".join(f"{x} {y} l" for x, y in rest.tolist()) + close


def _size(scene: Scene) -> tuple[int, int]:
    return _um(scene.width_mm), _um(scene.height_mm)


def _um(length_mm: float) -> int:
    return round(length_mm * UM)


def _mixed(paper: Colour, colour: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(paper, colour, strict=True))
    return red, green, blue


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _rgb(colour: Colour) -> str:
    return " ".join(f"{channel / 255:.4f}" for channel in colour)
