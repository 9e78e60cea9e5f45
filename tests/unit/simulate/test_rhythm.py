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
        assert 50 <= truth(settled("SR", number=number))["rate_bpm"] < 101


def test_sinus_rhythm_is_regular_and_still_breathes():
    spreads = [rhythm_of(settled("SR", number=number)).rr_s.std() * 1000 for number in range(DRAWS)]
    assert 10 < np.median(spreads) < 40  # PTB-XL: 19 ms


def test_premature_beats_are_early_wide_and_followed_by_a_full_pause():
    for number in range(DRAWS):
        rhythm = rhythm_of(settled("PVC", "SR", number=number))
        onset = rhythm.onset_s
        assert 1 <= rhythm.ectopic_beats <= 5
        assert not rhythm.has_p[rhythm.ectopic].any()
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
        assert rhythm_of(plan).has_p.all()


def test_sinus_arrhythmia_swings_and_the_others_do_not():
    spreads = {
        code: np.median([np.ptp(rhythm_of(settled(code, number=number)).rr_s) for number in range(DRAWS)])
        for code in ("SARRH", "SR", "STACH")
    }
    assert spreads["SARRH"] > 0.2 > 0.1 > spreads["SR"] > spreads["STACH"]


def test_an_atrial_premature_beat_is_narrow_early_and_resets_the_node():
    for number in range(DRAWS):
        rhythm = rhythm_of(settled("PAC", "SR", number=number))
        assert rhythm.early_beats >= 1
        assert not rhythm.ectopic.any()
        k = int(np.flatnonzero(rhythm.early & rhythm.inside)[0])
        early, after = np.diff(rhythm.onset_s[k - 1 : k + 2])
        usual = float(np.median(rhythm.own_rr_s)) if rhythm.own_rr_s.size else rhythm.mean_rr_s
        assert early < 0.95 * usual
        assert early + after < 2.35 * usual  # no full pause on top of a slowed node


def test_patterns_repeat_every_second_or_third_beat():
    for code, period in (("BIGU", 2), ("TRIGU", 3)):
        rhythm = rhythm_of(settled(code, "SR", number=3))
        odd = np.flatnonzero((rhythm.ectopic | rhythm.early) & rhythm.inside)
        assert odd.size >= 2
        assert (np.diff(odd) == period).all()


def test_second_degree_block_drops_beats_and_third_degree_knows_no_pr():
    for number in range(DRAWS):
        second, third = (rhythm_of(settled(code, number=number)) for code in ("2AVB", "3AVB"))
        p, own = second.p_onset_s, second.onset_s - second.pr_s
        assert np.diff(p).std() < 0.05 * np.diff(p).mean()
        assert len(p) > len(own)
        assert not third.has_p.any()
        assert third.rate_bpm < 58
        assert 60 / np.diff(third.lone_p_s).mean() > third.rate_bpm + 10


def test_flutter_keeps_its_waves_at_one_distance_to_the_qrs():
    plan = settled("AFLT", number=4)
    rhythm = rhythm_of(plan)
    waves = np.mod((rhythm.onset_s - rhythm.atria_s) * rhythm.atria_hz, 1.0)
    assert np.abs(np.exp(2j * np.pi * waves).mean()) > 0.8
    assert rhythm.rate_bpm > 60
    assert not truth(plan)["p_present"]


def test_a_pacemaker_fires_before_every_qrs():
    plan = next(p for p in (settled("PACE", number=n) for n in range(20)) if rhythm_of(p).spike_mv > 0.3)
    rhythm, v5 = rhythm_of(plan), simulate_clean(plan)[10]
    steep = np.abs(np.diff(v5))
    for onset in rhythm.onset_s[(rhythm.onset_s > 0.2) & (rhythm.onset_s < 9.5)]:
        at = int(np.rint((onset - 0.012) * 500))
        assert steep[at - 2 : at + 3].max() > 0.05


def test_a_paroxysm_is_fast_inside_and_sinus_outside():
    for number in range(DRAWS):
        rr = rhythm_of(settled("PSVT", number=number)).rr_s
        assert rr.min() < 0.45
        assert rr.max() > 0.55
