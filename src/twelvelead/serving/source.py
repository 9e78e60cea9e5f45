"""Any upload as sheets: pictures ready for the model, each with what is known of it.

A PNG or JPEG goes to the model as it came, so that a page reads as it does in the evaluation; whatever else
shows pixels is decoded here and handed on as PNG. A record is drawn as the reader's own pages were. This runs
in a process of its own (chamber.py): decoders are where hostile bytes strike.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from twelvelead.ecg.lead import LEADS
from twelvelead.ecg.measure import measure
from twelvelead.ecg.record import Record
from twelvelead.errors import Error, RecordError, SetupError
from twelvelead.serving.frames import pages_of
from twelvelead.serving.limits import Limits
from twelvelead.serving.recording import draw, read_dicom_file, read_wfdb
from twelvelead.serving.refusal import Refusal
from twelvelead.serving.refuse import refuse
from twelvelead.serving.sheet import Box, Geometry, Sheet, Upload
from twelvelead.serving.sniff import PICTURES, kind_of

if TYPE_CHECKING:
    from PIL.Image import Image

MEASURES = ("rate_bpm", "pr_ms", "qrs_ms", "qt_ms", "qtc_ms", "axis_deg")
# ITU-T T.81 B.2.3: a scan's header, which entropy coding never yields. A few bytes make one scan more, and
# each goes over the whole picture: a JPEG of thousands would hold the model up, which has no time limit.
SCAN, MOST_SCANS = b"\xff\xda", 16
SCALE_LONG_PX = 2400
FLAT_MV = 1e-3
LARGEST_MV = 1e4
KNOWN = "a PNG, JPEG, TIFF or PDF of a page, a DICOM ECG, or a WFDB header with its signal files"


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
            yield _record_sheet(read_wfdb(files, kinds), "wfdb", files, page, limits)
        elif len(files) != 1:
            raise Refusal(
                "bad_request",
                f"{len(files)} files, and none of them is a WFDB header",
                expected=KNOWN,
                fix="send one file a request, or several to the batch",
            )
        elif kinds[0] == "dicom":
            yield _record_sheet(read_dicom_file(files[0].data), "dicom", files, page, limits)
        elif kinds[0] in PICTURES:
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
    for number, total, image, turned in pages_of(data, kind, limits, only):
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
    as_it_came = not turned and (kind == "png" or (kind == "jpeg" and data.count(SCAN) <= MOST_SCANS))
    geometry = None
    if scaled:
        geometry, more = _scale_of(rgb)
        notes = (*notes, *more)
    return Sheet(
        kind, number, total, image.width, image.height, len(data), digest,
        data if as_it_came else _png(image), notes, geometry,
    )  # fmt: skip


def _png(image: Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def _scale_of(rgb: NDArray[np.uint8]) -> tuple[Geometry | None, tuple[str, ...]]:
    """What the plain digitiser says of the page; on photographs it often says nothing.

    It is shown 2400 px at most, where a millimetre of A4 still has eight: a photograph's twelve megapixels
    take it several times as long and tell it no more.
    """
    from PIL import Image

    from twelvelead.paper.digitise.picture import digitise

    height, width = rgb.shape[:2]
    shrunk = min(SCALE_LONG_PX / max(height, width), 1.0)
    if shrunk < 1:
        size = round(width * shrunk), round(height * shrunk)
        rgb = np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BOX))
    try:
        found = digitise(rgb, 250.0)
    except RecordError:
        return None, ()
    gain = round(found.gain_mm_mv, 2)
    px_mm = round(found.px_mm / shrunk, 3)
    return Geometry(px_mm, px_mm, found.speed_mm_s, gain), found.warnings


def _record_sheet(
    record: Record, kind: str, files: Sequence[Upload], page: Mapping[str, Any], limits: Limits
) -> Sheet:
    if record.seconds > limits.seconds:
        raise Refusal(
            "too_large", f"the record is {record.seconds:.0f} s long", expected=f"{limits.seconds:g} s"
        )
    finite = np.isfinite(record.signal_mv)
    if not finite.any() or float(np.nanmax(record.signal_mv) - np.nanmin(record.signal_mv)) < FLAT_MV:
        raise Refusal("not_an_ecg", "the record is flat: there is no signal in it")
    if np.nanmax(np.abs(record.signal_mv[finite])) > LARGEST_MV:
        raise Refusal("unreadable", "a sample is larger than 10 V", expected="millivolts of a heart")
    notes = []
    flat = [
        lead for lead, signal in zip(LEADS, record.signal_mv, strict=True) if not np.nan_to_num(signal).any()
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
