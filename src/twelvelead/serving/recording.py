"""Records out of WFDB and DICOM, and the page on which the reader sees them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twelvelead.ecg.record import Record
from twelvelead.errors import SetupError
from twelvelead.serving.refusal import Refusal
from twelvelead.serving.sheet import Box, Geometry, Upload

WFDB_NAME = "record"
# A reader's own page may have 336 px, too few for eyes and callipers.
FOR_EYES = {"layout": "3x4+1r", "paper": "a4", "dpi": 203.2, "font": "sans"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A PNG for people, and its scale."""

    data: bytes
    width_px: int
    height_px: int
    geometry: Geometry


def read_wfdb(files: Sequence[Upload], kinds: Sequence[str]) -> Record:
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


def read_dicom_file(data: bytes) -> Record:
    """The record of a DICOM file."""
    from twelvelead.data.dicom import read_dicom

    with TemporaryDirectory() as folder:
        at = Path(folder, "record.dcm")
        at.write_bytes(data)
        return read_dicom(at, WFDB_NAME).record


def for_eyes(signal_mv: NDArray[np.float32], fs_hz: float) -> Shown:
    """A record on A4, 8 px a millimetre, three rows of four leads and a rhythm strip.

    Args:
        signal_mv: (12, n).
        fs_hz: Samples a second.
    """
    drawn, style = draw(Record(WFDB_NAME, signal_mv, fs_hz), FOR_EYES)
    boxes = tuple(Box(name, x0, y0, x1 - x0, y1 - y0) for name, x0, y0, x1, y1 in drawn.boxes)
    scale = round(style.px_mm, 3)
    geometry = Geometry(scale, scale, style.speed_mm_s, style.gain_mm_mv, boxes)
    return Shown(drawn.data, style.width_px, style.height_px, geometry)


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
