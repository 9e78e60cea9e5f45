import pytest

torch = pytest.importorskip("torch")

from twelvelead.errors import SetupError
from twelvelead.training import forecast as forecasts
from twelvelead.training.forecast import ADAM_BYTES, GIB, Forecast, forecast


def test_a_trial_counts_operations_and_what_the_graph_keeps_and_leaves_no_gradient():
    weight = torch.nn.Parameter(torch.ones(64, 64))
    page = torch.ones(10, 64)

    def loss():
        return ((page @ weight).relu() @ weight).sum()

    found = forecast(loss, [weight], tokens=10, budget=30)
    forward = 2 * 2 * 10 * 64 * 64
    backward = 3 * 2 * 10 * 64 * 64  # two for the weight, one through the second product
    assert found.flops_a_token == (forward + backward) / 10
    kept = 2 * 10 * 64 * 4  # the page, and the hidden layer
    states = ADAM_BYTES * 64 * 64
    assert found.peak_bytes == pytest.approx(1.1 * (states + 3 * kept), rel=0.02)
    assert weight.grad is None


def test_what_cannot_fit_is_refused_with_a_budget_that_can():
    with pytest.raises(
        SetupError, match=r"needs about 40.0 GiB and 10.0 are free(?s:.*)token_budget to 1792"
    ):
        Forecast(40 * GIB, 10 * GIB, 1.0, 1.0).check(token_budget=8000, longest=500)
    with pytest.raises(SetupError, match=r"lower train_lora\.questions_per_page"):
        Forecast(40 * GIB, 10 * GIB, 1.0, 1.0).check(token_budget=2000, longest=2000)
    Forecast(10 * GIB, 10 * GIB, 1.0, 1.0).check(token_budget=8000, longest=500)


def test_a_page_that_does_not_fit_alone_says_so(monkeypatch):
    monkeypatch.setattr(forecasts, "free_bytes", lambda: GIB)

    def loss():
        raise torch.OutOfMemoryError("no")

    with pytest.raises(SetupError, match="not even one page of 900 tokens"):
        forecast(loss, [], tokens=900, budget=900)
