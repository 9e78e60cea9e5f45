import numpy as np
import pytest

from twelvelead.evaluation.metrics import f1s
from twelvelead.evaluation.thresholds import MIN_POSITIVES_FOR_F1, call, choose


def column(positives: int, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    label = np.zeros((n, 1), np.uint8)
    label[rng.permutation(n)[:positives]] = 1
    return label, np.round(rng.random((n, 1)) + 0.4 * label, 2) / 1.4


@pytest.mark.parametrize("seed", range(4))
def test_with_many_positives_no_other_threshold_has_a_better_f1(seed: int) -> None:
    label, probability = column(40, 200, seed)
    best = f1s(label, call(probability, choose(label, probability)))[0]
    others = [f1s(label, probability >= cut)[0] for cut in np.unique(probability)]
    assert best == pytest.approx(max(others))


@pytest.mark.parametrize("positives", [1, 7, MIN_POSITIVES_FOR_F1 - 1])
def test_with_few_positives_as_many_are_called_as_there_are(positives: int) -> None:
    rng = np.random.default_rng(1)
    label = np.zeros((300, 1), np.uint8)
    label[:positives] = 1
    probability = rng.random((300, 1))
    assert call(probability, choose(label, probability)).sum() == positives


def test_ties_are_cut_where_the_count_comes_closest() -> None:
    label = np.array([[1], [1], [0], [0], [0]])
    probability = np.array([[0.9], [0.5], [0.5], [0.5], [0.1]])
    assert call(probability, choose(label, probability)).ravel().tolist() == [
        True,
        False,
        False,
        False,
        False,
    ]


def test_a_statement_without_positives_is_never_called() -> None:
    probability = np.array([[0.2], [1.0]])
    thresholds = choose(np.zeros((2, 1)), probability)
    assert np.isnan(thresholds[0])
    assert not call(probability, thresholds).any()


def test_statements_have_thresholds_of_their_own() -> None:
    (a, pa), (b, pb) = column(30, 100, 1), column(5, 100, 2)
    both = choose(np.hstack([a, b]), np.hstack([pa, pb]))
    assert both.tolist() == [choose(a, pa)[0], choose(b, pb)[0]]


def test_float32_probabilities_on_the_threshold_are_called() -> None:
    label = np.array([[1], [0]])
    probability = np.array([[0.1], [0.05]], np.float32)
    assert call(probability, choose(label, probability)).ravel().tolist() == [True, False]
