"""Beats come as the rhythm says."""

import numpy as np
from tests.unit.simulate.plans import settled

from twelvelead.simulate.record import rhythm_of, simulate_clean, truth

DRAWS = 25


def test_fibrillation_is_irregular_and_has_no_p():
    for number in range(DRAWS):
        true = truth(settled("AFIB", number=number))
        assert true["irregular"]
        assert not true["p_present"]
        assert np.isnan(true["pr_ms"])


def test_fibrillation_waves_fill_the_time_between_beats():
    plan = settled("AFIB", number=2)
    quiet = simulate_clean(settled("SR", number=2))
    v1 = simulate_clean(plan)[6]
    gaps = [slice(int(t * 500) - 60, int(t * 500) - 15) for t in rhythm_of(plan).onset_s if 0.5 < t < 9.5]
    assert np.mean([v1[gap].std() for gap in gaps]) > 0.01
    assert np.isfinite(quiet).all()


def test_sinus_rates_keep_to_their_names():
    for number in range(DRAWS):
        assert truth(settled("SBRAD", number=number))["rate_bpm"] < 60
        assert truth(settled("STACH", number=number))["rate_bpm"] > 100
        assert 60 <= truth(settled("SR", number=number))["rate_bpm"] <= 100.5


def test_sinus_rhythm_is_regular_and_still_breathes():
    spreads = [rhythm_of(settled("SR", number=number)).rr_s.std() * 1000 for number in range(DRAWS)]
    assert 12 < np.median(spreads) < 40  # PTB-XL: 25 ms


def test_premature_beats_are_early_wide_and_followed_by_a_full_pause():
    for number in range(DRAWS):
        rhythm = rhythm_of(settled("PVC", "SR", number=number))
        onset = rhythm.onset_s
        assert 1 <= rhythm.ectopic_beats <= 3
        assert not rhythm.p[rhythm.ectopic].any()
        for k in np.flatnonzero(rhythm.ectopic):
            before, after = onset[k] - onset[k - 1], onset[k + 1] - onset[k]
            assert before < 0.8 * rhythm.mean_rr_s
            assert after > rhythm.mean_rr_s
            assert abs(before + after - 2 * rhythm.mean_rr_s) < 0.25 * rhythm.mean_rr_s


def test_the_qrs_of_a_premature_beat_is_wider_than_its_neighbours():
    plan = settled("PVC", "SR", number=4)
    rhythm, signal = rhythm_of(plan), simulate_clean(plan)

    def width_ms(onset_s):
        begin = int(onset_s * 500)
        speed = np.abs(np.diff(signal[:, begin - 5 : begin + 110], axis=1)).sum(axis=0)
        return 2.0 * (speed > 0.15 * speed.max()).sum()

    k = int(np.flatnonzero(rhythm.ectopic)[0])
    assert width_ms(rhythm.onset_s[k]) > 1.25 * width_ms(rhythm.onset_s[k - 1])


def test_first_degree_block_lengthens_pr_and_conducts_every_p():
    for number in range(DRAWS):
        plan = settled("1AVB", number=number)
        assert truth(plan)["pr_ms"] > 200
        assert rhythm_of(plan).p.all()
