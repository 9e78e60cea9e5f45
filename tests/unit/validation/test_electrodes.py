import numpy as np
import pytest
from tests.unit.validation.ecgs import ecg_mv

from twelvelead.ecg.lead import derive_limb
from twelvelead.ecg.measure import measure
from twelvelead.validation.electrodes import chest_order, limb_reversal


def order(chest_mv):
    change = chest_mv[:, 15:] - chest_mv[:, :-15]
    return chest_order(change @ change.T)


def limb(i, ii, signal_mv):
    return np.stack([i, ii, *derive_limb(i, ii), *signal_mv[6:]])


def suspicion(signal_mv):
    return limb_reversal(measure(signal_mv, 500), signal_mv)


def test_an_ordinary_ecg_is_not_suspected():
    assert suspicion(ecg_mv()) == ""
    assert order(ecg_mv()[6:])[0] == ""


def test_swapped_arms_and_a_swapped_leg_are_told_apart():
    i, ii, iii = ecg_mv()[:3]
    assert suspicion(limb(-i, iii, ecg_mv())).startswith("right and left arm")
    assert suspicion(limb(-iii, -ii, ecg_mv())).startswith("right arm and left leg")


def test_a_right_axis_with_an_upright_p_is_no_swap():
    signal_mv = ecg_mv()
    p = (np.arange(5000) / 500 % 0.8 > 0.15) & (np.arange(5000) / 500 % 0.8 < 0.33)
    i = np.where(p, signal_mv[0], -signal_mv[0])
    noise = np.random.default_rng(2).normal(0, 0.15, 5000)
    assert suspicion(limb(i + noise, signal_mv[1], signal_mv)) == ""


def test_dextrocardia_turns_v6_too():
    signal_mv = ecg_mv()
    signal_mv[6:] = signal_mv[6] * np.linspace(1, 0.4, 6)[:, None]
    assert "arm" not in suspicion(limb(-signal_mv[0], signal_mv[2], signal_mv))


@pytest.mark.parametrize(("one", "other"), [(0, 5), (1, 4), (0, 3), (2, 5)])
def test_far_chest_leads_that_are_swapped_are_named(one, other):
    chest = ecg_mv()[6:]
    chest[[one, other]] = chest[[other, one]]
    assert order(chest)[0] == f"V{one + 1} and V{other + 1} seem swapped"


@pytest.mark.parametrize("lead", [0, 1, 4])
def test_a_chest_lead_upside_down_is_named(lead):
    chest = ecg_mv()[6:] + 0.3 * ecg_mv(seed=2)[6]
    chest[lead] *= -1
    words, share = order(chest)
    assert (words, share < 0.5) == (f"V{lead + 1} seems upside down", True)


def test_the_share_is_what_the_definition_gives():
    """Against all alternatives carried out, one by one."""
    rng = np.random.default_rng(3)
    for _ in range(20):
        chest = rng.normal(size=(6, 50))
        roughness = lambda x: ((x[1:] - x[:-1]) ** 2).sum()  # noqa: E731
        best = 1.0
        for one in range(6):
            turned = chest.copy()
            turned[one] *= -1
            best = min(best, roughness(turned) / roughness(chest))
            for other in range(one):
                swapped = chest.copy()
                swapped[[one, other]] = chest[[other, one]]
                best = min(best, roughness(swapped) / roughness(chest))
        assert chest_order(chest @ chest.T)[1] == pytest.approx(best)


def test_a_flat_lead_has_no_place():
    chest = ecg_mv()[6:]
    chest[2] = 0
    words, share = order(chest)
    assert words == ""
    assert np.isnan(share)
