import numpy as np
import pytest

from twelvelead.evaluation.bootstrap import closed_form_se, estimate, influence, intervals, resampled_aucs
from twelvelead.evaluation.metrics import auc, aucs, macro


def sample(
    n: int = 120, statements: int = 4, seed: int = 0
) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = (rng.random((n, statements)) < np.linspace(0.1, 0.4, statements)).astype(np.uint8)
    probabilities = [np.round(rng.random((n, statements)) + 0.5 * labels, 1) for _ in range(2)]
    patients = np.array([f"p{number}" for number in rng.integers(0, int(0.7 * n), n)])
    return labels, probabilities, patients


def test_every_replicate_is_the_auc_of_the_records_of_the_drawn_patients() -> None:
    labels, probabilities, patients = sample(60)
    found = resampled_aucs(labels, probabilities, patients, replicates=150, seed=7)
    names = np.unique(patients)
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(7, spawn_key=(6,))))
    for replicate in range(150):
        drawn = names[rng.integers(len(names), size=len(names))]
        rows = np.concatenate([np.flatnonzero(patients == name) for name in drawn])
        for model, scores in enumerate(probabilities):
            expected = [auc(labels[rows, j], scores[rows, j]) for j in range(labels.shape[1])]
            assert found[model, replicate] == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_both_models_meet_the_same_patients() -> None:
    labels, (scores, _), patients = sample()
    found = resampled_aucs(labels, [scores, scores], patients, replicates=50, seed=1)
    assert np.array_equal(found[0], found[1], equal_nan=True)


def test_same_seed_same_draws_other_seed_other_draws() -> None:
    labels, probabilities, patients = sample()
    first, again, other = (
        resampled_aucs(labels, probabilities, patients, replicates=20, seed=seed) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again, equal_nan=True)
    assert not np.array_equal(first, other, equal_nan=True)


def test_fewer_replicates_are_the_first_of_more() -> None:
    labels, probabilities, patients = sample()
    few, many = (resampled_aucs(labels, probabilities, patients, replicates=n, seed=1) for n in (100, 300))
    assert np.array_equal(few, many[:, :100], equal_nan=True)


def test_a_statement_with_a_single_positive_is_absent_from_some_replicates_and_never_redrawn() -> None:
    labels, probabilities, patients = sample(statements=2)
    labels[:, 0] = 0
    labels[5, 0] = 1
    found = resampled_aucs(labels, probabilities, patients, replicates=200, seed=1)
    absent = np.isnan(found[0, :, 0]).mean()
    assert 0.2 < absent < 0.55  # a patient is left out of a draw with probability 1/e
    assert not np.isnan(found[0, :, 1]).any()


def test_the_macro_of_a_replicate_is_over_the_statements_it_has() -> None:
    replicates = np.array([[0.5, np.nan], [0.7, 0.9], [np.nan, np.nan]])
    found = estimate(np.array([0.6, 0.8]), replicates, 0.1)
    assert found.value == pytest.approx(0.7)
    assert found.lower == pytest.approx(np.quantile([0.5, 0.8], 0.05))
    assert found.upper_two_sided == pytest.approx(np.quantile([0.5, 0.8], 0.975))
    assert found.se_closed_form == 0.1


def test_bounds_of_nothing_are_nan() -> None:
    found = estimate(np.array([]), np.empty((20, 0)), float("nan"))
    assert np.isnan([found.value, found.lower, found.upper, found.se]).all()
    assert np.isnan(intervals(np.full((20, 1), np.nan))).all()


def test_intervals_hold_95_percent_of_each_statements_replicates() -> None:
    replicates = np.column_stack([np.linspace(0, 1, 1001), np.full(1001, 0.5)])
    assert intervals(replicates) == pytest.approx(np.array([[0.025, 0.5], [0.975, 0.5]]))


@pytest.mark.parametrize("seed", range(3))
def test_influence_squared_is_delongs_variance(seed: int) -> None:
    labels, (scores, rival), _ = sample(seed=seed)
    label = labels[:, 1] == 1

    def components(score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        above, below = score[label, 1][:, None], score[~label, 1][None, :]
        kernel = (above > below) + 0.5 * (above == below)
        return kernel.mean(axis=1), kernel.mean(axis=0)

    (v10, v01), (w10, w01) = components(scores), components(rival)
    variance = np.var(v10 - w10, ddof=1) / label.sum() + np.var(v01 - w01, ddof=1) / (~label).sum()
    difference = influence(labels[:, 1], scores[:, 1]) - influence(labels[:, 1], rival[:, 1])
    assert np.square(difference).sum() == pytest.approx(variance, rel=1e-12)
    assert closed_form_se(
        labels[:, 1:2], scores[:, 1:2], np.arange(len(labels)), rival[:, 1:2]
    ) == pytest.approx(np.sqrt(variance), rel=1e-12)


def test_influence_is_what_a_record_adds_to_the_auc() -> None:
    labels, (scores, _), _ = sample(400, 1, seed=4)
    found = influence(labels[:, 0], scores[:, 0])
    base = auc(labels[:, 0], scores[:, 0])
    without = np.array(
        [base - auc(np.delete(labels[:, 0], i), np.delete(scores[:, 0], i)) for i in range(100)]
    )
    assert np.corrcoef(found[:100], without)[0, 1] > 0.999


def test_closed_form_and_bootstrap_agree_on_a_paired_difference() -> None:
    labels, (scores, rival), patients = sample(600, 6, seed=3)
    found = resampled_aucs(labels, [scores, rival], patients, replicates=1000, seed=1)
    closed = closed_form_se(labels, scores, patients, rival)
    summary = estimate(aucs(labels, scores) - aucs(labels, rival), found[0] - found[1], closed)
    assert summary.se == pytest.approx(closed, rel=0.12)
    assert summary.value == pytest.approx(macro(aucs(labels, scores)) - macro(aucs(labels, rival)))
    assert summary.lower_two_sided < summary.lower < summary.value < summary.upper < summary.upper_two_sided


def test_doubling_every_record_within_its_patient_does_not_make_us_surer() -> None:
    labels, (scores, rival), _ = sample(200, 3)
    patients = np.arange(200)
    twice = [np.concatenate([array, array]) for array in (labels, scores, patients, rival)]
    assert closed_form_se(*twice) == pytest.approx(closed_form_se(labels, scores, patients, rival), rel=0.05)
