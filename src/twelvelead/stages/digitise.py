"""A picture of a page becomes a WFDB record: the command `digitise`."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twelvelead.data.convert import convert_record
from twelvelead.data.wfdb import GAIN_PER_MV
from twelvelead.ecg.lead import LEADS
from twelvelead.ecg.record import Record
from twelvelead.errors import ParamsError, RecordError
from twelvelead.paper.digitise.hints import Hints
from twelvelead.paper.digitise.picture import digitise as read_page

NAME = re.compile(r"[A-Za-z0-9_-]+")  # of a record, WFDB header(5)
MEDIAN = "-median"  # the complexes of a median page: a record of their own
MICROVOLTS = [(GAIN_PER_MV, 0)] * len(LEADS)


def digitise(
    picture: Path, to: Path, fs: float, layout: str, speed: float, gain: float, order: str, timing: str,
    rhythm: str,
) -> dict[str, Any]:  # fmt: skip
    """Read a page and write what is on it.

    Args:
        picture: PNG or JPEG of a page.
        to: The record to write, without suffix; samples that the page does not show are missing in it.
        fs: Samples a second that are wanted.
        layout: What is known of the page, "" and 0 if it is not; see `Hints`, also for the rest.
        speed: mm/s.
        gain: mm/mV.
        order: Of the limb leads.
        timing: Of the columns.
        rhythm: Leads of the long strips, by commas.

    Returns:
        The record, what was found out about the page, and seconds read of each lead.

    Raises:
        ParamsError: A hint is unknown, or the record's name is none.
        RecordError: The picture cannot be read, or shows no page.
    """
    path = to.with_suffix("") if to.suffix in (".hea", ".dat") else to
    if not NAME.fullmatch(path.name):
        raise ParamsError(
            f"{path.name!r} names no record", where="-o", expected="letters, digits, hyphens, underscores"
        )
    leads = tuple(name.strip() for name in rhythm.split(",") if name.strip())
    hints = Hints(layout, speed, gain, order, timing, leads)
    try:
        found = read_page(picture.read_bytes(), fs, hints)
    except OSError as fault:
        raise RecordError(f"cannot be read: {fault.strerror}", where=str(picture)) from None
    except RecordError as fault:
        raise RecordError(
            fault.what, where=str(picture), fix=fault.fix,
            expected=fault.expected or "a clean or scanned page of ours",
        ) from None  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(found.signal_mv, fs, path)
    if found.median_mv is not None:
        _write(found.median_mv, fs, path.with_name(path.name + MEDIAN))
    shown = np.isfinite(found.signal_mv).sum(axis=1) / fs
    return {
        "record": str(path),
        "layout": found.layout,
        "speed_mm_s": found.speed_mm_s,
        "gain_mm_mv": round(found.gain_mm_mv, 3),
        "px_mm": round(found.px_mm, 3),
        "turn_deg": round(math.degrees(found.turn_rad), 3),
        "seconds": dict(zip(LEADS, shown.round(3).tolist(), strict=True)),
        "median": found.median_mv is not None,
        "warnings": list(found.warnings),
    }


def _write(signal_mv: NDArray[np.float64], fs_hz: float, path: Path) -> None:
    convert_record(Record(path.name, signal_mv.astype(np.float32), fs_hz), path, MICROVOLTS)
