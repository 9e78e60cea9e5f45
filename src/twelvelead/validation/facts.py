"""What can be measured of one record: the columns that validation adds to the index."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twelvelead.data.wfdb import read_record
from twelvelead.ecg.measure import SCALARS, measure
from twelvelead.errors import RecordError

SIGNAL_FACTS = (
    "n_leads",
    "duration_s",
    "nan_share",  # missing samples of all samples
    "min_mv",
    "max_mv",
    "flat_leads",
    "einthoven_mv",  # median |II - I - III|
    "clip_share",  # samples that stand still at the extreme of their lead
)
FACTS = (*SIGNAL_FACTS, *SCALARS)
FACT_FIELDS = [pa.field(name, pa.float32()) for name in FACTS]  # yes and no are 1 and 0, unknown is NaN
FLAT_MV = 0.02  # peak to peak; amplifier noise alone is larger (IEC 60601-2-25 allows 30 µV)
CLIP_RUN = 5  # equal neighbours, 10 ms at 500 Hz: a real peak is never that flat

Facts = dict[str, float]


def no_facts() -> Facts:
    """The facts of a record that cannot be read: all unknown, no leads."""
    return dict.fromkeys(FACTS, math.nan) | {"n_leads": 0.0}


def facts_of(path: Path) -> tuple[Facts, str]:
    """Read and measure one record (`path` has no suffix).

    Returns:
        Its facts, and "" or the reason why it cannot be read (then the facts are `no_facts`).
    """
    try:
        record = read_record(path)
    except RecordError as fault:
        return no_facts(), fault.what
    return signal_facts(record.signal_mv, record.fs_hz), ""


def signal_facts(signal_mv: npt.NDArray[np.float32], fs_hz: float) -> Facts:
    """The facts of a (12, n) signal in mV at `fs_hz`; NaN where something cannot be measured."""
    missing = np.isnan(signal_mv)
    whole = _bridged(signal_mv, missing) if missing.any() else signal_mv
    low, high = whole.min(axis=1), whole.max(axis=1)
    flat = high - low < FLAT_MV
    facts = {
        "n_leads": float(len(signal_mv)),
        "duration_s": signal_mv.shape[1] / fs_hz,
        "nan_share": float(missing.mean()),
        "min_mv": float(low.min()),
        "max_mv": float(high.max()),
        "flat_leads": float(flat.sum()),
        "einthoven_mv": float(np.median(np.abs(whole[1] - whole[0] - whole[2]))),
        "clip_share": _clip_share(whole, low, high, flat),
    }
    measured = measure(whole, fs_hz)
    values = {name: getattr(measured, name) for name in SCALARS}
    return facts | {name: math.nan if value is None else float(value) for name, value in values.items()}


def _bridged(signal_mv: npt.NDArray[np.float32], missing: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """Gaps drawn straight, so that what is left can be measured; a lead without any sample is zero."""
    whole = signal_mv.copy()
    at = np.arange(signal_mv.shape[1])
    for lead, gaps in zip(whole, missing, strict=True):
        lead[gaps] = np.interp(at[gaps], at[~gaps], lead[~gaps]) if not gaps.all() else 0.0
    return whole


def _clip_share(
    whole: npt.NDArray[np.float32],
    low: npt.NDArray[np.float32],
    high: npt.NDArray[np.float32],
    flat: npt.NDArray[np.bool_],
) -> float:
    extreme = ((whole == low[:, None]) | (whole == high[:, None])) & ~flat[:, None]
    run = extreme.copy()
    for shift in range(1, CLIP_RUN):
        run[:, shift:] &= extreme[:, :-shift]
        run[:, :shift] = False
    # `run` marks the last samples of runs; each run of length L leaves L - CLIP_RUN + 1 marks.
    starts = (run[:, 1:] & ~run[:, :-1]).sum()
    return float((run.sum() + starts * (CLIP_RUN - 1)) / whole.size)
