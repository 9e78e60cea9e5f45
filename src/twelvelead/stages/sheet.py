"""One record on paper: the commands `page` and `contact-sheet`, for people rather than for the pipeline."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np

from twelvelead.data.dicom import read_dicom
from twelvelead.data.pack import exists
from twelvelead.data.wfdb import read_record
from twelvelead.ecg.record import Record
from twelvelead.errors import ParamsError, RecordError
from twelvelead.paper.compose import compose
from twelvelead.paper.degrade import Degradation
from twelvelead.paper.encode import png_bytes
from twelvelead.paper.jpeg import jpeg_bytes
from twelvelead.paper.page import PageStyle, Words, render
from twelvelead.paper.photo import photograph
from twelvelead.paper.presets import draw_degradation
from twelvelead.paper.sidecar import write_sidecar
from twelvelead.paper.vector import pdf_bytes, svg_bytes

FORMATS = (".png", ".jpg", ".jpeg", ".svg", ".pdf")
WFDB_SUFFIXES = (".hea", ".dat", ".mat")
FLAT_QUALITY = 95  # a clean page as JPEG: lines stay lines
SIDECAR = ".truth"  # see `paper.sidecar.read_sidecar`
DRAW, PHOTO = 0, 1  # streams of a page's key


def open_record(path: Path) -> Record:
    """A WFDB record by its path with or without suffix, or a DICOM file.

    Raises:
        RecordError: There is neither, or it cannot be read.
    """
    bare = path.with_suffix("") if path.suffix.lower() in WFDB_SUFFIXES else path
    if exists(bare.with_name(f"{bare.name}.hea")):
        return read_record(bare)
    if path.is_file():
        return read_dicom(path, path.stem).record
    raise RecordError(
        "there is no such record",
        where=str(path),
        expected="a WFDB record (its path without suffix, or its .hea or .dat) or a DICOM file",
    )


def page_bytes(
    record: Record, style: PageStyle, suffix: str, degradation: Degradation | None, key: tuple[int, ...],
    *, words: Words | None = None, names: bool = True, sidecar: bool = False,
) -> tuple[bytes, bytes]:  # fmt: skip
    """One page as a file, and its sidecar.

    Args:
        record: What is drawn.
        style: The sheet.
        suffix: One of FORMATS.
        degradation: What happens to the sheet; None for a clean print.
        key: Whole numbers that decide all else about a photograph.
        words: Text above the leads.
        names: False leaves lead names and footer out.
        sidecar: Whether the truth about the page is wanted; it is empty otherwise.

    Raises:
        ParamsError: The format is unknown, or a photograph or sidecar is asked of a drawing.
    """
    suffix, said = suffix.lower(), words or Words()
    if suffix not in FORMATS:
        raise ParamsError(f"pages are not written as {suffix!r}", where="-o", expected=", ".join(FORMATS))
    drawing = suffix in (".svg", ".pdf")
    if drawing and (degradation or sidecar):
        what = "a degraded page" if degradation else "a sidecar"
        raise ParamsError(
            f"{what} has pixels, {suffix} has none", where="-o",
            fix="write .png or .jpg, or take --preset clean without --sidecar",
        )  # fmt: skip
    if drawing:
        scene = compose(record.signal_mv, record.fs_hz, style, said, names)
        return svg_bytes(scene) if suffix == ".svg" else pdf_bytes(scene), b""
    warp = None
    if degradation is None:
        page = render(record.signal_mv, record.fs_hz, style, names, said)
        data = png_bytes(page) if suffix == ".png" else _jpeg(page.rgb())
    else:
        scene = compose(record.signal_mv, record.fs_hz, style, said, names)
        photo = photograph(scene, degradation, (*key, PHOTO), words=True)
        data, warp = jpeg_bytes(photo), photo.warp
        if suffix == ".png":
            data = _png_of(data)
    if not sidecar:
        return data, b""
    truth = write_sidecar(record.signal_mv, record.fs_hz, style, words=said, names=names, warp=warp)
    return data, truth


def page_key(seed: int, name: str) -> tuple[int, ...]:
    """What decides over a page: the seed and the record's name, whatever else is made beside it."""
    return seed, int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big")


def drawn(preset: str, key: tuple[int, ...]) -> Degradation | None:
    """What a preset does to the page of this key; None where it leaves it clean."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(key, spawn_key=(DRAW,))))
    degradation = draw_degradation(preset, rng)
    return degradation if degradation.strengths() else None


def page_style(paper: str, dpi: float, width: int, height: int, **look: Any) -> PageStyle:
    """The style of one page.

    Args:
        paper: "a4", "letter", or "fit" for a page of a size of its own.
        dpi: Of a4 and letter.
        width: Pixels; with `height`, the size of a page that fits its layout. 0 takes that of the paper.
        height: Likewise.
        look: Further fields of `PageStyle`.

    Raises:
        ParamsError: A value is unknown or does not go with another one.
    """
    if width or height:
        if not (width > 0 and height > 0):
            raise ParamsError("one without the other", where="--width, --height", fix="give both, or neither")
        return PageStyle(width_px=width, height_px=height, **look)
    if paper == "fit":
        raise ParamsError("the page has no size", where="--paper", fix="give --width and --height as well")
    if not 0 < dpi <= 1200:
        raise ParamsError(f"is {dpi:g}", where="--dpi", expected="a number up to 1200")
    return PageStyle.paper(paper, dpi, **look)


def page(
    record: Path, to: Path, paper: str, dpi: float, width: int, height: int, speed: float, gain: float,
    chest_gain: float, rhythm: str, preset: str, seed: int, start: float, names: bool, sidecar: bool,
    **look: str,
) -> dict[str, Any]:  # fmt: skip
    """Draw one record and write it; `to` says by its suffix as what.

    Args:
        record: Its path, see `open_record`.
        to: The file to write, whole or not at all.
        paper: See `page_style`, also for the four after it.
        dpi: Of a4 and letter.
        width: Pixels.
        height: Pixels.
        speed: mm/s.
        gain: mm/mV.
        chest_gain: mm/mV of V1 to V6; 0 is that of the limb leads.
        rhythm: Leads of the long strips, by commas; empty takes the layout's.
        preset: What happens to the sheet.
        seed: Decides over what the preset leaves open.
        start: Seconds of the record that are skipped.
        names: Whether leads and scale are named.
        sidecar: Whether the truth about the page is written beside it, as its name and `.truth`.
        look: Further fields of `PageStyle`.

    Returns:
        The file and what is in it.
    """
    source = from_second(open_record(record), start)
    leads = tuple(name.strip() for name in rhythm.split(",") if name.strip())
    style = page_style(
        paper, dpi, width, height, speed_mm_s=speed, gain_mm_mv=gain, chest_gain_mm_mv=chest_gain,
        rhythm=leads, **look,
    )  # fmt: skip
    key = page_key(seed, source.record_id)
    degradation = drawn(preset, key)
    data, truth = page_bytes(source, style, to.suffix, degradation, key, names=names, sidecar=sidecar)
    write_whole(to, data)
    if truth:
        write_whole(to.with_name(f"{to.name}{SIDECAR}"), truth)
    return {
        "page": str(to),
        "record": source.record_id,
        "pixels": [style.width_px, style.height_px],
        "paper_mm": [round(style.width_mm, 1), round(style.height_mm, 1)],
        "degradation": degradation.strengths() if degradation else {},
        "bytes": len(data),
    }


def contact_sheet(record: Path, to: Path, seed: int, start: float) -> dict[str, Any]:
    """Write every layout under every preset, and every choice of print, as one HTML file."""
    from twelvelead.reports.contact_sheet import render_sheet

    source = from_second(open_record(record), start)
    html = render_sheet(source, seed).encode("utf-8")
    write_whole(to, html)
    return {"sheet": str(to), "record": source.record_id, "bytes": len(html)}


def from_second(record: Record, start_s: float) -> Record:
    """The record without its first seconds.

    Raises:
        ParamsError: Nothing would be left.
    """
    if not 0 <= start_s < record.seconds:
        raise ParamsError(
            f"the record has {record.seconds:g} s, and {start_s:g} s are to be skipped", where="--start"
        )
    first = round(start_s * record.fs_hz)
    return Record(record.record_id, record.signal_mv[:, first:], record.fs_hz) if first else record


def write_whole(to: Path, data: bytes) -> None:
    """Write a file whole or not at all; an older one is replaced."""
    to.parent.mkdir(parents=True, exist_ok=True)
    aside = to.with_name(f".tmp-{to.name}")
    aside.write_bytes(data)
    aside.replace(to)


def _jpeg(rgb: Any) -> bytes:
    import simplejpeg

    return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(rgb), FLAT_QUALITY, "RGB", "444"))


def _png_of(jpeg: bytes) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.open(io.BytesIO(jpeg)).save(stream, "PNG")
    return stream.getvalue()
