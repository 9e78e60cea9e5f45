"""SVG and PDF hold every point of the scene where it is on paper, at the sheet's true size."""

from __future__ import annotations

import re
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest

from twelvelead.paper.compose import compose
from twelvelead.paper.page import INK, INKS, PageStyle, Words
from twelvelead.paper.scene import Scene
from twelvelead.paper.vector import UM, pdf_bytes, svg_bytes

SVG = "{http://www.w3.org/2000/svg}"
FS_HZ = 500.0


@pytest.fixture(scope="module")
def signal() -> np.ndarray:
    time_s = np.arange(5000) / FS_HZ
    return np.stack([0.8 * np.sin(2 * np.pi * (1.0 + 0.1 * lead) * time_s) for lead in range(12)])


@pytest.fixture(scope="module")
def scene(signal: np.ndarray) -> Scene:
    holed = signal.copy()
    holed[0, 300:400] = np.nan
    holed[0, 350] = 0.5  # one sample alone between two gaps
    style = PageStyle.paper("a4", layout="3x4+1r", font="sans", ink="blue")
    return compose(holed, FS_HZ, style, Words(identity=("A & B <c>",), redaction=(0,), footer="40Hz"))


def _walk(path: str) -> list[np.ndarray]:
    """The lines of path data in absolute micrometres."""
    lines = []
    for x, y, steps in re.findall(r"M(-?\d+),(-?\d+)l([^Mz]*)", path):
        moves = np.array([[int(v) for v in step.split(",")] for step in steps.split()])
        lines.append(np.array([int(x), int(y)]) + np.vstack([np.zeros_like(moves[:1]), moves.cumsum(axis=0)]))
    return lines


def _operators(pdf: bytes) -> str:
    (stream,) = re.findall(rb"stream\n(.*?)\nendstream", pdf, re.DOTALL)
    return zlib.decompress(stream).decode()


def test_svg_has_the_size_of_the_paper_and_every_sample(scene: Scene) -> None:
    root = ElementTree.fromstring(svg_bytes(scene))
    assert (root.get("width"), root.get("height")) == ("297mm", "210mm")
    assert root.get("viewBox") == "0 0 297000 210000"
    drawn = [path for path in root.iter(f"{SVG}path") if path.get("class") == "trace"]
    assert [path.get("data-lead") for path in drawn] == [trace.strip.name for trace in scene.traces]
    for path, trace in zip(drawn, scene.traces, strict=True):
        assert path.get("stroke") == "#{:02x}{:02x}{:02x}".format(*INKS["blue"])
        known = trace.points[np.isfinite(trace.points).all(axis=1)]
        lines = _walk(path.get("d", ""))
        if trace.strip.name == "I":
            assert [len(line) for line in lines] == [300, 2, 851]  # before, the lone sample as a dot, behind
            assert (lines[1][0] == lines[1][1]).all()
            lines[1] = lines[1][:1]
        found = np.concatenate(lines)
        assert np.abs(found - known * UM).max() <= 0.5


def test_svg_says_what_is_printed_and_escapes_it(signal: np.ndarray) -> None:
    style = PageStyle.paper("a4", layout="3x4+1r", font="serif")
    drawn = svg_bytes(compose(signal, FS_HZ, style, Words(identity=("A & B <c>",))))
    said = [title.text for title in ElementTree.fromstring(drawn).iter(f"{SVG}title")]
    assert "25 mm/s  10 mm/mV" in said
    assert "A & B <c>" in said


def test_redacted_text_is_not_in_the_file(scene: Scene) -> None:
    assert b"A &amp; B" not in svg_bytes(scene)


def test_pdf_draws_the_same_lines_at_the_true_size(scene: Scene) -> None:
    pdf = pdf_bytes(scene)
    (box,) = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert [float(side) for side in box] == pytest.approx([297 / 25.4 * 72, 210 / 25.4 * 72], abs=1e-3)
    operators = _operators(pdf)
    scale, zero, _, flip, _, top = map(float, operators.split()[:6])
    assert (scale, zero, flip) == (pytest.approx(72 / 25400), 0.0, -scale)
    assert top == pytest.approx(210 / 25.4 * 72, abs=1e-4)
    assert operators.startswith(f"{scale:.10f} 0 0")
    strip = scene.traces[-1]
    expected = np.rint(strip.points * UM).astype(int)
    last = operators[: operators.rindex("S")].rsplit(" m\n", 1)[1]
    drawn = np.array([line.split()[:2] for line in last.strip().splitlines()], dtype=int)
    assert np.array_equal(drawn, expected[1:])


def test_pdf_knows_where_its_objects_are(scene: Scene) -> None:
    pdf = pdf_bytes(scene)
    assert pdf.startswith(b"%PDF-1.4")
    assert pdf.endswith(b"%%EOF\n")
    start = int(re.findall(rb"startxref\n(\d+)", pdf)[0])
    entries = re.findall(rb"(\d{10}) 00000 n ", pdf[start:])
    assert [pdf[int(at) :].startswith(b"%d 0 obj" % number) for number, at in enumerate(entries, 1)] == [
        True
    ] * 5
    assert b"/Size 6 /Root 1 0 R /Info 5 0 R" in pdf
    (length,) = re.findall(rb"/Length (\d+)", pdf)
    assert len(re.findall(rb"stream\n(.*?)\nendstream", pdf, re.DOTALL)[0]) == int(length)


@pytest.mark.parametrize(
    ("look", "lines"),
    [({}, 298 + 211 + 60 + 43), ({"grid_form": "coarse"}, 60 + 43), ({"grid_form": "dotted"}, 211 + 60 + 43),
     ({"grid": "none"}, 0)],
)  # fmt: skip
def test_the_grid_is_ruled_in_millimetres(signal: np.ndarray, look: dict[str, str], lines: int) -> None:
    drawn = compose(signal, FS_HZ, PageStyle.paper("a4", layout="3x4", **look))
    paths = re.findall(r'class="grid"[^>]* d="([^"]*)"', svg_bytes(drawn).decode())
    assert sum(path.count("M") for path in paths) == lines
    if lines:
        across = sorted({int(x) for x in re.findall(r"M(\d+),0L", paths[-1])})
        assert np.diff(across).tolist() == [5000] * 59
    operators = _operators(pdf_bytes(drawn)).split(f"{' '.join(f'{c / 255:.4f}' for c in INK)} RG")[0]
    assert operators.count(" m ") == lines


def test_equal_sheets_are_equal_bytes(scene: Scene) -> None:
    assert svg_bytes(scene) == svg_bytes(scene)
    assert pdf_bytes(scene) == pdf_bytes(scene)
