"""Pages of fold 10 made again with one thing changed: does the model read the ECG, and what does it bear?

The controls change what is printed: without any letter, with the leads in each other's places, backwards in
time. The robustness matrix changes the sheet and its fate. Each is drawn from the record and the page's own
look, so everything else stays as it was (docs/guides/evaluation.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twelvelead.data.wfdb import read_record
from twelvelead.errors import ParamsError
from twelvelead.paper.look import Look, look_of, picture
from twelvelead.paper.presets import draw_degradation

FOLD = 10
STREAM = 9
# Each lead goes where another belongs, limb leads among the chest leads: I II III aVR aVL aVF V1 … V6.
ELSEWHERE = (7, 9, 11, 10, 6, 8, 2, 0, 4, 1, 5, 3)
Signal = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Subject:
    """A record of fold 10 and the look of its page."""

    record_id: str
    patient_id: str
    path: Path
    look: str


@dataclass(frozen=True, slots=True)
class Change:
    """One way to make the page again."""

    about: str
    draw: Callable[[Signal, float, Look], bytes | None]


def _plain(signal_mv: Signal, fs_hz: float, look: Look) -> bytes:
    return picture(signal_mv, fs_hz, look, FOLD).data


def _wordless(signal_mv: Signal, fs_hz: float, look: Look) -> bytes:
    return picture(signal_mv, fs_hz, look, FOLD, names=False).data


def _degraded(preset: str) -> Callable[[Signal, float, Look], bytes]:
    def draw(signal_mv: Signal, fs_hz: float, look: Look) -> bytes:
        rng = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(STREAM, *look.key)))
        return _plain(
            signal_mv, fs_hz, replace(look, degradation=draw_degradation(preset, rng), preset=preset)
        )

    return draw


def _restyled(**other: object) -> Callable[[Signal, float, Look], bytes | None]:
    def draw(signal_mv: Signal, fs_hz: float, look: Look) -> bytes | None:
        try:
            style = look.style.but(rhythm=(), **other)
        except ParamsError:  # the layout does not fit on a sheet of this size
            return None
        return _plain(signal_mv, fs_hz, replace(look, style=style))

    return draw


CONTROLS: Mapping[str, Change] = {
    "masked": Change("no letter on the page: lead names and scale are gone", _wordless),
    "permuted": Change(
        "every lead where another belongs",
        lambda signal, fs_hz, look: _plain(signal[list(ELSEWHERE)], fs_hz, look),
    ),
    "mirrored": Change(
        "played backwards", lambda signal, fs_hz, look: _plain(signal[:, ::-1].copy(), fs_hz, look)
    ),
}
ROBUSTNESS: Mapping[str, Change] = {
    "as it is": Change("the page itself", _plain),
    "scan": Change("scanned", _degraded("scan")),
    "photo": Change("photographed", _degraded("photo")),
    "harsh": Change("photographed badly", _degraded("harsh")),
    "no grid": Change("blank paper under the traces", _restyled(grid="none")),
    "blue ink": Change("blue ink on a grey grid", _restyled(ink="blue", grid="grey")),
    "5 mm/mV": Change("half the gain", _restyled(gain_mm_mv=5.0)),
    "50 mm/s": Change("twice the paper speed", _restyled(speed_mm_s=50.0)),
    "6x2": Change("six rows of two columns", _restyled(layout="6x2")),
    "3x4+1r": Change("three rows of four columns and a rhythm strip", _restyled(layout="3x4+1r")),
}


def pictures(subjects: Sequence[Subject], change: Change) -> Iterator[bytes | None]:
    """The changed page of every subject, in order; None where it cannot be made on a sheet of that size.

    Raises:
        RecordError: A record cannot be read or drawn.
    """
    for subject in subjects:
        record = read_record(subject.path)
        yield change.draw(record.signal_mv, record.fs_hz, look_of(subject.look))
