import math

import numpy as np
import pytest
from scipy.signal import resample_poly
from tests.unit.validation.ecgs import ecg_mv

from twelvelead.validation.twin import compare, twin_of


def test_twins_are_named_by_ptbxls_rule_alone():
    assert twin_of("records500/21000/21837_hr") == "records100/21000/21837_lr"
    assert twin_of("records100/21000/21837_lr") == "records500/21000/21837_hr"
    assert twin_of("WFDB/JS00001") == ""


def test_a_resampled_recording_is_the_same_whichever_is_named_first():
    high = ecg_mv()
    low = resample_poly(high, 1, 5, axis=1)
    for found in (compare(high, 500, low, 100), compare(low, 100, high, 500)):
        assert found["rates_corr"] > 0.9
        assert found["rates_gain"] == pytest.approx(1, abs=0.05)


def test_another_gain_another_recording_and_one_lead_turned_over_are_seen():
    high = ecg_mv()
    low = resample_poly(high, 1, 5, axis=1)
    assert compare(high, 500, low / 10, 100)["rates_gain"] == pytest.approx(0.1, abs=0.01)
    assert compare(high, 500, np.roll(low, 30, axis=1), 100)["rates_corr"] < 0.3
    low[9] *= -1
    assert compare(high, 500, low, 100)["rates_corr"] < -0.9


def test_another_length_is_another_recording():
    found = compare(ecg_mv(), 500, ecg_mv(100, seconds=9), 100)
    assert found["rates_corr"] == 0
    assert math.isnan(found["rates_gain"])


def test_silence_cannot_be_compared():
    found = compare(np.zeros((12, 5000)), 500, np.zeros((12, 1000)), 100)
    assert all(math.isnan(value) for value in found.values())
