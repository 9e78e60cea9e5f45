"""Any upload as sheets: pictures ready for the model, each with what is known of it.

A PNG or JPEG goes to the model as it came, so that a page reads as it does in the evaluation; whatever else
shows pixels is decoded here and handed on as PNG. A record is drawn as the reader's own pages were. This runs
in a process of its own (chamber.py): decoders are where hostile bytes strike.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from twelvelead.ecg.measure import measure
from twelvelead.ecg.record import Record
from twelvelead.errors import Error, RecordError, SetupError
from twelvelead.serving.limits import Limits
from twelvelead.serving.refusal import Refusal
from twelvelead.serving.refuse import refuse
from twelvelead.serving.sniff import kind_of

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = {"png": ("PNG",), "jpeg": ("JPEG", "MPO"), "tiff": ("TIFF",)}
PDF_LONG_PX = 2400  # A4 at 200 dpi: the millimetre grid shows
MEASURES = ("rate_bpm", "pr_ms", "qrs_ms", "qt_ms", "qtc_ms", "axis_deg")
TURNED = 274  # EXIF's Orientation
WFDB_NAME = "record"
KNOWN = "a PNG, JPEG, TIFF or PDF of a page, a DICOM ECG, or a WFDB header with its signal files"


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


def sheets(
    files: Sequence[Upload], page: Mapping[str, Any], limits: Limits, *, only: int = 0, scaled: bool = False
) -> Iterator[Sheet | Refusal]:
    """Open one upload.

    Args:
        files: One file, or a WFDB header with its signal files.
        page: Params of synthesize by which the reader's pages were drawn.
        limits: What is too much.
        only: The one page that is wanted, from 1; 0 for all.
        scaled: Whether a picture's scale is looked for; that takes a second.

    Yields:
        A sheet, or why that page is not read.

    Raises:
        Refusal: Nothing of the upload can be read.
    """
    try:
        kinds = [kind_of(one.data) for one in files]
        if "wfdb" in kinds:
            yield _record_sheet(_wfdb(files, kinds), "wfdb", files, page, limits)
        elif len(files) != 1:
            raise Refusal(
                "bad_request",
                f"{len(files)} files, and none of them is a WFDB header",
                expected=KNOWN,
                fix="send one file a request, or several to the batch",
            )
        elif kinds[0] == "dicom":
            yield _record_sheet(_dicom(files[0].data), "dicom", files, page, limits)
        elif kinds[0] in (*FORMATS, "pdf"):
            yield from _picture_sheets(files[0].data, kinds[0], limits, only, scaled=scaled)
        else:
            what = "is empty" if not files[0].data else "is of no kind that is read here"
            raise Refusal("unsupported", f"the file {what}", expected=KNOWN)
    except Refusal:
        raise
    except SetupError:
        raise
    except Error as fault:
        raise Refusal.of(fault) from None
    except MemoryError:
        raise Refusal("too_large", "the file unfolds to more than there is room for") from None


def _picture_sheets(
    data: bytes, kind: str, limits: Limits, only: int, *, scaled: bool
) -> Iterator[Sheet | Refusal]:
    digest = hashlib.sha256(data).hexdigest()
    opened = _pdf_pages(data, limits, only) if kind == "pdf" else _frames(data, kind, limits, only)
    for number, total, image, turned in opened:
        try:
            yield _picture_sheet(data, digest, kind, number, total, image, turned=turned, scaled=scaled)
        except Refusal as fault:
            if total == 1 or only:
                raise
            yield fault


def _picture_sheet(
    data: bytes, digest: str, kind: str, number: int, total: int, image: Image, *, turned: bool, scaled: bool
) -> Sheet:
    rgb = np.asarray(image)
    notes = refuse(rgb)
    if total > 1:
        notes = (f"page {number} of {total}", *notes)
    as_it_came = kind in ("png", "jpeg") and not turned
    geometry = None
    if scaled:
        geometry, more = _scale_of(rgb)
        notes = (*notes, *more)
    return Sheet(
        kind, number, total, image.width, image.height, len(data), digest,
        data if as_it_came else _png(image), notes, geometry,
    )  # fmt: skip


def _frames(data: bytes, kind: str, limits: Limits, only: int) -> Iterator[tuple[int, int, Image, bool]]:
    """Number, count, picture and whether it is other than stored, of every page of a picture file."""
    import PIL.Image

    PIL.Image.MAX_IMAGE_PIXELS = None  # sizes are checked below, before anything is decoded
    try:
        with _quietly(PIL.Image.open, io.BytesIO(data), formats=FORMATS[kind]) as file:
            total = _quietly(_count, file, limits) if kind == "tiff" else 1
            for number in [only] if only else range(1, total + 1):
                if not 1 <= number <= total:
                    raise Refusal("bad_request", f"there is no page {number}", expected=f"1 to {total}")
                _quietly(file.seek, number - 1)
                _check_size(file.size[0], file.size[1], limits)
                yield (number, total, *_quietly(_upright, file))
    except Refusal:
        raise
    except (OSError, ValueError, SyntaxError, TypeError, EOFError, KeyError, OverflowError) as fault:
        # Pillow's parsers raise all of these on damaged files
        raise Refusal(
            "unreadable", f"the {kind.upper()} is damaged: {str(fault)[:120]}", expected="an intact file"
        ) from None


def _quietly(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Call without the decoder's warnings, which are about the file and nobody's business here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **named)


def _count(file: Any, limits: Limits) -> int:
    """Pages of a TIFF; its chain of directories is followed no further than is allowed."""
    for number in range(limits.pages + 1):
        try:
            file.seek(number)
        except EOFError:
            return number
    raise Refusal("too_large", "the TIFF has too many pages", expected=f"{limits.pages} at most")


def _upright(file: Image) -> tuple[Image, bool]:
    """The picture in RGB on white, the way a viewer shows it; and whether that is not as it is stored."""
    from PIL import Image, ImageOps

    turned = file.getexif().get(TURNED, 1) not in (0, 1)
    image = ImageOps.exif_transpose(file) if turned else file
    if image.mode in ("RGB", "L"):
        return image.convert("RGB"), turned
    if image.mode.startswith("I") or image.mode == "F":  # 16 bits and more: Pillow would cut, not scale
        levels = np.asarray(image, dtype=np.float64)
        most = 65535.0 if levels.max(initial=0) > 255 else 255.0
        grey = np.clip(levels / most * 255, 0, 255).astype(np.uint8)
        return Image.fromarray(grey).convert("RGB"), True
    if "A" in image.mode or "transparency" in image.info:
        cut_out = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(paper, cut_out).convert("RGB"), True
    return image.convert("RGB"), turned


def _pdf_pages(data: bytes, limits: Limits, only: int) -> Iterator[tuple[int, int, Image, bool]]:
    try:
        import pypdfium2
    except ModuleNotFoundError:
        raise SetupError("pypdfium2 is not installed", fix="pip install 'twelvelead[serve]'") from None
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as fault:
        raise Refusal("unreadable", f"the PDF cannot be opened: {fault}", expected="no password") from None
    try:
        total = len(document)
        if not 0 < total <= limits.pages:
            raise Refusal(
                "too_large" if total else "unreadable", f"the PDF has {total} pages",
                expected=f"1 to {limits.pages}",
            )  # fmt: skip
        for number in [only] if only else range(1, total + 1):
            if not 1 <= number <= total:
                raise Refusal("bad_request", f"there is no page {number}", expected=f"1 to {total}")
            sheet = document[number - 1]
            width, height = sheet.get_size()
            if not (width >= 1 and height >= 1 and math.isfinite(width + height)):
                raise Refusal("unreadable", f"page {number} has no size")
            scale = PDF_LONG_PX / max(width, height)
            _check_size(math.ceil(width * scale), math.ceil(height * scale), limits)
            image = sheet.render(scale=scale, may_draw_forms=False).to_pil().convert("RGB")
            sheet.close()
            yield number, total, image, True
    except pypdfium2.PdfiumError as fault:
        raise Refusal("unreadable", f"a page of the PDF cannot be drawn: {fault}") from None
    finally:
        document.close()


def _check_size(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.pixels:
        raise Refusal(
            "too_large", f"the picture has {width} x {height} pixels",
            expected=f"{limits.pixels / 1e6:g} megapixels at most", fix="scale it down",
        )  # fmt: skip


def _png(image: Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def _scale_of(rgb: NDArray[np.uint8]) -> tuple[Geometry | None, tuple[str, ...]]:
    """What the plain digitiser says of the page; on photographs it often says nothing."""
    from twelvelead.paper.digitise.picture import digitise

    try:
        found = digitise(rgb, 250.0)
    except RecordError:
        return None, ()
    gain = round(found.gain_mm_mv, 2)
    px_mm = round(found.px_mm, 3)
    return Geometry(px_mm, px_mm, found.speed_mm_s, gain), found.warnings


def _wfdb(files: Sequence[Upload], kinds: Sequence[str]) -> Record:
    """The record of a header and its signal files, whatever they are called outside."""
    from twelvelead.data.wfdb import read_header, read_record

    if kinds.count("wfdb") != 1:
        raise Refusal("bad_request", "there are several WFDB headers", fix="send one record a request")
    header = files[kinds.index("wfdb")]
    others = [one for one in files if one is not header]
    with TemporaryDirectory() as folder:
        at = Path(folder, WFDB_NAME)
        at.with_suffix(".hea").write_bytes(header.data)
        wanted = read_header(at).files
        if not others:
            raise Refusal(
                "bad_request", f"the WFDB header came without {', '.join(wanted)[:200]}",
                fix="send the signal files along, as further parts named 'file'",
            )  # fmt: skip
        by_name = {Path(one.name.replace("\\", "/")).name: one.data for one in others}
        if len(others) == len(wanted) == 1:
            by_name = {wanted[0]: others[0].data}
        for name in wanted:
            if name not in by_name or name == f"{WFDB_NAME}.hea":
                raise Refusal("bad_request", f"the signal file {name[:100]!r} of the header did not come")
            Path(folder, name).write_bytes(by_name[name])
        return read_record(at)


def _dicom(data: bytes) -> Record:
    from twelvelead.data.dicom import read_dicom

    with TemporaryDirectory() as folder:
        at = Path(folder, "record.dcm")
        at.write_bytes(data)
        return read_dicom(at, WFDB_NAME).record


def _record_sheet(
    record: Record, kind: str, files: Sequence[Upload], page: Mapping[str, Any], limits: Limits
) -> Sheet:
    if record.seconds > limits.seconds:
        raise Refusal(
            "too_large", f"the record is {record.seconds:.0f} s long", expected=f"{limits.seconds:g} s"
        )
    finite = np.isfinite(record.signal_mv)
    if not finite.any() or float(np.nanmax(record.signal_mv) - np.nanmin(record.signal_mv)) < 1e-3:
        raise Refusal("not_an_ecg", "the record is flat: there is no signal in it")
    if np.nanmax(np.abs(record.signal_mv[finite])) > 1e4:
        raise Refusal("unreadable", "a sample is larger than 10 V", expected="millivolts of a heart")
    notes = []
    flat = [
        lead
        for lead, signal in zip(_leads(), record.signal_mv, strict=True)
        if not np.nan_to_num(signal).any()
    ]
    if flat:
        notes.append(f"nothing was recorded in {', '.join(flat)}")
    drawn, style = draw(record, page)
    if record.seconds < 10:
        notes.append(f"the record has {record.seconds:g} s; pages show ten")
    elif record.seconds > 10.05:
        notes.append(f"the first ten of {record.seconds:g} s are read")
    found = measure(record.signal_mv, record.fs_hz)
    values = {name: getattr(found, name) for name in MEASURES}
    whole = hashlib.sha256()
    for one in sorted(files, key=lambda one: kind_of(one.data) != "wfdb"):
        whole.update(one.data)
    boxes = tuple(Box(name, x0, y0, x1 - x0, y1 - y0) for name, x0, y0, x1, y1 in drawn.boxes)
    px_mm = round(style.px_mm, 3)
    return Sheet(
        kind, 1, 1, style.width_px, style.height_px, sum(len(one.data) for one in files), whole.hexdigest(),
        drawn.data, tuple(notes), Geometry(px_mm, px_mm, style.speed_mm_s, style.gain_mm_mv, boxes),
        record.signal_mv, record.fs_hz,
        {name: None if math.isnan(value) else round(value, 3) for name, value in values.items()},
    )  # fmt: skip


def draw(record: Record, page: Mapping[str, Any]) -> tuple[Any, Any]:
    """The page of a record, as the evaluation of the reader would have shown it.

    Args:
        record: What is drawn.
        page: Params of synthesize.

    Returns:
        The picture and its style.

    Raises:
        SetupError: The params are none of this version.
        RecordError: The record cannot be drawn.
    """
    from pydantic import ValidationError

    from twelvelead.paper.look import draw_look, picture
    from twelvelead.params import Synthesize

    try:
        params = Synthesize.model_validate_json(json.dumps(dict(page)))
    except ValidationError as fault:
        raise SetupError(
            f"the reader's page is none that this version draws: {fault.errors()[0]['msg']}",
            where="page of reader.json", fix="use the version of twelvelead that trained it",
        ) from None  # fmt: skip
    look = draw_look(params, record.record_id, 0, 10)  # fold 10: the one fixed look, and no words
    return picture(record.signal_mv, record.fs_hz, look, 10), look.style


def _leads() -> tuple[str, ...]:
    from twelvelead.ecg.lead import LEADS

    return tuple(LEADS)


def geometry_tree(geometry: Geometry) -> dict[str, Any]:
    """For JSON."""
    return asdict(replace(geometry, lead_boxes=())) | {
        "lead_boxes": [asdict(box) for box in geometry.lead_boxes]
    }
