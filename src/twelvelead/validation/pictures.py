"""The worst records as small drawings: twelve leads in one inline SVG, from beginning to end."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from twelvelead.data.wfdb import read_record
from twelvelead.ecg.lead import LEADS
from twelvelead.errors import RecordError
from twelvelead.validation.quarantine import Doubt

COLUMNS = 140  # a lead is this many pairs of its lowest and highest sample
ROW_PX, NAME_PX, LEAD_PX, GAP_PX = 40, 24, 280, 12
ROWS = len(LEADS) // 2
WIDTH, HEIGHT = 2 * (NAME_PX + LEAD_PX) + GAP_PX, ROWS * ROW_PX
LEAST_MV = 1.0


@dataclass(frozen=True, slots=True)
class Lead:
    """One trace: its name with its place, and the data of an SVG path."""

    name: str
    x: int
    y: int
    path: str


@dataclass(frozen=True, slots=True)
class Picture:
    """One record, drawn."""

    record_id: str
    used: bool
    reasons: tuple[str, ...]
    note: str  # duration and scale
    leads: tuple[Lead, ...]


def worst_records(
    records: Path, frame: pd.DataFrame, held: Mapping[int, Doubt], warned: Mapping[int, Doubt], most: int
) -> list[Picture]:
    """Draw the records with most against them: quarantined ones first, then by the number of reasons.

    Of records that share their first reason one is drawn before a second, or a single fault that hit many
    would fill the page. Unreadable ones cannot be drawn.

    Args:
        records: The records folder.
        frame: The index.
        held: Row → why it is quarantined.
        warned: Row → why it is flagged.
        most: How many at most.
    """
    rows = [row for row in sorted({*held, *warned}) if row not in held or "unreadable" not in held[row].codes]
    nothing = Doubt("", (), ())
    codes = {row: (held.get(row, nothing).codes, warned.get(row, nothing).codes) for row in rows}
    rows.sort(key=lambda row: (-len(codes[row][0]), -len(codes[row][1]), row))
    turn: dict[str, int] = {}
    order: list[tuple[bool, int, int, int]] = []
    for row in rows:
        first = (*codes[row][0], *codes[row][1])[0]
        order.append((row not in held, turn.get(first, 0), len(order), row))
        turn[first] = turn.get(first, 0) + 1
    found: list[Picture] = []
    for *_, row in sorted(order):
        if len(found) >= most:
            break
        try:
            record = read_record(records / frame["path"][row])
        except RecordError:
            continue
        why = (*held.get(row, nothing).reasons, *warned.get(row, nothing).reasons)
        found.append(draw(frame["record_id"][row], record.signal_mv, record.fs_hz, why, used=row not in held))
    return found


def draw(
    record_id: str, signal_mv: npt.NDArray[np.float32], fs_hz: float, reasons: tuple[str, ...], *, used: bool
) -> Picture:
    """One record: limb leads left, chest leads right, at one scale, what is too large cut off."""
    sizes = np.ptp(np.nan_to_num(signal_mv), axis=1)
    full_mv = max(LEAST_MV, 1.5 * float(np.median(sizes)))  # one great artefact does not flatten the others
    px_mv = ROW_PX / full_mv
    leads = []
    for number, name in enumerate(LEADS):
        column, row = divmod(number, ROWS)
        x, y = column * (NAME_PX + LEAD_PX + GAP_PX), row * ROW_PX + ROW_PX // 2
        leads.append(Lead(name, x, y + 3, _path(signal_mv[number], px_mv, x + NAME_PX, y)))
    note = f"{signal_mv.shape[1] / fs_hz:.1f} s, row height {_rounded(full_mv)} mV"
    return Picture(record_id, used, reasons, note, tuple(leads))


def _rounded(value: float) -> str:
    return f"{value:.{max(0, 1 - math.floor(math.log10(value)))}f}"


def _path(lead_mv: npt.NDArray[np.float32], px_mv: float, left: int, middle: int) -> str:
    """SVG path data: the lowest and the highest sample of each column, missing ones left out."""
    edges = np.linspace(0, lead_mv.size, min(COLUMNS, lead_mv.size) + 1).astype(int)
    centre = float(np.nanmedian(lead_mv)) if not np.isnan(lead_mv).all() else 0.0
    if abs(centre) * px_mv < ROW_PX / 4:
        centre = 0.0
    points: list[str] = []
    pen_up = True
    for column, (begin, end) in enumerate(pairwise(edges)):
        part = lead_mv[begin:end]
        part = part[~np.isnan(part)]
        if not part.size:
            pen_up = True
            continue
        x = left + round(column * LEAD_PX / (len(edges) - 1))
        first_low = part.argmin() <= part.argmax()
        for value in (part.min(), part.max()) if first_low else (part.max(), part.min()):
            y = middle - float(np.clip((value - centre) * px_mv, -ROW_PX, ROW_PX))
            points.append(f"{'M' if pen_up else 'L'}{x} {y:.0f}")
            pen_up = False
    return "".join(points)
