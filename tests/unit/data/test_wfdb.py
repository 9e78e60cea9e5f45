import numpy as np
import pytest

from twelvelead.data.wfdb import encode, library, read_record, write_record
from twelvelead.ecg.lead import LEADS, WFDB_LEADS
from twelvelead.errors import RecordError


@pytest.fixture
def signal_uv():
    wave = np.random.default_rng(1).normal(0, 900, (1000, 12)).round().astype(np.int16)
    wave[0, 0], wave[1, 1] = 32767, -32767
    return wave


@pytest.fixture
def record(tmp_path, signal_uv):
    write_record(tmp_path / "00007_lr", signal_uv, 100)
    return tmp_path / "00007_lr"


def rewrite(record, old, new):
    header = record.with_name(record.name + ".hea")
    text = header.read_text()
    assert old in text
    header.write_text(text.replace(old, new))


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of pandas 3.1, inside wfdb.wrsamp
def test_writes_the_bytes_that_wrsamp_writes(tmp_path, signal_uv):
    wfdb = library()
    (tmp_path / "theirs").mkdir()
    wfdb.wrsamp(
        "00007_lr", 100, ["mV"] * 12, list(WFDB_LEADS), d_signal=signal_uv.astype(np.int64), fmt=["16"] * 12,
        adc_gain=[1000.0] * 12, baseline=[0] * 12, write_dir=str(tmp_path / "theirs"),
    )  # fmt: skip
    header, samples = encode("00007_lr", signal_uv, 100)
    assert header == (tmp_path / "theirs/00007_lr.hea").read_bytes()
    assert samples == (tmp_path / "theirs/00007_lr.dat").read_bytes()


def test_reads_back_what_it_wrote(record, signal_uv):
    read = read_record(record)
    assert (read.record_id, read.fs_hz, read.signal_mv.shape) == ("00007_lr", 100.0, (12, 1000))
    assert np.array_equal(np.rint(read.signal_mv * 1000).astype(np.int16), signal_uv.T)


@pytest.mark.parametrize("gain", ["1000.0(0)/mV", "200", "0", "1(0)/uV", "812.5(-37)/mV", "1000000/V"])
def test_reads_the_millivolts_that_the_library_reads(record, gain):
    wfdb = library()
    rewrite(record, "1000.0(0)/mV", gain)
    theirs = wfdb.rdrecord(str(record))
    scale = {"mV": 1.0, "uV": 0.001, "V": 1000.0}[theirs.units[0]]
    ours = read_record(record).signal_mv
    assert np.allclose(ours, (theirs.p_signal.T * scale), rtol=1e-6, atol=1e-9)


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of pandas 3.1, inside wfdb.wrsamp
def test_other_formats_go_through_the_library(tmp_path, signal_uv):
    wfdb = library()
    small = (signal_uv // 32).astype(np.int64)
    wfdb.wrsamp(
        "r", 250, ["mV"] * 12, list(WFDB_LEADS), d_signal=small, fmt=["212"] * 12, adc_gain=[100.0] * 12,
        baseline=[0] * 12, write_dir=str(tmp_path),
    )  # fmt: skip
    assert np.allclose(read_record(tmp_path / "r").signal_mv, small.T / 100, atol=1e-6)


def test_a_missing_sample_is_nan(tmp_path, signal_uv):
    signal_uv[5, 3] = -32768
    write_record(tmp_path / "r", signal_uv, 100)
    read = read_record(tmp_path / "r").signal_mv
    assert np.argwhere(np.isnan(read)).tolist() == [[3, 5]]


def test_leads_in_another_order_are_put_right(record, signal_uv):
    header = record.with_name(record.name + ".hea")
    swapped = (
        header.read_text().replace("0 V1\n", "0 @\n").replace("0 I\n", "0 v1\n").replace("0 @\n", "0 I\n")
    )
    header.write_text(swapped)
    read = np.rint(read_record(record).signal_mv * 1000)
    assert np.array_equal(read[LEADS.index("V1")], signal_uv[:, 0])
    assert np.array_equal(read[LEADS.index("I")], signal_uv[:, LEADS.index("V1")])


def test_a_record_without_a_lead_is_refused_by_name(record):
    rewrite(record, " AVF\n", " VX\n")
    with pytest.raises(RecordError, match="without lead aVF"):
        read_record(record)


def test_a_lead_that_occurs_twice_is_refused(record):
    header = record.with_name(record.name + ".hea")
    again = "00007_lr.dat 16 1000.0(0)/mV 16 0 0 0 0 V2\n"
    header.write_text(header.read_text().replace("_lr 12 ", "_lr 13 ") + again)
    with pytest.raises(RecordError, match="lead V2 occurs more than once"):
        read_record(record)


@pytest.mark.parametrize("keep", [0, 1, 23_976, 23_999])
def test_a_truncated_signal_file_is_refused(record, keep):
    samples = record.with_name(record.name + ".dat")
    samples.write_bytes(samples.read_bytes()[:keep])
    with pytest.raises(RecordError, match=rf"holds {keep} bytes of samples, its header promises 24000"):
        read_record(record)


def test_one_flipped_bit_is_noticed(record):
    samples = record.with_name(record.name + ".dat")
    raw = bytearray(samples.read_bytes())
    raw[4] ^= 1  # the third lead's first sample
    samples.write_bytes(raw)
    with pytest.raises(RecordError, match="checksum of lead III"):
        read_record(record)


@pytest.mark.parametrize("suffix", [".dat", ".hea"])
def test_a_missing_file_is_named(record, suffix):
    record.with_name(record.name + suffix).unlink()
    with pytest.raises(RecordError, match="is missing"):
        read_record(record)


@pytest.mark.parametrize("name", ["../00007_lr.dat", "/etc/passwd", "sub/x.dat", "..", "C:x"])
def test_a_header_cannot_name_a_file_outside_its_folder(record, name):
    rewrite(record, "00007_lr.dat", name)
    with pytest.raises(RecordError, match="outside its folder"):
        read_record(record)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("12 100 1000", "12 100 -5"),
        ("12 100 1000", "12 0 1000"),
        ("12 100 1000", "twelve"),
        ("12 100 1000", "40 100 1000"),
        ("12 100 1000", "12 100 99999999999999"),
        ("1000.0(0)/mV", "a lot"),
        ("/mV", "/bpm"),
    ],
)
def test_a_nonsensical_header_is_a_record_error(record, old, new):
    rewrite(record, old, new)
    with pytest.raises(RecordError):
        read_record(record)


def test_a_binary_header_is_a_record_error(record):
    record.with_name(record.name + ".hea").write_bytes(b"\xff\xfe\x00\x01" * 50)
    with pytest.raises(RecordError, match="header"):
        read_record(record)


@pytest.mark.parametrize("shape", [(1000, 11), (0, 12)])
def test_refuses_to_write_what_is_no_twelve_lead_record(tmp_path, shape):
    with pytest.raises(RecordError, match="cannot write samples of shape"):
        write_record(tmp_path / "r", np.zeros(shape, dtype=np.int16), 100)


def test_frank_leads_in_a_file_of_their_own_are_left_aside(tmp_path, signal_uv):
    """As PTB has them: twelve leads in .dat, three in .xyz; the first file alone is needed."""
    write_record(tmp_path / "s", signal_uv, 1000)
    frank = "".join(f"s.xyz 16 2000 16 0 0 0 0 v{axis}\n" for axis in "xyz")
    header = (tmp_path / "s.hea").read_text().replace("s 12 ", "s 15 ") + frank
    (tmp_path / "s.hea").write_text(header)
    assert np.array_equal(np.rint(read_record(tmp_path / "s").signal_mv * 1000), signal_uv.T)


def test_leads_in_two_files_go_through_the_library(tmp_path, signal_uv):
    write_record(tmp_path / "s", signal_uv, 500)
    lines = (tmp_path / "s.hea").read_text().splitlines()
    for number in range(7, 13):
        lines[number] = lines[number].replace("s.dat", "t.dat")
    (tmp_path / "s.hea").write_text("\n".join(lines) + "\n")
    signal_uv[:, :6].astype("<i2").tofile(tmp_path / "s.dat")
    signal_uv[:, 6:].astype("<i2").tofile(tmp_path / "t.dat")
    assert np.array_equal(np.rint(read_record(tmp_path / "s").signal_mv * 1000), signal_uv.T)


def test_an_offset_before_the_samples_is_skipped(record, signal_uv):
    """Challenge records: int16 behind the 24-byte header of a .mat file."""
    rewrite(record, "_lr.dat 16 ", "_lr.mat 16+24 ")
    mat = record.with_name(record.name + ".mat")
    mat.write_bytes(b"\1" * 24 + record.with_name(record.name + ".dat").read_bytes())
    assert np.array_equal(np.rint(read_record(record).signal_mv * 1000), signal_uv.T)


def test_scales_are_written_so_that_every_reader_finds_them(tmp_path, signal_uv):
    scales = [(200.5 + lead, lead - 6) for lead in range(12)]
    write_record(tmp_path / "r", signal_uv, 257.5, scales)
    theirs = library().rdrecord(str(tmp_path / "r"))
    assert (theirs.adc_gain, theirs.baseline, theirs.fs) == (
        [gain for gain, _ in scales], [zero for _, zero in scales], 257.5,
    )  # fmt: skip
    assert np.array_equal(read_record(tmp_path / "r").signal_mv, theirs.p_signal.T.astype(np.float32))
