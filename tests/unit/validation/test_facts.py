import math

import numpy as np
import pytest

from twelvelead.data.wfdb import write_record
from twelvelead.validation.facts import FACTS, facts_of, signal_facts


@pytest.fixture
def signal_mv():
    t = np.arange(5000) / 500
    beat = np.exp(-0.5 * ((t % 0.8 - 0.4) / 0.015) ** 2)
    noise = np.random.default_rng(1).normal(0, 0.004, (8, 5000))
    i, ii = 0.7 * beat + noise[6], 1.0 * beat + noise[7]
    limb = [ii - i, -(i + ii) / 2, i - ii / 2, ii - i / 2]
    return np.stack([i, ii, *limb, *(beat * np.linspace(-0.8, 1.4, 6)[:, None] + noise[:6])]).astype(
        np.float32
    )


def test_a_clean_record_has_plain_facts(signal_mv):
    facts = signal_facts(signal_mv, 500)
    assert tuple(facts) == FACTS
    assert (facts["n_leads"], facts["duration_s"], facts["nan_share"], facts["flat_leads"]) == (12, 10, 0, 0)
    assert facts["max_mv"] == pytest.approx(1.4, abs=0.02)
    assert facts["min_mv"] == pytest.approx(-0.85, abs=0.05)
    assert facts["einthoven_mv"] < 1e-6
    assert facts["clip_share"] == 0
    assert facts["rate_bpm"] == pytest.approx(75, abs=1)


def test_missing_samples_are_counted_and_the_rest_is_still_measured(signal_mv):
    signal_mv[3, 1000:1600] = np.nan
    facts = signal_facts(signal_mv, 500)
    assert facts["nan_share"] == pytest.approx(600 / 60_000)
    assert facts["rate_bpm"] == pytest.approx(75, abs=1)


def test_a_lead_without_any_sample_is_flat(signal_mv):
    signal_mv[7] = np.nan
    signal_mv[9] = 0.5
    assert signal_facts(signal_mv, 500)["flat_leads"] == 2


def test_swapped_limb_electrodes_break_einthoven(signal_mv):
    signal_mv[[0, 6]] = signal_mv[[6, 0]] + 0.3
    assert signal_facts(signal_mv, 500)["einthoven_mv"] > 0.2


def test_clipping_is_the_share_of_samples_that_stand_still_at_the_extreme(signal_mv):
    signal_mv[11] = np.minimum(signal_mv[11], 0.7)
    clipped = (signal_mv[11] == np.float32(0.7)).sum()
    assert signal_facts(signal_mv, 500)["clip_share"] == pytest.approx(clipped / 60_000, rel=0.01)


def test_a_record_without_a_beat_has_unknown_measurements_and_no_error():
    facts = signal_facts(np.zeros((12, 5000), dtype=np.float32), 500)
    assert facts["flat_leads"] == 12
    assert math.isnan(facts["rate_bpm"])


def test_an_unreadable_record_gives_its_reason_and_no_facts(tmp_path):
    write_record(tmp_path / "r", np.ones((5000, 12), dtype=np.int16), 500)
    (tmp_path / "r.dat").write_bytes(b"short")
    facts, why = facts_of(tmp_path / "r")
    assert why == "r.dat holds 5 bytes of samples, its header promises 120000"
    assert facts["n_leads"] == 0
    assert math.isnan(facts["duration_s"])
