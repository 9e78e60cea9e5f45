"""The report from fake artifacts: what it must say, what it must not load, and what it may lack."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from twelvelead.reports import artifacts
from twelvelead.reports.run import DISAGREEMENTS, example_rows, figure, render

VOID = {"meta", "img", "br", "link", "input"}


class Checker(HTMLParser):
    """Finds tags that are not closed, and addresses that are loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page(inputs: dict[str, Path], examples: int = 3) -> str:
    return render(inputs, "A <run>", examples)


def test_the_page_is_one_well_formed_file_that_loads_nothing(inputs: dict[str, Path]) -> None:
    html = page(inputs)
    checker = Checker()
    checker.feed(html)

    assert checker.open == []
    assert [load[:22] for load in checker.loads] == ["data:image/png;base64,"] * (3 + DISAGREEMENTS)
    assert "<script" not in html
    assert "@import" not in html
    assert "url(" not in html
    assert "prefers-color-scheme: dark" in html
    assert 'name="viewport"' in html
    assert "A &lt;run&gt;" in html


def test_the_report_says_at_its_top_that_it_is_no_medical_device(inputs: dict[str, Path]) -> None:
    head = page(inputs).split("</header>")[0]
    assert "Not a medical device." in head


def test_every_check_stands_with_value_bound_and_reason(inputs: dict[str, Path]) -> None:
    html = page(inputs)

    assert ">Rejected</strong>" in html
    assert html.count('<span class="no">failed</span>') == 2
    assert html.count('<span class="yes">passed</span>') == 1
    for text in ("−0.045", "≥ −.010", "lora&#39;s macro AUC is .021 below", "A mean may hide it."):
        assert text in html
    assert "Registered as twelvelead-reader version 3, without an alias." in " ".join(html.split())


@pytest.mark.usefixtures("passed_run")
def test_a_passed_run_says_so_and_names_its_alias(inputs: dict[str, Path]) -> None:
    html = page(inputs)
    assert ">Passed</strong>" in html
    assert "<b>champion</b>" in html


def test_simulated_data_is_called_simulated_and_real_data_is_not(inputs: dict[str, Path]) -> None:
    assert "Simulated data" in page(inputs)
    path = inputs["evaluation"] / "scorecard.json"
    path.write_text(path.read_text().replace('"simulated"', '"ptb-xl"'))

    html = page(inputs)
    assert "imulated" not in html
    assert "ptb-xl" in html
    assert "Not a medical device" in html


def test_examples_show_true_statements_beside_both_models_probabilities(inputs: dict[str, Path]) -> None:
    html = page(inputs)
    assert html.count("<article") == 3 + DISAGREEMENTS
    assert 'alt="ECG page of simulated record 119:' in html
    assert html.count('<i class="lora"') == html.count('<i class="cnn"') >= 9


def test_counts_reasons_and_unscored_statements_are_given(inputs: dict[str, Path]) -> None:
    html = page(inputs)
    assert "<dd>300</dd>" in html
    assert "at least 9.5 s are needed" in html
    assert "no record carries it" in html
    assert "WPW, 3AVB" in html
    found = artifacts.records(inputs["validation"])
    assert found["quarantined"] == 8
    assert found["reasons"] == {"at least 9.5 s are needed": 8, "unreadable": 4}
    assert sum(found["folds"].values()) == found["usable"] == 292


def test_the_report_of_a_run_with_nothing_but_a_verdict_still_renders(
    inputs: dict[str, Path], run_folder: Path
) -> None:
    for name, path in inputs.items():
        if name != "verdict.json" and path.exists():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            if "." not in name:
                path.mkdir()

    html = page(inputs)
    assert ">Rejected</strong>" in html
    assert "Not a medical device" in html
    assert "<article" not in html


def test_figures_that_are_null_everywhere_are_dashes(inputs: dict[str, Path]) -> None:
    path = inputs["evaluation"] / "scorecard.json"
    tree = json.loads(re.sub(r"(?<=: )-?[\d.]+(e-\d+)?(?=[,}])", "null", path.read_text()))
    path.write_text(json.dumps(tree))

    html = page(inputs)
    assert "nan" not in re.sub(r"base64,[^\"]+", "", html).lower().replace("finance", "")
    assert "not measurable" in html


@pytest.mark.parametrize("examples", [0, 1, 60])
def test_as_many_examples_as_asked_for_or_as_there_are(inputs: dict[str, Path], examples: int) -> None:
    assert page(inputs, examples).count("<article") == min(examples, 29) + DISAGREEMENTS


def test_examples_are_chosen_by_statement_and_number_never_by_result() -> None:
    codes_of = {"1": ["SR"], "2": ["AFIB"], "3": ["SR", "LVH"], "4": ["LVH"]}
    assert artifacts.choose(codes_of, ["LVH", "AFIB", "PVC", "SR"], 3) == ["3", "2", "1"]
    assert artifacts.choose(codes_of, ["LVH"], 9) == ["3", "1", "2", "4"]


def test_an_example_lists_true_statements_first_then_what_each_model_holds_likeliest() -> None:
    scores = {code: {"lora": n / 10, "cnn": 1 - n / 10} for n, code in enumerate("ABCDEFGHIJ")}
    rows = example_rows(["A", "not scored"], scores)
    assert [row["code"] for row in rows] == ["A", "J", "I", "H", "G", "D", "C", "B"]
    assert [row["true"] for row in rows] == [True] + [False] * 7


def test_instructions_are_shown_from_every_family(inputs: dict[str, Path]) -> None:
    found = artifacts.questions(inputs["instructions"], ["119-0", "129-0"], each=2)
    assert [item["family"] for item in found] == ["measurement"] * 2 + ["report"] * 2 + ["statement"] * 2
    assert {item["record_id"] for item in found} == {"119", "129"}
    assert found[0]["question"] == "What is the heart rate?"
    assert found[0]["answer"] == "72 bpm"


def test_figures_for_people() -> None:
    assert [figure(value) for value in (None, float("nan"), True, 2000, 28.0, 1.0, -0.0214)] == [
        "—", "—", "—", "2,000", "28", "1.000", "−0.021",
    ]  # fmt: skip


@pytest.mark.usefixtures("passed_run")
def test_a_pass_by_a_policy_that_may_not_promote_is_no_pass(inputs: dict[str, Path]) -> None:
    path = inputs["verdict.json"]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"promotes": False}))

    html = page(inputs)

    assert ">Smoke run</strong>" in html
    assert ">Passed</strong>" not in html


def test_the_records_that_lora_and_the_cnn_hold_furthest_apart_are_shown(inputs: dict[str, Path]) -> None:
    path = inputs["evaluation"] / "predictions.parquet"
    code = json.loads((inputs["evaluation"] / "scorecard.json").read_text())["data"]["compared"][0]
    frame = pd.read_parquet(path)
    worst = frame["record_id"].drop_duplicates().tolist()[5]
    for model, value in (("lora", 0.999), ("cnn", 0.001)):
        frame.loc[
            (frame["record_id"] == worst) & (frame["code"] == code) & (frame["model"] == model),
            "probability",
        ] = value
    frame.to_parquet(path)

    assert artifacts.disagreements(inputs["evaluation"], [code], 3)[0] == worst
    assert artifacts.disagreements(inputs["evaluation"], [], 3) == []
    shown = page(inputs, 0)
    assert "Where they disagree most" in shown
    assert f"ECG page of simulated record {worst}:" in shown.split("<article")[1]


def test_looks_seeds_controls_and_differences_are_told(inputs: dict[str, Path]) -> None:
    path = inputs["evaluation"] / "scorecard.json"
    card = json.loads(path.read_text())
    card["robustness"] = {
        "as it is": {"macro_auc": 0.913, "pages": 150}, "6x2": {"macro_auc": None, "pages": 0},
    }  # fmt: skip
    card["models"]["cnn"]["seeds"] = {"1": 0.9021, "2": 0.9132}
    card["controls"]["permuted"] = {"macro_auc": 0.6543, "drop": 0.2}
    card["comparison"]["statements"] = {"AFIB": {"delta": -0.0432, "lower": -0.09, "upper": 0.01}}
    card["cost"] = {"ms_per_page": 43.0, "device": "cpu"}
    path.write_text(json.dumps(card))

    shown = page(inputs)

    for words in ("0.913", "does not fit on this sheet", "0.902, 0.913", "0.654", "every lead where another",
                  "AFIB, lora: -0.043", "43 ms on cpu"):  # fmt: skip
        assert words in shown.replace("−", "-"), words
