"""The model card says what matters, whatever is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import yaml

from twelvelead.registry.card import card, figure
from twelvelead.registry.lineage import Candidate, version_tags

Make = Callable[..., Candidate]


def test_a_card_on_simulated_data_says_so_and_that_it_is_no_medical_device(make: Make) -> None:
    text = card(candidate := make(), version_tags(candidate), "reader")

    assert "Not a medical device" in text
    assert "Simulated data." in text
    assert "## Verdict: passed" in text
    assert "| lora: base + LoRA adapter, on pages | 0.920 | 0.910 | — | — |" in text
    assert candidate.base_sha256 in text


def test_a_card_on_real_data_does_not_say_simulated(make: Make) -> None:
    text = card(candidate := make(source="ptb-xl"), version_tags(candidate), "reader")

    assert "imulated" not in text
    assert "ptb-xl" in text


def test_a_refused_card_lists_every_reason(make: Make) -> None:
    candidate = make(passed=False)
    text = card(candidate, version_tags(candidate), "reader")

    assert "## Verdict: rejected" in text
    assert all(f"- {reason}" in text for reason in candidate.verdict["reasons"])


def test_a_card_of_an_empty_scorecard_still_renders(make: Make) -> None:
    candidate = replace(make(), scorecard={}, verdict={"passed": False})

    assert "Not a medical device" in card(candidate, version_tags(candidate), "reader")


def test_figures_that_are_none_are_dashes() -> None:
    assert [figure(value) for value in (None, float("nan"), True, 3, 28.0, 0.12345)] == [
        "—",
        "—",
        "—",
        "3",
        "28",
        "0.123",
    ]


def test_the_head_is_what_model_hubs_read(make: Make) -> None:
    text = card(candidate := make(), version_tags(candidate), "reader")

    head = yaml.safe_load(text.split("---\n")[1])

    assert (head["library_name"], head["base_model"]) == ("peft", "models/tiny")
    assert "simulated-data" in head["tags"]
    (results,) = head["model-index"][0]["results"]
    assert results["dataset"]["name"] == "simulated"
    assert {"type": "roc_auc", "name": "macro AUC, lora", "value": 0.92} in results["metrics"]
