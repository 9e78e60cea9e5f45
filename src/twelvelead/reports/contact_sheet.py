"""A contact sheet: one record on every kind of page, side by side, in one HTML file of its own."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from twelvelead.ecg.record import Record
from twelvelead.paper.compose import compose
from twelvelead.paper.encode import png_bytes
from twelvelead.paper.jpeg import jpeg_bytes
from twelvelead.paper.page import PageStyle, render
from twelvelead.paper.photo import photograph
from twelvelead.paper.presets import PRESETS, draw_degradation
from twelvelead.paper.style import FONTS, FORMS, GRID_FORMS, GRIDS, INKS, PULSES, SEPARATORS

WIDTH_PX = 1120  # two tiles of Mllama
ROW_PX = 112  # at least; so many rows of leads, so high the page
ABOUT = {
    "clean": "as printed",
    "scan": "flatbed or copier",
    "photo": "a phone over a desk",
    "harsh": "mistreated, badly photographed",
    "ecginstruct": "after what PULSE published; those that stay clean are not shown",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """One page of the sheet."""

    name: str
    note: str
    source: str  # data: URL
    width: int
    height: int


def render_sheet(record: Record, seed: int) -> str:
    """The sheet.

    Args:
        record: What is drawn.
        seed: Decides over what presets leave open; each page has its own stream.

    Returns:
        HTML.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("contact_sheet.html.j2").render(
        record=record.record_id,
        seed=seed,
        about=ABOUT,
        presets=tuple(PRESETS),
        rows=[{"name": name, "pages": list(_presets(record, name, seed))} for name in LAYOUTS],
        choices=list(_choices(record)),
    )


def style_of(name: str, **look: Any) -> PageStyle:
    """The page of a layout, four pixels a millimetre, as high as its rows need."""
    layout, _, order = name.partition(" ")
    form = FORMS[layout]
    rows = form.rows + len(form.rhythm)
    height_px = max(WIDTH_PX // 2, rows * ROW_PX + (0 if layout == "12x1" else 48))
    return PageStyle(layout, WIDTH_PX, height_px, order=order or "standard", **({"font": "sans"} | look))


LAYOUTS = (*FORMS, "6x2+1r cabrera")


def _presets(record: Record, name: str, seed: int) -> Iterator[Picture]:
    style = style_of(name)
    for number, preset in enumerate(PRESETS):
        key: tuple[int, ...] = (seed, LAYOUTS.index(name), number)
        rng = np.random.default_rng(key)
        degradation = draw_degradation(preset, rng)
        while preset != "clean" and not degradation.strengths():
            degradation = draw_degradation(preset, rng)
        strengths = degradation.strengths()
        if strengths:
            scene = compose(record.signal_mv, record.fs_hz, style)
            data, kind = jpeg_bytes(photograph(scene, degradation, key, words=True)), "jpeg"
        else:
            data, kind = png_bytes(render(record.signal_mv, record.fs_hz, style)), "png"
        strongest = sorted(strengths, key=lambda kind: -strengths[kind])[:4]
        note = ", ".join(f"{kind} {strengths[kind]:.2f}" for kind in strongest) or "nothing happened to it"
        yield Picture(f"{name}, {preset}", note, _url(data, kind), style.width_px, style.height_px)


def _choices(record: Record) -> Iterator[dict[str, Any]]:
    """What can be chosen of print and paper, one choice a picture, the rest as it is by default."""
    grids = [{"grid": grid, "grid_form": form} for grid in GRIDS[:-1] for form in GRID_FORMS]
    sections: tuple[tuple[str, str, list[dict[str, Any]]], ...] = (
        ("Grids", "--grid, --grid-form", [*grids, {"grid": "none"}]),
        ("Inks", "--ink", [{"ink": ink} for ink in INKS]),
        ("Fonts", "--font", [{"font": font} for font in FONTS]),
        ("Separators", "--separators", [{"separators": kind} for kind in SEPARATORS]),
        ("Calibration pulses", "--pulse", [{"pulse": kind} for kind in PULSES]),
        (
            "Scale and time", "--speed, --gain, --chest-gain, --timing",
            [{"speed_mm_s": 12.5}, {"speed_mm_s": 50.0}, {"gain_mm_mv": 5.0}, {"gain_mm_mv": 20.0},
             {"chest_gain_mm_mv": 5.0}, {"timing": "simultaneous"}],
        ),
    )  # fmt: skip
    for title, options, looks in sections:
        pages = []
        for look in looks:
            style = style_of("3x4+1r", **look)
            data = png_bytes(render(record.signal_mv, record.fs_hz, style))
            name = ", ".join(f"{key} {value}" for key, value in look.items())
            pages.append(Picture(name, "", _url(data, "png"), style.width_px, style.height_px))
        yield {"title": title, "options": options, "pages": pages}


def _url(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
