import numpy as np
import pytest

from twelvelead.data.convert import convert_record
from twelvelead.data.dicom import read_dicom
from twelvelead.data.wfdb import read_record
from twelvelead.ecg.lead import LEADS
from twelvelead.errors import RecordError

pydicom = pytest.importorskip("pydicom")

SCP_NUMBERS = dict(zip(LEADS, (1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8), strict=True))
RAW = np.random.default_rng(5).integers(-3000, 3000, (500, 12)).astype("<i2")


def channel(lead, unit="uV", step=1.25, factor=1.0, zero=0.0, how="scp"):
    from pydicom.dataset import Dataset

    source, units, item = Dataset(), Dataset(), Dataset()
    if how == "scp":
        source.CodeValue, source.CodingSchemeDesignator = f"5.6.3-9-{SCP_NUMBERS[lead]}", "SCPECG"
    elif how == "mdc":
        source.CodeValue, source.CodingSchemeDesignator = f"2:{SCP_NUMBERS[lead]}", "MDC"
    else:
        source.CodeValue, source.CodingSchemeDesignator = "X1", "99LOCAL"
    source.CodeMeaning = f"Lead {lead}"
    units.CodeValue = unit
    item.ChannelSourceSequence, item.ChannelSensitivityUnitsSequence = [source], [units]
    item.ChannelSensitivity, item.ChannelSensitivityCorrectionFactor = str(step), str(factor)
    item.ChannelBaseline = f"{zero:.8g}"
    return item


def group(raw=RAW, channels=None, fs_hz=500, originality="ORIGINAL"):
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ChannelDefinitionSequence = channels or [channel(lead) for lead in LEADS]
    item.WaveformOriginality, item.SamplingFrequency = originality, str(fs_hz)
    item.NumberOfWaveformChannels, item.NumberOfWaveformSamples = raw.shape[1], raw.shape[0]
    item.WaveformBitsAllocated, item.WaveformSampleInterpretation = 16, "SS"
    item.WaveformData = raw.tobytes()
    return item


def save(path, *groups, **attributes):
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, TwelveLeadECGWaveformStorage

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = TwelveLeadECGWaveformStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.3"
    dataset.PatientID, dataset.PatientAge, dataset.PatientSex = "A-17", "042Y", "F"
    for name, value in attributes.items():
        setattr(dataset, name, value)
    if groups:
        dataset.WaveformSequence = list(groups)
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("how", ["scp", "mdc", "words"])
def test_values_are_exact_whatever_the_coding_of_the_leads(tmp_path, how):
    order = list(range(11, -1, -1))
    channels = [channel(LEADS[place], how=how) for place in order]
    found = read_dicom(save(tmp_path / "e.dcm", group(RAW, channels, 1000)), "e")
    assert found.record.fs_hz == 1000
    assert np.array_equal(found.record.signal_mv[order], (RAW.T * 0.00125).astype(np.float32))


@pytest.mark.parametrize(
    ("unit", "step", "in_mv"), [("uV", 4.88, 0.00488), ("mV", 0.005, 0.005), ("V", 1e-6, 0.001)]
)
def test_units_factors_and_baselines_are_taken_into_account(tmp_path, unit, step, in_mv):
    scale = in_mv / step
    zero = 0.25 / scale  # 0.25 mV in the channel's unit
    channels = [channel(lead, unit, step / 2, 2.0, zero) for lead in LEADS]
    found = read_dicom(save(tmp_path / "e.dcm", group(channels=channels)), "e")
    assert np.allclose(found.record.signal_mv, RAW.T * in_mv + 0.25, rtol=1e-6, atol=1e-6)
    convert_record(found.record, tmp_path / "e", found.scales)
    assert np.allclose(read_record(tmp_path / "e").signal_mv, found.record.signal_mv, atol=in_mv / 2 + 1e-6)


def test_stored_samples_are_kept_to_the_bit_when_converted(tmp_path):
    found = read_dicom(save(tmp_path / "e.dcm", group()), "e")
    convert_record(found.record, tmp_path / "e", found.scales)
    assert (tmp_path / "e.dat").read_bytes() == RAW.tobytes()


def test_the_original_group_is_taken_and_the_median_beat_is_not(tmp_path):
    median = group(RAW[:100], originality="DERIVED")
    assert read_dicom(save(tmp_path / "e.dcm", median, group()), "e").record.n_samples == 500


def test_padding_is_a_gap(tmp_path):
    padded = RAW.copy()
    padded[7, 2] = -32768
    item = group(padded)
    item.add_new("WaveformPaddingValue", "OW", (-32768).to_bytes(2, "little", signed=True))
    found = read_dicom(save(tmp_path / "e.dcm", item), "e")
    assert np.argwhere(np.isnan(found.record.signal_mv)).tolist() == [[2, 7]]


def test_the_patient_is_a_hash_and_names_are_not_read(tmp_path):
    found = read_dicom(save(tmp_path / "e.dcm", group(), PatientName="Doe^Jane"), "e")
    assert (found.age, found.sex, found.report) == (42.0, "female", "")
    assert found.patient_id.startswith("dicom-")
    assert "A-17" not in found.patient_id
    nobody = read_dicom(save(tmp_path / "e.dcm", group(), PatientID="Anonymous", PatientAge=""), "e")
    assert nobody.patient_id == ""
    assert np.isnan(nobody.age)


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ([], "holds no waveform"),
        ([lambda: group(RAW[:, :8].copy(), [channel(lead) for lead in LEADS[:8]])], "without lead V3, V4"),
        ([lambda: group(channels=[channel(lead, unit="mmHg") for lead in LEADS])], "a channel is in 'mmHg'"),
        ([lambda: group(channels=[channel(lead, step=0) for lead in LEADS])], "sensitivity is 0"),
    ],
)
def test_what_is_no_twelve_lead_ecg_is_refused_with_its_reason(tmp_path, groups, words):
    with pytest.raises(RecordError, match=words):
        read_dicom(save(tmp_path / "e.dcm", *(make() for make in groups)), "e")


def test_a_damaged_file_is_a_record_error(tmp_path):
    whole = save(tmp_path / "e.dcm", group()).read_bytes()
    for number, damaged in enumerate((b"", b"no dicom", whole[:200], whole[: len(whole) // 2])):
        path = tmp_path / f"{number}.dcm"
        path.write_bytes(damaged)
        with pytest.raises(RecordError):
            read_dicom(path, "e")
