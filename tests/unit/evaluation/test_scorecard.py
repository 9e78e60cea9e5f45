import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twelvelead.evaluation import metrics, scorecard
from twelvelead.evaluation.calibration import Calibration
from twelvelead.evaluation.plots import draw, roc
from twelvelead.evaluation.predictions import Predictions

CODES = ("NORM", "AFIB", "PVC", "WPW", "2AVB")
SKILL = {"cnn": 0.6, "page_cnn": 0.3, "lora": 0.5, "base": 0.0}


def fold(seed: int, n: int = 150, names: dict[str, float] = SKILL) -> Predictions:
    rng = np.random.default_rng(seed)
    labels = (rng.random((n, 5)) < [0.5, 0.3, 0.2, 0.0, 0.0]).astype(np.uint8)
    labels[:3, 3] = 1
    probabilities = {
        name: ((rng.random(labels.shape) + skill * labels) / (1 + skill)).astype(np.float32)
        for name, skill in names.items()
    }
    ids = np.array([f"r{number}" for number in range(n)])
    patients = np.array([f"p{number // 2}" for number in range(n)])
    return Predictions(CODES, ids, patients, labels, probabilities)


def build(
    fold9: Predictions | None = None, fold10: Predictions | None = None, **options: Any
) -> dict[str, Any]:
    controls = fold(2, names={"blank": 0.0, "shuffled": 0.0})
    options = {"min_positives": 10, "replicates": 100, "seed": 1} | options
    fold10 = fold10 or fold(2)
    plain = Calibration(np.ones(len(fold10.codes)), np.zeros(len(fold10.codes)))
    maps = dict.fromkeys(scorecard.MODELS, plain)
    return scorecard.build("simulated", fold9 or fold(1), fold10, controls, maps, **options)


def test_only_statements_with_enough_positives_are_compared() -> None:
    data = build()["data"]
    assert data["compared"] == ["NORM", "AFIB", "PVC"]
    assert data["n_compared"] == 3
    assert data["least_positives"] == min(data["positives"][code] for code in data["compared"]) >= 10
    assert data["positives"]["WPW"] == 3
    assert (data["fold9"], data["fold10"], data["patients_fold10"]) == (150, 150, 75)


def test_macro_figures_are_over_statements_with_both_classes() -> None:
    card, truth = build(), fold(2)
    expected = metrics.aucs(truth.labels, truth.probabilities["lora"])
    model = card["models"]["lora"]
    assert model["n_statements"] == 4
    assert model["macro_auc"] == pytest.approx(np.mean(expected[:4]))
    assert model["macro_auc_compared"] == pytest.approx(np.mean(expected[:3]))
    assert model["statements"]["AFIB"]["auc"] == pytest.approx(expected[1])
    assert model["statements"]["2AVB"]["auc"] is None
    assert model["macro_auc_compared_lower"] < model["macro_auc_compared"] < model["macro_auc_compared_upper"]


def test_thresholds_and_what_is_called_come_from_fold_9_alone() -> None:
    card = build()
    turned = fold(2)
    turned = dataclasses.replace(
        turned,
        labels=1 - turned.labels,
        probabilities={name: values**2 for name, values in turned.probabilities.items()},
    )
    other = build(fold10=turned)
    for model in scorecard.MODELS:
        for code in CODES:
            assert (
                card["models"][model]["statements"][code]["threshold"]
                == (other["models"][model]["statements"][code]["threshold"])
            )
    moved = build(fold9=fold(9))["models"]["cnn"]["statements"]["NORM"]["threshold"]
    assert moved != card["models"]["cnn"]["statements"]["NORM"]["threshold"]


def test_f1_applies_those_thresholds_to_fold_10() -> None:
    card, truth = build(), fold(2)
    row = card["models"]["cnn"]["statements"]["NORM"]
    called = truth.probabilities["cnn"][:, :1] >= row["threshold"]
    assert row["f1"] == pytest.approx(metrics.f1s(truth.labels[:, :1], called)[0])


def test_the_difference_is_candidate_minus_rival_over_the_compared_statements() -> None:
    card = build()
    macro = {name: model["macro_auc_compared"] for name, model in card["models"].items()}
    delta, gain = card["comparison"]["delta_macro_auc"], card["comparison"]["delta_vs_base"]
    assert delta["value"] == pytest.approx(macro["lora"] - macro["cnn"])
    assert gain["value"] == pytest.approx(macro["lora"] - macro["base"])
    assert (delta["of"], delta["over"], gain["over"]) == ("lora", "cnn", "base")
    assert delta["lower"] < delta["value"] < delta["upper"]
    assert delta["se"] == pytest.approx(delta["se_closed_form"], rel=0.3)


def test_the_worst_statement_is_the_harmful_one_where_the_candidate_loses_most() -> None:
    truth = fold(2)
    lora = truth.probabilities["lora"].copy()
    lora[:, 1] = 1 - lora[:, 1]  # AFIB, on the list
    lora[:, 3] = 0  # WPW: not on the list, and too few to be compared
    card = build(fold10=dataclasses.replace(truth, probabilities={**truth.probabilities, "lora": lora}))
    worst = card["comparison"]["worst_statement_delta"]
    rows = {model: card["models"][model]["statements"]["AFIB"]["auc"] for model in ("lora", "cnn")}
    assert worst["code"] == "AFIB"
    assert worst["value"] == pytest.approx(rows["lora"] - rows["cnn"])


def test_nothing_compared_leaves_nulls_and_no_crash() -> None:
    card = build(min_positives=1000)
    assert card["data"]["compared"] == []
    assert card["comparison"]["delta_macro_auc"]["lower"] is None
    assert card["comparison"]["delta_macro_auc"]["se_closed_form"] is None
    assert card["comparison"]["worst_statement_delta"]["value"] is None
    assert card["controls"]["blank"]["macro_auc"] is None
    assert card["data"]["least_positives"] is None


def test_it_is_plain_json_without_nan_and_the_same_twice() -> None:
    text = json.dumps(build(), allow_nan=False)
    assert json.loads(text) == build()


def test_plots_are_made_even_with_nothing_to_compare_and_are_the_same_twice(tmp_path: Path) -> None:
    for name, options in (("full", {}), ("again", {}), ("empty", {"min_positives": 1000})):
        paths = draw(build(**options), fold(2), tmp_path / name)
        assert [path.name for path in paths] == ["auc.png", "roc.png", "pr.png", "calibration.png"]
        assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
    assert (tmp_path / "full" / "roc.png").read_bytes() == (tmp_path / "again" / "roc.png").read_bytes()


def test_the_area_under_the_drawn_curve_is_the_auc() -> None:
    truth = fold(2)
    label, probability = truth.labels[:, 0], np.round(truth.probabilities["cnn"][:, 0], 1)
    false_rate, true_rate = roc(label, probability)
    assert (false_rate[0], true_rate[0], false_rate[-1], true_rate[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(true_rate, false_rate) == pytest.approx(metrics.auc(label, probability))
