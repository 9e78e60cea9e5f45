"""MLflow agrees with the policy on plain bounds, the bound itself included."""

import pytest

from twelvelead.errors import RegistryError
from twelvelead.gate.policy import Policy
from twelvelead.registry.second_opinion import check

POLICY = Policy.model_validate(
    {
        "name": "a policy",
        "candidate": "lora",
        "baseline": "cnn",
        "checks": (
            {"name": "a", "metric": "models.lora.macro_auc", "at_least": 0.8, "why": "x"},
            {"name": "b", "metric": "controls.shuffled.macro_auc", "at_most": 0.6, "why": "x"},
            {"name": "c", "metric": "controls.blank.macro_auc", "between": (0.45, 0.55), "why": "x"},
        ),
    }
)
LOGGED = {"lora.macro_auc": 0.8, "controls.shuffled.macro_auc": 0.6}


def test_figures_on_their_bounds_pass_and_the_two_sided_one_is_left_to_us() -> None:
    assert check(LOGGED, POLICY, "v1") == 2


@pytest.mark.parametrize("change", [{"lora.macro_auc": 0.79}, {"controls.shuffled.macro_auc": 0.61}, {}])
def test_a_broken_or_missing_figure_is_refused(change: dict[str, float]) -> None:
    logged = LOGGED | change if change else {"lora.macro_auc": 0.9}
    with pytest.raises(RegistryError, match="MLflow's validation says no"):
        check(logged, POLICY, "v1")
