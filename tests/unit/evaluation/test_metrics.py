import numpy as np
import pytest

from twelvelead.evaluation import metrics


def sample(seed: int, n: int = 200, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    label = (rng.random(n) < 0.2).astype(np.uint8)
    probability = rng.random(n) + 0.3 * label
    return label, np.round(probability, 1) if ties else probability


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_auc_and_average_precision_agree_with_scikit_learn(seed: int, ties: bool) -> None:
    reference = pytest.importorskip("sklearn.metrics")
    label, probability = sample(seed, ties=ties)
    assert metrics.auc(label, probability) == pytest.approx(
        reference.roc_auc_score(label, probability), abs=1e-12
    )
    assert metrics.average_precision(label, probability) == pytest.approx(
        reference.average_precision_score(label, probability), abs=1e-12
    )


def test_auc_is_the_share_of_pairs_in_order_with_ties_counting_half() -> None:
    label, probability = sample(3, n=60, ties=True)
    above, below = probability[label == 1][:, None], probability[label == 0][None, :]
    assert metrics.auc(label, probability) == pytest.approx(((above > below) + 0.5 * (above == below)).mean())


def test_a_constant_answer_has_the_auc_of_chance() -> None:
    assert metrics.auc(np.array([0, 1, 1, 0]), np.full(4, 0.7)) == 0.5


@pytest.mark.parametrize("label", [[0, 0, 0], [1, 1, 1]])
def test_auc_without_both_classes_is_nan(label: list[int]) -> None:
    assert np.isnan(metrics.auc(np.array(label), np.array([0.1, 0.2, 0.3])))


def test_average_precision_without_positives_is_nan() -> None:
    assert np.isnan(metrics.average_precision(np.zeros(3), np.array([0.1, 0.2, 0.3])))


def test_macro_is_the_mean_over_what_is_known() -> None:
    assert metrics.macro(np.array([0.5, np.nan, 0.9])) == pytest.approx(0.7)
    assert np.isnan(metrics.macro(np.array([np.nan])))
    assert np.isnan(metrics.macro(np.array([])))


def test_f1_agrees_with_scikit_learn_and_counts_0_where_nothing_is_true_or_called() -> None:
    reference = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    labels, called = (rng.random((100, 6)) < 0.3).astype(np.uint8), rng.random((100, 6)) < 0.4
    labels[:, 0], called[:, 0] = 0, False
    labels[:, 1] = 0
    expected = reference.f1_score(labels, called, average=None, zero_division=0)
    assert metrics.f1s(labels, called) == pytest.approx(expected)
    assert metrics.micro_f1(labels, called) == pytest.approx(
        reference.f1_score(labels, called, average="micro", zero_division=0)
    )
    assert metrics.micro_f1(labels[:, :1], called[:, :1]) == 0.0


def test_brier_is_the_mean_squared_error() -> None:
    labels, probabilities = np.array([[1, 0], [0, 0]]), np.array([[0.5, 0.0], [0.5, 1.0]])
    assert metrics.briers(labels, probabilities).tolist() == [0.25, 0.5]
