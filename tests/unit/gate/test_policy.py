from pathlib import Path
from typing import Any

import pytest
import yaml

from twelvelead.errors import ParamsError, SetupError
from twelvelead.gate.policy import Check, load

GOOD: dict[str, Any] = {
    "name": "p",
    "candidate": "lora",
    "baseline": "cnn",
    "checks": [{"name": "a", "metric": "data.fold10", "at_least": 1, "why": "because"}],
}


def written(folder: Path, tree: Any) -> Path:
    path = folder / "gate.yaml"
    path.write_text(tree if isinstance(tree, str) else yaml.safe_dump(tree), encoding="utf-8")
    return path


def check(**changes: Any) -> dict[str, Any]:
    return {**GOOD["checks"][0], **changes}


def test_the_policy_of_the_project_is_sound_and_names_what_is_compared() -> None:
    policy = load(Path(__file__).parents[3] / "mlflow" / "gate.yaml")
    assert (policy.candidate, policy.baseline) == ("lora", "cnn")
    bounds = {one.metric: one.bound() for one in policy.checks}
    assert bounds["comparison.delta_macro_auc.lower"] == "≥ −0.010"
    assert bounds["controls.blank.macro_auc"] == "0.450 … 0.550"


def test_the_folder_of_the_policy_cannot_shadow_the_mlflow_package() -> None:
    assert not list((Path(__file__).parents[3] / "mlflow").glob("**/__init__.py"))


def test_a_whole_number_is_a_fine_bound(tmp_path: Path) -> None:
    assert load(written(tmp_path, GOOD)).checks[0].at_least == 1.0


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        ({**GOOD, "checks": []}, "policy: a policy without checks"),
        ({**GOOD, "cheks": 1}, "cheks: unknown key; known keys: name, promotes"),
        ({key: value for key, value in GOOD.items() if key != "candidate"}, "candidate: Field required"),
        ({**GOOD, "candidate": "cnn"}, "candidate and baseline are both 'cnn'"),
        ({**GOOD, "checks": [check(), check()]}, "two checks are named 'a'"),
        (
            {**GOOD, "checks": [check(at_most=2)]},
            "checks.0: needs exactly one of .* has at_least and at_most",
        ),
        ({**GOOD, "checks": [check(at_least=None)]}, "checks.0: needs exactly one of .* has none"),
        ({**GOOD, "checks": [check(at_least="0.8")]}, "checks.0.at_least: .*'0.8'"),
        ({**GOOD, "checks": [check(at_least=float("nan"))]}, "checks.0.at_least: .*finite"),
        ({**GOOD, "checks": [check(at_least=True)]}, "checks.0.at_least: "),
        (
            {**GOOD, "checks": [check(at_least=None, between=[0.6, 0.4])]},
            "checks.0: between must name the lower",
        ),
        ({**GOOD, "checks": [check(at_least=None, between=[0.6])]}, "checks.0.between"),
        ({**GOOD, "checks": [check(metric="fold10")]}, "checks.0.metric: "),
        ({**GOOD, "checks": [check(why="")]}, "checks.0.why: "),
        ({**GOOD, "checks": [check(minimum=1)]}, "checks.0.minimum: unknown key; known keys: name, metric"),
        ({**GOOD, "checks": "none"}, "checks: "),
        ([1, 2], "policy: "),
        ("", "policy: "),
        ("a: [", "not readable as YAML"),
    ],
)
def test_a_malformed_policy_says_where_it_is_wrong(tmp_path: Path, tree: Any, sentence: str) -> None:
    with pytest.raises(ParamsError, match=sentence) as fault:
        load(written(tmp_path, tree))
    assert "gate.yaml" in str(fault.value)
    assert fault.value.exit_code == 2


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    tree = {**GOOD, "name": "", "checks": [check(at_most=1), check(name="b", metric="x")]}
    with pytest.raises(ParamsError, match="3 fault") as fault:
        load(written(tmp_path, tree))
    assert all(key in str(fault.value) for key in ("name:", "checks.0:", "checks.1.metric:"))


def test_a_missing_policy_is_something_missing_in_the_environment(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"nowhere\.yaml"):
        load(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("bound", "inside", "outside"),
    [
        ({"at_least": -0.01}, [-0.01, 0.0, 5.0], [-0.0100001, float("nan")]),
        ({"at_most": 0.6}, [0.6, -1.0], [0.6000001, float("nan")]),
        ({"between": (0.45, 0.55)}, [0.45, 0.5, 0.55], [0.4499, 0.5501, float("nan")]),
    ],
)
def test_a_figure_on_the_bound_keeps_it(
    bound: dict[str, Any], inside: list[float], outside: list[float]
) -> None:
    one = Check(name="a", metric="a.b", why="w", **bound)
    assert all(one.admits(value) for value in inside)
    assert not any(one.admits(value) for value in outside)


@pytest.mark.parametrize(
    ("bound", "value", "text"),
    [
        ({"at_least": -0.01}, -0.0451, "−0.045 < −0.010"),
        ({"at_least": -0.01}, -0.01, "−0.010 ≥ −0.010"),
        ({"at_least": 0.8}, 0.79996, "0.79996 < 0.80000"),
        ({"at_least": 200}, 199, "199 < 200"),
        ({"at_least": 10}, 0, "0.000 < 10"),
        ({"at_most": 0.6}, 0.71, "0.710 > 0.600"),
        ({"at_most": 0.6}, 0.5, "0.500 ≤ 0.600"),
        ({"between": (0.45, 0.55)}, 0.5, "0.500 within 0.450 … 0.550"),
        ({"between": (0.45, 0.55)}, 0.6, "0.600 outside 0.450 … 0.550"),
    ],
)
def test_a_comparison_is_written_so_that_its_two_numbers_differ(
    bound: dict[str, Any], value: float, text: str
) -> None:
    assert Check(name="a", metric="a.b", why="w", **bound).compare(value) == text
