"""All that is true of a page in at most 20 kB: what it was drawn from, instead of what was drawn.

    "TLT1" | uint32 length of the header | header, JSON | samples, deflated

The header holds the page's style, words, map and sampling, and `quantum_mv`. The samples are those that the
page shows and no others: each lead's runs of shown samples as differences of multiples of the quantum,
zigzag, one byte each, 255 before a 32-bit one. Leads III to aVF are stored as what is left after they were
predicted from I and II (Einthoven and Goldberger): mostly zeros. The quantum is an eighth of a pixel, and is
doubled where a noisy record would not fit. Boxes, traces and masks are then made again by `truth`.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from twelvelead.ecg.lead import LEADS
from twelvelead.errors import DataError
from twelvelead.paper.compose import NO_WORDS, compose
from twelvelead.paper.layout import lay_out
from twelvelead.paper.median import median_complex
from twelvelead.paper.scene import Scene
from twelvelead.paper.style import PageStyle
from twelvelead.paper.truth import flat_warp
from twelvelead.paper.warp import Warp
from twelvelead.paper.words import Words

MAGIC = b"TLT1"
MOST_BYTES = 20_000
QUANTUM_PX = 1 / 8
FAR = 255  # marks a difference that needs 32 bits
LIMB = {2: (-1, 1), 3: (-0.5, -0.5), 4: (1, -0.5), 5: (-0.5, 1)}  # of leads I and II

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What a sidecar tells.

    Attributes:
        scene: The sheet, its traces rounded to `quantum_mv`.
        warp: The map it was drawn through.
        quantum_mv: Step of the signals.
    """

    scene: Scene
    warp: Warp
    quantum_mv: float


def write_sidecar(
    signal_mv: NDArray[np.floating[Any]],
    fs_hz: float,
    style: PageStyle,
    *,
    words: Words = NO_WORDS,
    names: bool = True,
    warp: Warp | None = None,
) -> bytes:
    """The sidecar of a page.

    Args:
        signal_mv: (12, n) mV, what was given to `compose`.
        fs_hz: Samples a second.
        style: The page.
        words: What is printed above the leads.
        names: Whether leads are named.
        warp: The picture's map; None for a clean page.
    """
    signal = np.asarray(signal_mv, dtype=np.float64)
    median = median_complex(signal, fs_hz) if style.form.median else None
    quantum_mv = QUANTUM_PX / (style.px_mm * max(style.gain_mm_mv, style.chest_gain_mm_mv))
    shown = _shown(style, words.header_mm, fs_hz, signal.shape[1])
    while True:
        header = {
            "fs_hz": fs_hz, "samples": signal.shape[1], "quantum_mv": quantum_mv, "names": names,
            "style": asdict(style), "words": asdict(words), "warp": warp.state() if warp else None,
            "median": 0 if median is None else median.shape[1],
        }  # fmt: skip
        text = json.dumps(header, separators=(",", ":")).encode()
        stored = _pack(signal, shown, median, quantum_mv)
        head = MAGIC + struct.pack("<I", len(text)) + text
        for deflate, level in ((isal_zlib.compress, 1), (zlib.compress, 9)):  # quick, then small
            data = deflate(stored, level)
            if len(head) + len(data) <= MOST_BYTES:
                return head + data
        quantum_mv *= 2


def read_sidecar(data: bytes) -> Truth:
    """The truth about a page.

    Raises:
        DataError: The bytes are no sidecar, or damaged.
    """
    try:
        if data[:4] != MAGIC:
            raise ValueError(f"begins with {data[:4]!r}")
        (length,) = struct.unpack_from("<I", data, 4)
        header = json.loads(data[8 : 8 + length])
        style = PageStyle(**{**header["style"], "rhythm": tuple(header["style"]["rhythm"])})
        own: dict[str, Any] = {field.name: header["words"][field.name] for field in fields(Words)}
        said: Any = {name: tuple(value) if isinstance(value, list) else value for name, value in own.items()}
        words = Words(**said)
        fs_hz, samples, quantum_mv = header["fs_hz"], header["samples"], header["quantum_mv"]
        shown = _shown(style, words.header_mm, fs_hz, samples)
        signal, median = _unpack(zlib.decompress(data[8 + length :]), shown, header["median"], quantum_mv)
        scene = compose(signal, fs_hz, style, words, header["names"], median)
        warp = Warp.from_state(header["warp"]) if header["warp"] else flat_warp(scene)
    except (ValueError, KeyError, TypeError, IndexError, struct.error, zlib.error) as fault:
        raise DataError(
            f"this is no sidecar, or a damaged one: {type(fault).__name__}: {fault}",
            expected="bytes of the `truth` column of a page",
        ) from None
    return Truth(scene, warp, quantum_mv)


@lru_cache(maxsize=32)
def _shown(style: PageStyle, header_mm: float, fs_hz: float, samples: int) -> NDArray[np.bool_]:
    """(12, samples): which samples the page shows, rhythm strips included."""
    shown = np.zeros((len(LEADS), samples), dtype=bool)
    for strip in lay_out(style, header_mm).strips:
        if not strip.median:
            first = int(np.ceil(strip.start_s * fs_hz - 1e-6))
            shown[strip.lead, first : int(np.floor(strip.end_s * fs_hz + 1e-6)) + 1] = True
    return shown


def _pack(signal: Floats, shown: NDArray[np.bool_], median: Floats | None, quantum_mv: float) -> bytes:
    rows = _steps(signal, quantum_mv)
    parts = [_left_over(rows, lead, shown)[shown[lead]] for lead in range(len(LEADS))]
    gaps = [np.isnan(signal[lead])[shown[lead]] for lead in range(len(LEADS))]
    if median is not None:
        parts += list(_steps(median, quantum_mv))
        gaps += list(np.isnan(median))
    differences = np.concatenate([np.diff(part, prepend=0) for part in parts])
    missing = np.packbits(np.concatenate(gaps)).tobytes()
    return struct.pack("<I", len(missing)) + missing + _bytes(differences)


def _unpack(
    stored: bytes, shown: NDArray[np.bool_], median: int, quantum_mv: float
) -> tuple[Floats, Floats | None]:
    (length,) = struct.unpack_from("<I", stored)
    sizes = [int(row.sum()) for row in shown] + [median] * (len(LEADS) if median else 0)
    differences = _numbers(stored[4 + length :], sum(sizes))
    missing = np.unpackbits(np.frombuffer(stored[4 : 4 + length], np.uint8), count=sum(sizes)).astype(bool)
    rows = np.zeros(shown.shape, dtype=np.int64)
    signal = np.full(shown.shape, np.nan)
    at = 0
    parts = []
    for size in sizes:
        parts.append((np.cumsum(differences[at : at + size]), missing[at : at + size]))
        at += size
    for lead in range(len(LEADS)):
        values, gone = parts[lead]
        rows[lead, shown[lead]] = values
        rows[lead] += np.where(shown[lead], _predicted(rows, lead, shown), 0)
        signal[lead, shown[lead]] = np.where(gone, np.nan, rows[lead, shown[lead]] * quantum_mv)
    if not median:
        return signal, None
    tail = [np.where(gone, np.nan, values * quantum_mv) for values, gone in parts[len(LEADS) :]]
    return signal, np.stack(tail)


def _steps(signal: Floats, quantum_mv: float) -> Ints:
    """Whole multiples of the quantum; a gap holds the value before it."""
    known = ~np.isnan(signal)
    if known.all():
        return np.rint(np.clip(signal, -1e4, 1e4) / quantum_mv).astype(np.int64)
    steps = np.rint(np.clip(np.nan_to_num(signal, nan=0.0), -1e4, 1e4) / quantum_mv).astype(np.int64)
    last = np.maximum.accumulate(np.where(known, np.arange(signal.shape[1]), 0), axis=1)
    return np.take_along_axis(steps, last, axis=1)


def _predicted(rows: Ints, lead: int, shown: NDArray[np.bool_]) -> Ints:
    """A limb lead from I and II where both are shown at the same moment, else 0."""
    if lead not in LIMB:
        return np.zeros(rows.shape[1], dtype=np.int64)
    first, second = LIMB[lead]
    made = np.floor(first * rows[0] + second * rows[1]).astype(np.int64)
    return np.where(shown[0] & shown[1], made, 0)


def _left_over(rows: Ints, lead: int, shown: NDArray[np.bool_]) -> Ints:
    return rows[lead] - _predicted(rows, lead, shown)


def _bytes(differences: Ints) -> bytes:
    """Zigzag in one byte; what does not fit stands behind all others, in order, as 32 bits."""
    zigzag = np.where(differences < 0, -2 * differences - 1, 2 * differences)
    far = zigzag >= FAR
    return np.minimum(zigzag, FAR).astype(np.uint8).tobytes() + zigzag[far].astype("<u4").tobytes()


def _numbers(data: bytes, count: int) -> Ints:
    zigzag = np.frombuffer(data, np.uint8, count).astype(np.int64)
    far = zigzag == FAR
    zigzag[far] = np.frombuffer(data, "<u4", int(far.sum()), offset=count)
    return np.where(zigzag % 2 == 1, -(zigzag + 1) // 2, zigzag // 2)
