"""One twelve-lead recording in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twelvelead.ecg.lead import LEADS
from twelvelead.errors import RecordError


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """A recording; the arrays of two records are compared by their owner, not by ==.

    Attributes:
        record_id: Name that is unique within its source.
        signal_mv: (12, n) in mV, rows in the order of `LEADS`; converted to float32. NaN marks gaps.
        fs_hz: Samples a second.

    Raises:
        RecordError: Not twelve leads, no samples, or a sampling rate that is not a positive number.
    """

    record_id: str
    signal_mv: NDArray[np.float32]
    fs_hz: float

    def __post_init__(self) -> None:
        signal = np.ascontiguousarray(self.signal_mv, dtype=np.float32)
        if signal.ndim != 2 or signal.shape[0] != len(LEADS) or signal.shape[1] == 0:
            raise RecordError(
                f"the signal has shape {signal.shape}",
                where=self.record_id,
                expected="(12, n) with n > 0, leads " + " ".join(LEADS),
                fix="Transpose it, or derive III, aVR, aVL, aVF from I and II with ecg.lead.derive_limb.",
            )
        if not (np.isfinite(self.fs_hz) and self.fs_hz > 0):
            raise RecordError(
                f"the sampling rate is {self.fs_hz}", where=self.record_id, expected="a positive number of Hz"
            )
        object.__setattr__(self, "signal_mv", signal)
        object.__setattr__(self, "fs_hz", float(self.fs_hz))

    @property
    def n_samples(self) -> int:
        """Samples in each lead."""
        return int(self.signal_mv.shape[1])

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return self.n_samples / self.fs_hz
