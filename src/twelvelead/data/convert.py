"""Signals of any origin as format 16 in PTB-XL's lead order, in the source's own units where they fit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from twelvelead.data.header import Header, lead_rows
from twelvelead.data.wfdb import GAIN_PER_MV, MISSING, Scale, write_record
from twelvelead.ecg.lead import LEADS
from twelvelead.ecg.record import Record
from twelvelead.errors import RecordError

LARGEST = 32767  # of int16; its least value means "missing"
COARSER_GAINS_PER_MV = (500.0, 200.0, 100.0, 50.0, 20.0, 10.0, 5.0, 2.0, 1.0)


def is_plain(header: Header, name: str) -> bool:
    """Whether a record already is what we write: the twelve leads in order, as format 16, in name.dat."""
    leads = lead_rows([channel.name for channel in header.channels], name)
    files = {(channel.file, channel.format) for channel in header.channels}
    return leads == list(range(len(header.channels))) and files == {(f"{name}.dat", "16")}


def own_scales(header: Header, name: str) -> list[Scale]:
    """Gain and zero of the twelve leads as the header gives them."""
    rows = lead_rows([channel.name for channel in header.channels], name)
    return [(header.channels[row].gain_per_mv, header.channels[row].baseline) for row in rows]


def convert_record(record: Record, path: Path, scales: Sequence[Scale]) -> str:
    """Write a record to `path`.hea and .dat; return the SHA-256 of the .dat.

    Raises:
        RecordError: A value is infinite or beyond 32 V.
    """
    samples, scales = quantise(record, scales)
    return write_record(path, samples, record.fs_hz, scales)


def quantise(record: Record, scales: Sequence[Scale]) -> tuple[npt.NDArray[np.int16], list[Scale]]:
    """Samples as int16: in the source's own units if all fit, else in microvolts, else as coarse as needed.

    The source's units give back its very numbers: a float32 millivolt is exact to 2⁻²⁴, a unit is at least
    2⁻¹⁶ of the range.

    Args:
        record: The signal; NaN becomes format 16's "missing".
        scales: The source's scale of each lead.

    Returns:
        (n, 12) samples and the scales they have.
    """
    signal_mv = record.signal_mv.astype(np.float64)
    missing = np.isnan(signal_mv)
    present = np.where(missing, 0.0, signal_mv)
    for choice in (
        list(scales),
        *([(gain, 0)] * len(LEADS) for gain in (GAIN_PER_MV, *COARSER_GAINS_PER_MV)),
    ):
        gain, zero = (np.array(column, dtype=np.float64)[:, None] for column in zip(*choice, strict=True))
        units = np.rint(present * gain + zero)
        if np.abs(units).max() <= LARGEST:
            return np.where(missing, MISSING, units).astype(np.int16).T, choice
    raise RecordError(f"a sample of {np.abs(present).max():.3g} mV fits no 16 bits", where=record.record_id)
