import subprocess
import sys

import numpy as np
import pytest
from tests.unit.ecg.hearts import P, Signal, T, ecg, regular

from twelvelead.ecg.lead import LEADS
from twelvelead.ecg.measure import SCALARS, Measurements, measure

V1, V5 = LEADS.index("V1"), LEADS.index("V5")


def noisy(signal_mv: Signal, seed: int = 1, fs_hz: float = 500.0) -> Signal:
    """Add 25 µV of noise, 0.3 mV of breathing baseline and 50 µV of mains."""
    rng = np.random.default_rng(seed)
    t = np.arange(signal_mv.shape[1]) / fs_hz
    phase = rng.uniform(0, 6, (12, 1))
    wander = 0.3 * np.sin(2 * np.pi * 0.25 * t + phase) + 0.05 * np.sin(2 * np.pi * 50 * t + phase)
    return signal_mv + wander + rng.normal(0, 0.025, signal_mv.shape)


def assert_intervals(m: Measurements, *, rate: float, pr: float, qrs: float, qt: float, slack: float) -> None:
    assert m.rate_bpm == pytest.approx(rate, abs=0.5)
    assert m.pr_ms == pytest.approx(pr, abs=slack)
    assert m.qrs_ms == pytest.approx(qrs, abs=slack)
    assert m.qt_ms == pytest.approx(qt, abs=slack)


@pytest.mark.parametrize("fs_hz", [100.0, 250.0, 257.0, 500.0, 1000.0])
def test_intervals_are_the_same_at_every_sampling_rate(fs_hz: float) -> None:
    m = measure(ecg(regular(72), fs_hz=fs_hz), fs_hz)
    assert_intervals(m, rate=72, pr=160, qrs=96, qt=400, slack=14)


@pytest.mark.parametrize(("pr", "qrs", "qt"), [(120, 80, 360), (200, 96, 400), (280, 140, 460)])
def test_each_interval_follows_the_signal(pr: float, qrs: float, qt: float) -> None:
    m = measure(ecg(regular(60), pr_ms=pr, qrs_ms=qrs, qt_ms=qt), 500.0)
    assert_intervals(m, rate=60, pr=pr, qrs=qrs, qt=qt, slack=14)


def test_noise_baseline_and_mains_move_the_intervals_little() -> None:
    m = measure(noisy(ecg(regular(72))), 500.0)
    assert_intervals(m, rate=72, pr=160, qrs=96, qt=400, slack=22)
    assert m.p_present is True
    assert m.irregular is False


@pytest.mark.parametrize("rate", [35, 50, 100, 150, 190])
def test_slow_and_fast_rates_are_counted(rate: float) -> None:
    m = measure(noisy(ecg(regular(rate), pr_ms=130, qt_ms=max(230, 400 - rate))), 500.0)
    assert m.rate_bpm == pytest.approx(rate, rel=0.01)
    assert m.n_beats == pytest.approx(regular(rate).size, abs=1)
    assert m.ectopic_beats == 0


def test_qtc_is_qt_over_the_cube_root_of_rr() -> None:
    m = measure(ecg(regular(100), qt_ms=340), 500.0)
    assert m.qtc_ms == pytest.approx(m.qt_ms / 0.6 ** (1 / 3), abs=1)


@pytest.mark.parametrize("axis_deg", [-75, -30, 0, 60, 100, 170])
def test_the_axis_is_the_angle_of_the_frontal_vector(axis_deg: float) -> None:
    angle = np.deg2rad(axis_deg)
    limb = (np.cos(angle), np.cos(angle - np.pi / 3))  # leads I and II lie at 0 and 60 degrees
    m = measure(ecg(regular(70), qrs=(*limb, -0.8, -0.9, 0.4, 1.4, 1.3, 1.0)), 500.0)
    assert m.axis_deg == pytest.approx(axis_deg, abs=3)


def test_wave_heights_are_read_in_millivolts_with_their_sign() -> None:
    m = measure(ecg(regular(60)), 500.0)
    assert (m.r_mv[V5], m.s_mv[V1]) == (pytest.approx(1.3, abs=0.06), pytest.approx(0.8, abs=0.06))
    assert (m.r_mv[V1], m.q_mv[V5]) == (pytest.approx(0, abs=0.05), 0)
    assert m.q_mv[V1] == m.s_mv[V1]  # a QS complex
    assert m.t_mv[V5] == pytest.approx(T[6], abs=0.03)
    assert m.t_mv[V1] == pytest.approx(T[2], abs=0.03)
    assert m.p_mv[1] == pytest.approx(P[1], abs=0.03)
    np.testing.assert_allclose(m.st_mv, 0, atol=0.05)


def test_st_is_read_sixty_ms_after_the_end_of_qrs() -> None:
    signal = ecg(regular(60))
    at_s = np.arange(5000) / 500
    for onset in regular(60):
        signal[V5] -= 0.2 * ((at_s > onset + 0.096) & (at_s < onset + 0.24))
    m = measure(signal, 500.0)
    assert m.st_mv[V5] == pytest.approx(-0.2, abs=0.05)
    assert m.st_mv[V1] == pytest.approx(0, abs=0.05)


def test_fibrillation_has_no_p_and_an_irregular_rhythm() -> None:
    rng = np.random.default_rng(5)
    onsets = 0.3 + np.cumsum(np.maximum(rng.gamma(25, 0.7 / 25, 12), 0.4))
    f_waves = 0.06 * np.sin(2 * np.pi * 6.3 * np.arange(5000) / 500 + rng.uniform(0, 6, (12, 1)))
    m = measure(noisy(ecg(onsets[onsets < 9.5], pr_ms=None) + f_waves), 500.0)
    assert m.irregular is True
    assert m.p_present is False
    assert np.isnan(m.pr_ms)
    assert (m.p_mv == 0).all()


def test_premature_wide_beats_are_counted_and_do_not_disturb_the_rest() -> None:
    onsets = regular(60)
    normal, wide = np.delete(onsets, [3, 7]), onsets[[3, 7]] - 0.35
    m = measure(noisy(ecg(normal, wide_at=wide)), 500.0)
    assert (m.ectopic_beats, m.premature_beats) == (2, 2)
    assert m.irregular is False
    assert_intervals(m, rate=60, pr=160, qrs=96, qt=400, slack=22)


def test_premature_narrow_beats_are_premature_but_not_ectopic_in_shape() -> None:
    onsets = regular(60)
    onsets[[3, 7]] -= 0.35
    m = measure(noisy(ecg(onsets)), 500.0)
    assert (m.ectopic_beats, m.premature_beats) == (0, 2)


def test_bigeminy_counts_every_second_beat() -> None:
    onsets = np.arange(0.3, 9.5, 1.6)
    m = measure(noisy(ecg(onsets, wide_at=onsets + 0.55)), 500.0)
    assert m.ectopic_beats == pytest.approx(onsets.size, abs=1)
    assert m.qrs_ms == pytest.approx(96, abs=22)


def test_pacing_spikes_are_no_part_of_qrs() -> None:
    signal = ecg(regular(70), pr_ms=None, qrs_ms=150)
    for onset in regular(70):
        at = round((onset - 0.03) * 500)
        signal[:, at : at + 2] += 1.5
    m = measure(signal, 500.0)
    assert m.qrs_ms == pytest.approx(150, abs=22)
    assert m.rate_bpm == pytest.approx(70, abs=0.5)


def test_a_loose_electrode_is_no_beat() -> None:
    signal = noisy(ecg(regular(60)))
    signal[11, 2250:2500] += 1.5 * np.exp(-np.arange(250) / 80)
    m = measure(signal, 500.0)
    assert (m.ectopic_beats, m.n_beats) == (0, regular(60).size)


def test_low_voltage_is_still_measured() -> None:
    m = measure(0.2 * ecg(regular(72)), 500.0)
    assert_intervals(m, rate=72, pr=160, qrs=96, qt=400, slack=22)


def test_gaps_and_a_dead_lead_do_not_stop_the_rest() -> None:
    signal = noisy(ecg(regular(72)))
    signal[V1] = np.nan
    signal[0, 1000:1100] = np.nan
    signal[V5, 3000] = np.inf
    m = measure(signal, 500.0)
    assert m.rate_bpm == pytest.approx(72, abs=0.5)
    assert m.r_mv[V1] == 0


@pytest.mark.parametrize(
    "signal",
    [
        np.zeros((12, 5000)),
        np.full((12, 5000), np.nan),
        np.full((12, 5000), 3.2),
        np.zeros((12, 0)),
        np.zeros((12, 20)),
        ecg([0.5], seconds=1.0),
        ecg([5.0]),
        np.linspace(0, 5, 5000) * np.ones((12, 1)),
    ],
    ids=["flat", "nan", "constant", "empty", "short", "one second", "one beat", "ramp"],
)
def test_a_hopeless_signal_gives_nan_and_no_error(signal: Signal) -> None:
    m = measure(signal, 500.0)
    assert m.n_beats == 0
    assert m.irregular is m.p_present is m.ectopic_beats is m.premature_beats is None
    assert all(value is None or np.isnan(value) or value == 0 for value in (getattr(m, n) for n in SCALARS))
    assert np.isnan(m.r_mv).all()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("fs_hz", [100.0, 500.0])
def test_no_noise_raises(seed: int, fs_hz: float) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(150, 6000))
    for signal in (rng.normal(0, 1, (12, n)), np.cumsum(rng.normal(0, 1, (12, n)), axis=1)):
        measure(signal, fs_hz)
        measure(np.where(rng.random((12, n)) < 0.3, np.nan, signal * 1e-3), fs_hz)


def test_values_are_rounded_so_that_last_bits_do_not_show() -> None:
    signal = noisy(ecg(regular(73)))
    first, second = measure(signal, 500.0), measure(signal * (1 + 1e-15), 500.0)
    for name in SCALARS:
        assert getattr(first, name) == getattr(second, name)
        assert round(float(getattr(first, name)), 1 if name == "rate_bpm" else 0) == getattr(first, name)
    for name in ("q_mv", "r_mv", "s_mv", "st_mv", "t_mv", "p_mv"):
        assert getattr(first, name).tobytes() == np.round(getattr(second, name), 3).tobytes()


def test_measuring_needs_neither_scipy_nor_pandas() -> None:
    absent = "import sys; sys.modules |= dict.fromkeys(('scipy', 'pandas')); "
    code = absent + "import twelvelead.ecg.measure"  # numba looks for scipy and goes on without it
    subprocess.run([sys.executable, "-c", code], check=True)
