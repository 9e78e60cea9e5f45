import copy
from typing import Any

import pytest

from twelvelead.gate.policy import Policy
from twelvelead.gate.verdict import judge

SCORECARD: dict[str, Any] = {
    "data": {"fold10": 300, "compared": ["NORM"]},
    "comparison": {
        "candidate": "lora",
        "baseline": "cnn",
        "delta_macro_auc": {"of": "lora", "over": "cnn", "value": -0.031, "lower": -0.045},
        "worst_statement_delta": {"of": "lora", "over": "cnn", "code": "AFIB", "value": 0.02},
    },
    "controls": {"blank": {"macro_auc": 0.5}},
}


def policy(*checks: dict[str, Any], candidate: str = "lora") -> Policy:
    named = [{"name": f"check {number}", "why": "because", **check} for number, check in enumerate(checks)]
    return Policy.model_validate(
        {"name": "p", "candidate": candidate, "baseline": "cnn", "checks": tuple(named)}
    )


def one(metric: str, **bound: Any) -> Any:
    verdict = judge(SCORECARD, policy({"metric": metric, **bound}))
    assert verdict.passed == verdict.checks[0].passed
    return verdict.checks[0]


def test_a_loss_is_told_in_one_sentence() -> None:
    found = one("comparison.delta_macro_auc.lower", at_least=-0.01)
    assert not found.passed
    assert found.reason == "lora's macro AUC is 0.031 below cnn's (lower bound −0.045 < −0.010)"


def test_a_kept_bound_is_told_too() -> None:
    found = one("comparison.worst_statement_delta.value", at_least=-0.1)
    assert found.passed
    assert found.reason == "lora's AUC for AFIB is 0.020 above cnn's (0.020 ≥ −0.100)"


def test_other_figures_are_told_by_name_and_path() -> None:
    assert one("data.fold10", at_least=400).reason == "check 0: data.fold10 is 300 < 400"
    assert one("controls.blank.macro_auc", between=(0.45, 0.55)).reason == (
        "check 0: controls.blank.macro_auc is 0.500 within 0.450 … 0.550"
    )
    assert one("controls.blank.macro_auc", between=(0.51, 0.55)).reason == (
        "check 0: controls.blank.macro_auc is 0.500 outside 0.510 … 0.550"
    )


def test_every_check_is_listed_and_only_failures_are_reasons() -> None:
    verdict = judge(
        SCORECARD,
        policy({"metric": "data.fold10", "at_least": 1}, {"metric": "data.fold10", "at_most": 1}),
        "abc",
    ).to_dict()
    assert verdict["passed"] is False
    assert verdict["decision"] == "rejected"
    assert [check["passed"] for check in verdict["checks"]] == [True, False]
    assert verdict["reasons"] == [verdict["checks"][1]["reason"]]
    assert set(verdict["checks"][0]) >= {"name", "metric", "value", "bound", "passed", "reason"}
    assert (verdict["policy_name"], verdict["policy_sha256"]) == ("p", "abc")


@pytest.mark.parametrize("pair", [{"candidate": "base"}, {"baseline": "lora"}, {"candidate": None}])
def test_a_scorecard_of_other_models_is_refused_however_good(pair: dict[str, Any]) -> None:
    scorecard = copy.deepcopy(SCORECARD)
    scorecard["comparison"] |= pair
    verdict = judge(scorecard, policy({"metric": "data.fold10", "at_least": 1}))
    assert not verdict.passed
    assert "does not compare lora with cnn" in verdict.to_dict()["reasons"][0]


def test_an_empty_scorecard_is_refused_not_raised() -> None:
    assert not judge({}, policy({"metric": "data.fold10", "at_least": 1})).passed


def test_judging_leaves_the_scorecard_alone_and_gives_the_same_twice() -> None:
    before = copy.deepcopy(SCORECARD)
    rules = policy({"metric": "data.fold10", "at_least": 1})
    assert judge(SCORECARD, rules) == judge(SCORECARD, rules)
    assert before == SCORECARD
