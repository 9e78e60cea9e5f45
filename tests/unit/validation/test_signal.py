import math

import numpy as np
import pytest
from tests.unit.validation.ecgs import ecg_mv

from twelvelead.ecg.lead import derive_limb
from twelvelead.validation.signal import SIGNAL_FACTS, bridged, products, signal_facts

T_S = np.arange(5000) / 500


def facts(signal_mv, fs_hz=500):
    return signal_facts(signal_mv.astype(np.float32), 0.0, fs_hz)[0]


def with_curve(curve):
    """The clean ECG with a disturbance in every electrode."""
    clean = ecg_mv()
    i, ii = clean[0] + curve, clean[1] + curve
    return np.stack([i, ii, *derive_limb(i, ii), *(clean[6:] + curve)])


def test_a_clean_record_has_plain_facts():
    found = facts(ecg_mv())
    assert tuple(found) == SIGNAL_FACTS
    plain = {
        "n_leads": 12,
        "duration_s": 10,
        "nan_share": 0,
        "flat_leads": 0,
        "clip_share": 0,
        "same_leads": 0,
    }
    assert {name: found[name] for name in plain} == plain
    assert found["max_mv"] == pytest.approx(1.4, abs=0.02)
    assert found["min_mv"] == pytest.approx(-0.85, abs=0.05)
    assert found["typical_mv"] == pytest.approx(0.75, abs=0.15)
    assert max(found["einthoven_mv"], found["goldberger_mv"]) < 1e-6
    assert found["chest_fit"] > 0.9


def test_the_rates_agree_on_what_both_can_show():
    high, low = facts(ecg_mv()), facts(ecg_mv().reshape(12, 1000, 5).mean(axis=2), 100)
    for name in ("typical_mv", "offset_mv", "step_mv", "wander_mv", "duration_s"):
        assert low[name] == pytest.approx(high[name], rel=0.1, abs=0.01), name
    assert math.isnan(low["mains_mv"])
    assert math.isnan(low["muscle_mv"])


@pytest.mark.parametrize(
    ("curve", "name", "value"),
    [
        (0.3 * np.sqrt(2) * np.sin(2 * np.pi * 0.3 * T_S), "wander_mv", 0.3),
        (0.1 * np.sqrt(2) * np.sin(2 * np.pi * 50 * T_S), "mains_mv", 0.1),
        (0.1 * np.sqrt(2) * np.sin(2 * np.pi * 60 * T_S), "mains_mv", 0.1),
        (0.1 * np.sqrt(2) * np.sin(2 * np.pi * 110 * T_S), "muscle_mv", 0.1),
        (np.full(5000, 2.0), "offset_mv", 2.0),
        (np.where(T_S < 5, -1.0, 1.0), "step_mv", 2.0),
    ],
)
def test_a_disturbance_is_measured_in_millivolts(curve, name, value):
    assert facts(with_curve(curve))[name] == pytest.approx(value, rel=0.12)


def test_a_sharp_qrs_is_no_mains_and_a_ramp_is_no_muscle():
    assert facts(ecg_mv())["mains_mv"] < 0.003
    ramp = facts(with_curve(np.linspace(-2, 2, 5000)))
    assert ramp["muscle_mv"] == pytest.approx(facts(ecg_mv())["muscle_mv"], abs=0.002)


def test_gaps_are_drawn_straight_and_a_lead_without_any_sample_is_flat():
    signal_mv = ecg_mv()
    signal_mv[3, 1000:1600] = np.nan
    signal_mv[7] = np.nan
    signal_mv[9] = 0.5
    whole = bridged(signal_mv, np.isnan(signal_mv))
    assert np.isfinite(whole).all()
    assert np.allclose(np.diff(whole[3, 999:1601]), np.diff(whole[3, 999:1601])[0], atol=1e-6)
    assert facts(whole)["flat_leads"] == 2


def test_clipping_is_the_share_of_samples_that_stand_still_at_the_extreme():
    signal_mv = ecg_mv()
    signal_mv[11] = np.minimum(signal_mv[11], 0.7)
    signal_mv[8] = np.maximum(signal_mv[8], -0.001)
    signal_mv[8, 40:60] = signal_mv[8].min()
    clipped = (signal_mv[11] == np.float32(0.7)).sum()
    found = facts(signal_mv)
    assert found["clip_lead_share"] == pytest.approx(max(clipped / 5000, found["clip_lead_share"]))
    lead = ecg_mv()
    lead[11] = np.minimum(lead[11], 0.7)
    assert facts(lead)["clip_lead_share"] == pytest.approx(clipped / 5000, rel=0.01)
    assert facts(lead)["clip_share"] == pytest.approx(clipped / 60_000, rel=0.01)


def test_a_lead_that_stands_still_is_timed_and_runs_of_two_leads_are_not_joined():
    signal_mv = ecg_mv()
    signal_mv[4, 4000:] = 0.25
    signal_mv[5, :500] = 0.25
    assert facts(signal_mv)["still_s"] == pytest.approx(2.0, abs=0.01)


def test_leads_scaled_to_one_size_and_leads_copied_are_seen():
    signal_mv = ecg_mv()
    assert facts(signal_mv / np.ptp(signal_mv, axis=1, keepdims=True))["range_ratio"] == pytest.approx(1)
    signal_mv[9] = signal_mv[8]
    assert facts(signal_mv)["same_leads"] == 1


def test_a_limb_lead_that_does_not_add_up_has_a_residual():
    signal_mv = ecg_mv()
    signal_mv[[0, 6]] = signal_mv[[6, 0]] + 0.3
    assert facts(signal_mv)["einthoven_mv"] > 0.2
    signal_mv = ecg_mv()
    signal_mv[4] += 0.3
    found = facts(signal_mv)
    assert found["einthoven_mv"] < 1e-6
    assert found["goldberger_mv"] == pytest.approx(0.3, abs=1e-5)


@pytest.mark.parametrize("n", [1, 3, 40, 5001])
def test_no_length_and_no_silence_is_an_error(n):
    found = facts(np.zeros((12, n)))
    assert found["flat_leads"] == 12
    assert tuple(found) == SIGNAL_FACTS
    assert tuple(facts(ecg_mv(seconds=11)[:, :n], 257.0)) == SIGNAL_FACTS


def test_products_have_the_same_bytes_wherever_the_array_lies() -> None:
    """A BLAS would add in another order for another stride, build or number of threads."""
    leads = np.random.default_rng(0).normal(size=(12, 1000)).astype(np.float32)
    inside = np.zeros((12, 2001), np.float32)[:, 1:1001]
    inside[:] = leads

    found = products(leads)

    assert products(inside).tobytes() == products(np.asfortranarray(leads)).tobytes() == found.tobytes()
    np.testing.assert_allclose(found, leads.astype(float) @ leads.astype(float).T, rtol=1e-9)
