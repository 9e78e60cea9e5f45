import math

import numpy as np
import pytest
from tests.unit.validation.ecgs import ecg_mv

from twelvelead.data.digest import file_sha256
from twelvelead.data.wfdb import write_record
from twelvelead.validation.facts import FACTS, Listed, facts_of, hash_of


def write(folder, path, signal_mv, fs_hz):
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    write_record(folder / path, np.rint(signal_mv * 1000).astype(np.int16).T, fs_hz)


@pytest.fixture
def record(tmp_path):
    """A folder with record 7 at both rates, and what the index says of it."""
    signal_mv = ecg_mv()
    high, low = "records500/00000/00007_hr", "records100/00000/00007_lr"
    write(tmp_path, high, signal_mv, 500)
    write(tmp_path, low, signal_mv.reshape(12, 1000, 5).mean(axis=2), 100)
    return tmp_path, Listed("00007", high, 500.0, 5000, file_sha256(tmp_path / (high + ".dat")))


def listed(of, **changes):
    return Listed(**{name: changes.get(name, getattr(of, name)) for name in Listed.__slots__})


def test_a_clean_record_has_every_fact_and_no_fault(record):
    found = facts_of(*record)
    assert tuple(found.facts) == FACTS
    assert found.faults == {}
    assert found.facts["rate_bpm"] == pytest.approx(75, abs=1)
    assert found.facts["rates_corr"] > 0.95
    assert found.facts["rates_gain"] == pytest.approx(1, abs=0.05)


def test_without_measuring_the_facts_of_the_samples_are_the_same(record):
    whole, quick = facts_of(*record), facts_of(*record, measured=False)
    assert math.isnan(quick.facts["rate_bpm"])
    same = {name for name in FACTS if whole.facts[name] == quick.facts[name]}
    assert {"typical_mv", "einthoven_mv", "chest_fit", "rates_corr", "muscle_mv"} <= same
    assert quick.signal_hash == whole.signal_hash


def test_an_unreadable_record_gives_its_reason_and_no_facts(record):
    folder, of = record
    (folder / (of.path + ".dat")).write_bytes(b"short")
    found = facts_of(folder, of)
    assert found.faults == {"unreadable": "00007_hr.dat holds 5 bytes of samples, its header promises 120000"}
    assert found.facts["n_leads"] == 0
    assert math.isnan(found.facts["duration_s"])
    assert found.signal_hash == ""


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sha256": "0" * 64}, "changed"),
        ({"fs_hz": 250.0}, "header_index"),
        ({"n_samples": 6000}, "header_index"),
        ({"record_id": "00008"}, "path_mismatch"),
    ],
)
def test_what_the_index_says_must_be_what_the_files_say(record, changes, code):
    folder, of = record
    assert set(facts_of(folder, listed(of, **changes), measured=False).faults) == {code}


def test_an_index_that_does_not_know_is_not_contradicted(record):
    folder, of = record
    assert facts_of(folder, listed(of, fs_hz=math.nan, n_samples=0, sha256=""), measured=False).faults == {}


def test_names_of_other_layouts_are_no_mismatch(tmp_path):
    write(tmp_path, "g1/JS00001", ecg_mv(), 500)
    found = facts_of(tmp_path, Listed("12", "g1/JS00001", 500.0, 5000, ""), measured=False)
    assert found.faults == {}
    assert math.isnan(found.facts["rates_corr"])


def test_a_broken_file_of_the_other_rate_is_told_and_harms_nothing(record):
    folder, of = record
    (folder / "records100/00000/00007_lr.dat").write_bytes(b"")
    found = facts_of(folder, of, measured=False)
    assert set(found.faults) == {"rates_unreadable"}
    assert found.facts["n_leads"] == 12


def test_the_hash_knows_a_recording_under_another_gain_and_sees_one_microvolt():
    signal_mv = np.rint(ecg_mv() * 1000) / np.float32(1000)
    again = (signal_mv * 200).astype(np.float32) / np.float32(200)
    other = signal_mv.copy()
    other[3, 7] += 0.001
    gap = signal_mv.copy()
    gap[3, 7] = np.nan
    hashes = [hash_of(one.astype(np.float32)) for one in (signal_mv, again, other, gap)]
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3
