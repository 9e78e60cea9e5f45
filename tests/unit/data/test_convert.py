import numpy as np
import pytest

from twelvelead.data.convert import convert_record, is_plain, quantise
from twelvelead.data.header import read_header
from twelvelead.data.wfdb import read_record, write_record
from twelvelead.ecg.lead import LEADS
from twelvelead.ecg.record import Record
from twelvelead.errors import RecordError

MICROVOLTS = [(1000.0, 0)] * 12


def record(units, gain=1000.0, zero=0, fs_hz=500.0):
    return Record("r", ((np.asarray(units, dtype=np.float64) - zero) / gain).astype(np.float32), fs_hz)


def test_the_sources_own_numbers_come_back_in_its_own_units():
    units = np.random.default_rng(1).integers(-32767, 32768, (12, 4000))
    for gain, zero in ((2000.0, 0), (1716.0, 6), (204.918, -13), (800.0, 0)):
        samples, scales = quantise(
            record(np.clip(units + zero, -32767, 32767), gain, zero), [(gain, zero)] * 12
        )
        assert scales == [(gain, zero)] * 12
        assert np.array_equal(samples.T, np.clip(units + zero, -32767, 32767))


def test_units_finer_than_16_bits_hold_become_microvolts():
    samples, scales = quantise(record([[1.5] * 8] * 12, 1.0), [(1e6, 0)] * 12)
    assert scales == MICROVOLTS
    assert (samples == 1500).all()


def test_nothing_clips_where_microvolts_would():
    samples, scales = quantise(record([[100.0] * 8] * 12, 1.0), [(1e6, 0)] * 12)
    assert scales[0] == (200.0, 0)
    assert (samples == 20_000).all()


def test_a_gap_stays_a_gap_and_absurd_values_are_refused():
    signal = np.zeros((12, 4), dtype=np.float32)
    signal[3, 2] = np.nan
    samples, _ = quantise(Record("r", signal, 100), MICROVOLTS)
    assert samples[2, 3] == -32768
    assert np.count_nonzero(samples) == 1
    for value in (np.inf, 1e6):
        signal[0, 0] = value
        with pytest.raises(RecordError, match="fits no 16 bits"):
            quantise(Record("r", signal, 100), MICROVOLTS)


def test_a_converted_record_reads_as_before(tmp_path):
    rng = np.random.default_rng(2)
    scales = [
        (float(gain), int(zero)) for gain, zero in zip(rng.integers(200, 2400, 12), range(-6, 6), strict=True)
    ]
    units = rng.integers(-30000, 30000, (12, 700))
    gain, zero = (np.array(column)[:, None] for column in zip(*scales, strict=True))
    before = Record("r", ((units - zero) / gain).astype(np.float32), 257.5)
    convert_record(before, tmp_path / "r", scales)
    after = read_record(tmp_path / "r")
    assert after.fs_hz == 257.5
    assert np.array_equal(after.signal_mv, before.signal_mv)


def test_plain_is_what_ptbxl_looks_like(tmp_path):
    write_record(tmp_path / "r", np.ones((9, 12), dtype=np.int16), 500)
    text = (tmp_path / "r.hea").read_text()
    assert is_plain(read_header(tmp_path / "r"), "r")
    for old, new in [("r.dat 16", "r.dat 212"), ("r.dat", "s.dat"), (" 0 V1\n", " 0 @\n")]:
        changed = (
            text.replace(old, new).replace(" 0 V2\n", " 0 V1\n").replace("@", "V2")
            if "@" in new
            else (text.replace(old, new))
        )
        (tmp_path / "r.hea").write_text(changed)
        assert not is_plain(read_header(tmp_path / "r"), "r"), new
    assert len(LEADS) == 12
