"""The compiled loops do what their plain numpy says."""

import numpy as np
import pytest

from twelvelead.ecg.kernel import centres, cut, largest, likeness, smooth_root, summits, weighed

LEADS = np.array([0, 2])


def signal(seed=0, shape=(3, 200)):
    return np.random.default_rng(seed).normal(size=shape)


def windows(x, at, before, after):
    places = at[:, None] + np.arange(-before, after)
    return np.moveaxis(x[LEADS][:, np.clip(places, 0, x.shape[1] - 1)], 1, 0)


def test_windows_at_the_ends_repeat_the_last_sample() -> None:
    at = np.array([0, 3, 100, 197])
    assert np.array_equal(cut(signal(), LEADS, at, 5, 7), windows(signal(), at, 5, 7))


@pytest.mark.parametrize("half", [4, 7])
def test_likeness_is_the_correlation_over_all_leads_at_each_lag(half: int) -> None:
    x, at, slack = signal(), np.array([4, 60, 61, 195]), 6
    [shape] = windows(x, at[1:2], half, half + 1)
    shape -= shape.mean(axis=1, keepdims=True)
    shape /= np.sqrt((shape**2).sum())
    found = likeness(x, LEADS, at, shape, half, slack)
    for lag in range(-slack, slack + 1):
        there = windows(x, at, half - lag, half + lag + 1)
        there = there - there.mean(axis=2, keepdims=True)
        wanted = (there * shape).sum(axis=(1, 2)) / np.sqrt((there**2).sum(axis=(1, 2)))
        assert np.allclose(found[:, lag + slack], wanted, atol=1e-12)
    assert found[1].argmax() == slack
    assert found[1, slack] == pytest.approx(1)
    assert found[2].argmax() == slack - 1


def test_summits_are_the_highest_within_reach_and_the_first_of_equals() -> None:
    x = np.array([0, 2, 1, 2, 0, 0, 0, 3, 3, 1, 0, 0, -1, 0.5])
    assert summits(x, 2).tolist() == [1, 7, 13]
    assert summits(x, 4).tolist() == [1, 7]
    assert summits(x, 7).tolist() == [7]
    assert summits(np.zeros(9), 2).size == 0


def test_smoothing_repeats_the_ends() -> None:
    x = signal(3, (40,)) ** 2
    wanted = np.sqrt(np.convolve(np.pad(x, 3, mode="edge"), np.ones(7) / 7, mode="valid"))
    assert np.allclose(smooth_root(x, 7), wanted)


def test_a_spot_moves_to_the_centre_of_its_energy() -> None:
    energy = np.zeros(50)
    energy[[19, 20, 21, 22]] = 1, 2, 2, 1
    assert centres(energy, np.array([20, 0]), 6).tolist() == [20.5, 0]


@pytest.mark.parametrize("count", [1, 5, 200])
def test_the_largest_come_in_order(count: int) -> None:
    x = np.round(signal(4), 1)  # with equals
    assert np.array_equal(largest(x, count), np.sort(x, axis=1)[:, -count:])


def test_rows_are_summed_by_their_weight() -> None:
    stack = signal(5, (4, 3, 20))
    wanted = stack[:, 0] * 2 - stack[:, 2]
    assert np.allclose(weighed(stack, LEADS, np.array([2.0, -1.0])), wanted)
