"""The project's own policy against scorecards that differ from a passing one in a single figure."""

import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest

from twelvelead.gate.policy import load
from twelvelead.gate.verdict import judge

POLICY = load(Path(__file__).parents[2] / "mlflow" / "gate.yaml")
PASSING: dict[str, Any] = {
    "data": {"source": "simulated", "fold10": 300, "n_compared": 15, "least_positives": 12},
    "models": {
        "lora": {"macro_auc_compared": 0.91, "macro_ece": 0.02, "unanswered": 0.0},
        "cnn": {"macro_auc_compared": 0.915},
    },
    "cost": {"ms_per_page": 56.0},
    "comparison": {
        "candidate": "lora",
        "baseline": "cnn",
        "delta_macro_auc": {"of": "lora", "over": "cnn", "value": -0.002, "lower": -0.008, "upper": 0.004},
        "delta_vs_base": {"of": "lora", "over": "base", "value": 0.4, "lower": 0.35, "upper": 0.45},
        "worst_statement_delta": {"of": "lora", "over": "cnn", "code": "AFIB", "value": -0.03},
        "harm": {"harmed": 0, "codes": []},
    },
    "controls": {
        "blank": {"macro_auc": 0.5},
        "shuffled": {"macro_auc": 0.51},
        "masked": {"drop": 0.001},
        "permuted": {"drop": 0.15},
        "mirrored": {"drop": 0.2},
    },
}
ABSENT = object()
FIGURES = [check.metric for check in POLICY.checks]


def with_figure(path: str, value: Any) -> dict[str, Any]:
    tree = copy.deepcopy(PASSING)
    *parents, leaf = path.split(".")
    node = tree
    for part in parents:
        node = node[part]
    if value is ABSENT:
        del node[leaf]
    else:
        node[leaf] = value
    return tree


def test_the_passing_scorecard_passes_every_check() -> None:
    verdict = judge(PASSING, POLICY)
    assert verdict.passed
    assert verdict.to_dict()["decision"] == "passed"
    assert verdict.to_dict()["reasons"] == []
    assert len(verdict.checks) == len(POLICY.checks)


@pytest.mark.parametrize(
    ("metric", "on_the_bound", "beyond"),
    [
        ("comparison.delta_macro_auc.lower", -0.01, -0.0101),
        ("comparison.delta_vs_base.lower", 0.001, 0.0),
        ("models.lora.macro_auc_compared", 0.80, 0.7999),
        ("controls.blank.macro_auc", 0.45, 0.4499),
        ("controls.blank.macro_auc", 0.55, 0.5501),
        ("controls.shuffled.macro_auc", 0.60, 0.6001),
        ("comparison.worst_statement_delta.value", -0.10, -0.1001),
        ("comparison.harm.harmed", 0, 1),
        ("models.lora.macro_ece", 0.05, 0.0501),
        ("controls.masked.drop", 0.05, 0.0501),
        ("controls.permuted.drop", 0.02, 0.0199),
        ("controls.mirrored.drop", 0.02, 0.0199),
        ("models.lora.unanswered", 0.01, 0.0101),
        ("cost.ms_per_page", 1000, 1000.1),
        ("data.n_compared", 10, 9),
        ("data.least_positives", 10, 9),
        ("data.fold10", 200, 199),
    ],
)
def test_a_figure_on_its_bound_passes_and_one_beyond_it_rejects(
    metric: str, on_the_bound: float, beyond: float
) -> None:
    assert judge(with_figure(metric, on_the_bound), POLICY).passed
    verdict = judge(with_figure(metric, beyond), POLICY)
    assert not verdict.passed
    assert [finding.metric for finding in verdict.checks if not finding.passed] == [metric]


def test_every_figure_of_the_policy_is_in_the_table_above() -> None:
    assert len(FIGURES) == len(set(FIGURES)) == 16


@pytest.mark.parametrize("metric", FIGURES)
@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (ABSENT, "is missing from the scorecard"),
        (None, "is not a number"),
        (math.nan, "is not a number"),
        (math.inf, "is not a number"),
        (-math.inf, "is not a number"),
        ("0.5", "is not a number"),
        (True, "is not a number"),
        ([0.5], "is not a number"),
    ],
)
def test_a_missing_figure_or_one_that_is_no_number_rejects(metric: str, value: Any, sentence: str) -> None:
    verdict = judge(with_figure(metric, value), POLICY)
    (failed,) = [finding for finding in verdict.checks if not finding.passed]
    assert failed.metric == metric
    assert failed.value is None
    assert sentence in failed.reason
    json.dumps(verdict.to_dict(), allow_nan=False)


def test_a_path_through_something_that_is_no_branch_is_missing() -> None:
    assert "missing" in judge(with_figure("data", [1, 2]), POLICY).to_dict()["reasons"][0]


def test_two_faults_give_two_reasons() -> None:
    tree = with_figure("data.fold10", 10)
    tree["controls"]["blank"]["macro_auc"] = 0.9
    assert len(judge(tree, POLICY).to_dict()["reasons"]) == 2


def test_harmed_statements_are_named() -> None:
    tree = with_figure("comparison.harm", {"harmed": 2, "codes": ["IMI", "AFIB"]})
    (reason,) = judge(tree, POLICY).to_dict()["reasons"]
    assert reason == "diagnoses surely lost: IMI, AFIB"
    assert "diagnoses surely lost: none" in [finding.reason for finding in judge(PASSING, POLICY).checks]


def test_only_a_policy_that_says_so_can_promote() -> None:
    smoke = load(Path(__file__).parents[2] / "mlflow" / "gate.smoke.yaml")
    silent = POLICY.model_copy(update={"promotes": False})

    assert POLICY.promotes
    assert not smoke.promotes
    assert judge(PASSING, silent).to_dict()["decision"] == "smoke"
    assert judge(with_figure("controls.blank.macro_auc", 0.9), silent).to_dict()["decision"] == "rejected"
