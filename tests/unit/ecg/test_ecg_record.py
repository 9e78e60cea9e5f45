import numpy as np
import pytest

from twelvelead.ecg.record import Record
from twelvelead.errors import RecordError


def test_a_record_keeps_its_signal_as_float32_and_knows_its_length() -> None:
    record = Record("a", np.zeros((12, 5000)), 500)  # type: ignore[arg-type]
    assert record.signal_mv.dtype == np.float32
    assert (record.n_samples, record.seconds) == (5000, 10.0)


@pytest.mark.parametrize("shape", [(5000, 12), (8, 5000), (12,), (12, 0)])
def test_a_signal_that_is_not_twelve_leads_is_refused_by_name(shape: tuple[int, ...]) -> None:
    with pytest.raises(RecordError, match="00042: the signal has shape"):
        Record("00042", np.zeros(shape, np.float32), 500.0)


@pytest.mark.parametrize("fs_hz", [0.0, -500.0, float("nan"), float("inf")])
def test_a_sampling_rate_that_is_no_positive_number_is_refused(fs_hz: float) -> None:
    with pytest.raises(RecordError, match="sampling rate"):
        Record("a", np.zeros((12, 100), np.float32), fs_hz)
