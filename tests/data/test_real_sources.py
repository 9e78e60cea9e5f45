"""Every source of real ECGs that is here, through ingest: how many, what they say, and no value moved."""

import numpy as np
import pytest

from twelvelead.data.index import codes_of, read_index
from twelvelead.data.wfdb import library, read_record
from twelvelead.ecg.lead import WFDB_LEADS
from twelvelead.params import parse
from twelvelead.stages.run import run

pytestmark = pytest.mark.shared


@pytest.fixture
def taken(shared, tmp_path, monkeypatch):
    def take(name, source="folder", **section):
        monkeypatch.setenv("TWELVELEAD_WORKERS", "1")
        folder = shared / "data" / name
        if not folder.is_dir():
            pytest.skip(f"no {name} among the real ECGs")
        tree = parse({"ingest": {"source": source, "path": str(folder), **section}}, where="test")
        summary = run("ingest", {}, tmp_path / name, tree)
        return summary, read_index(tmp_path / name).set_index("record_id"), tmp_path / name, folder

    return take


def reference(path):
    theirs = library().rdrecord(str(path))
    order = [[name.upper() for name in theirs.sig_name].index(lead) for lead in WFDB_LEADS]
    return theirs.p_signal.T[order].astype(np.float32)


def test_ptbxl(taken):
    summary, frame, records, folder = taken("ptb-xl", "ptb-xl")
    assert (summary["records"], summary["absent"], summary["without_100_hz"]) == (362, 20459, 20)
    assert (summary["statements"], summary["different_statements"], summary["rejected"]) == (904, 54, 0)
    names = (records / "RECORDS").read_text().split()
    assert sorted(names) == sorted((folder / "RECORDS").read_text().split())
    for name in names[::50]:
        assert (records / f"{name}.dat").read_bytes() == (folder / f"{name}.dat").read_bytes()
    assert set(frame["fold"]) == set(range(1, 11))


def test_ptbxl_at_the_lower_rate_alone(taken):
    summary, frame, _, _ = taken("ptb-xl", "ptb-xl", rate_hz=100)
    assert summary["records"] == 342
    assert set(frame["n_samples"]) == {1000}


def test_challenge_2021(taken):
    summary, frame, records, folder = taken("cinc2021")
    assert (summary["records"], summary["rejected"], summary["records_without_statement"]) == (87, 0, 1)
    assert (summary["statements"], summary["different_statements"], summary["unmapped_codes"]) == (
        169,
        24,
        20,
    )
    assert summary["most_unmapped_codes"]["428750005"] == 6
    assert codes_of(frame.loc["cpsc_2018/A1041", "statements"]) == ["AFIB", "CLBBB"]
    assert list(frame.loc["chapman_ningbo/JS01560", "other_codes"]) == ["428750005"]
    assert (frame.loc["cpsc_2018/A0689", "age"], frame.loc["cpsc_2018/A0689", "sex"]) == (80, "male")
    for record_id, row in frame.iloc[::6].iterrows():
        assert np.array_equal(read_record(records / row["path"]).signal_mv, reference(folder / record_id))


def test_ludb(taken):
    summary, frame, records, folder = taken("ludb")
    assert (summary["records"], summary["rejected"], summary["statements"]) == (135, 0, 0)
    assert frame.loc["data/1", "report"].startswith(
        "Rhythm: Sinus bradycardia.\nElectric axis of the heart: left"
    )
    assert (frame["sex"] != "").all()
    for record_id, row in frame.iloc[::20].iterrows():
        assert (records / f"{row['path']}.dat").read_bytes() == (folder / f"{record_id}.dat").read_bytes()
        assert np.array_equal(read_record(records / row["path"]).signal_mv, reference(folder / record_id))


def test_cpsc_2018(taken):
    summary, frame, _, _ = taken("cpsc2018")
    assert (summary["records"], summary["statements"], summary["unmapped_codes"]) == (7, 7, 0)
    assert codes_of(frame.loc["A1983", "statements"]) == ["NORM"]
    assert frame.loc["A1988", "n_samples"] == 27_157


def test_chapman_denoised(taken):
    summary, frame, _, _ = taken("chapman-denoised")
    assert (summary["records"], summary["statements"], summary["unmapped_codes"]) == (23, 31, 12)
    assert codes_of(frame.loc["MUSE_20180111_155115_19000", "statements"]) == ["STACH", "QWAVE", "CRBBB"]
    assert summary["most_unmapped_codes"]["AF"] == 1  # flutter here, fibrillation in CPSC 2018


def test_ptb_diagnostic(taken):
    summary, frame, records, folder = taken("ptbdb")
    assert (summary["records"], summary["rejected"]) == (1, 0)
    row = frame.loc["s0010_re"]
    assert (row["fs_hz"], row["n_samples"], row["age"], row["sex"]) == (1000, 38_400, 81, "female")
    assert "Acute infarction (localization): infero-latera" in row["report"]
    assert np.array_equal(read_record(records / row["path"]).signal_mv, reference(folder / "s0010_re"))
    assert (records / f"{row['path']}.dat").stat().st_size == 38_400 * 12 * 2  # Frank leads stay behind


def test_dicom(taken):
    pydicom = pytest.importorskip("pydicom")
    summary, frame, records, folder = taken("dicom")
    assert (summary["records"], summary["rejected"]) == (1, 0)
    row = frame.loc["anonymous_ecg"]
    assert (row["fs_hz"], row["n_samples"], row["age"], row["sex"]) == (1000, 10_000, 42, "female")
    assert row["report"] == "RITMO SINUSALE\nECG NORMALE"
    theirs = pydicom.dcmread(folder / "anonymous_ecg.dcm").waveform_array(0)  # in its unit, µV
    ours = read_record(records / row["path"]).signal_mv
    assert np.allclose(ours, theirs.T / 1000, rtol=1e-6, atol=1e-6)
    assert np.median(np.abs(ours[1] - ours[0] - ours[2])) < 0.002
