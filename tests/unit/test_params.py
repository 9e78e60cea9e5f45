"""params.yaml is strict, and says all that is wrong with it at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from twelvelead.errors import ParamsError
from twelvelead.params import Params, from_json, load, parse
from twelvelead.stages import STAGES


def _file(folder: Path, text: str) -> Path:
    path = folder / "params.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["params.yaml", "params.smoke.yaml", "params.thorough.yaml"])
def test_the_params_files_in_the_tree_are_valid(root: Path, name: str) -> None:
    assert load(root / name)


def test_every_stage_has_a_section() -> None:
    for stage in STAGES:
        assert Params().section(stage.name) is not None
        for key in stage.files:
            assert isinstance(getattr(Params().section(stage.name), key), str)


def test_an_unknown_key_names_its_place_and_the_key_that_was_meant(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"train_lora\.rnak: unknown key; did you mean 'rank'\?"):
        load(_file(tmp_path, "train_lora: {rnak: 8}"))


def test_an_unknown_section_names_the_section_that_was_meant(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"syntesize: unknown key; did you mean 'synthesize'\?"):
        load(_file(tmp_path, "syntesize: {seed: 1}"))


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = "ingest: {records: 1, seed: -1}\ntrain_lora: {rank: many}\nvalidate: {sloppy: 1}"
    with pytest.raises(ParamsError) as caught:
        load(_file(tmp_path, text))
    said = str(caught.value)
    assert "4 fault(s)" in said
    for key in ("ingest.records", "ingest.seed", "train_lora.rank", "validate.sloppy"):
        assert key in said


@pytest.mark.parametrize("value", ["'8'", "8.5", "true", "null", "[8]"])
def test_a_number_is_not_guessed_from_another_type(tmp_path: Path, value: str) -> None:
    with pytest.raises(ParamsError, match=r"train_lora\.rank: .*but got"):
        load(_file(tmp_path, f"train_lora: {{rank: {value}}}"))


def test_a_missing_file_says_which_option_to_give(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"nowhere\.yaml: params file not found\n  Fix: give --params"):
        load(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("text", ["- a\n- b", "just words", "a: [1,"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ParamsError, match=r"params\.yaml"):
        load(_file(tmp_path, text))


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    assert load(_file(tmp_path, "")) == Params()


def test_overrides_win_over_the_file_and_the_last_one_counts(tmp_path: Path) -> None:
    path = _file(tmp_path, "train_lora: {rank: 4}\nname: mine")
    params = load(path, ["train_lora.rank=8", "train_lora.rank=32", "train_lora.lr=1.0e-4"])
    assert (params.train_lora.rank, params.train_lora.lr, params.name) == (32, 1e-4, "mine")


@pytest.mark.parametrize("item", ["rank", "=8", ""])
def test_an_override_without_key_and_value_is_refused(tmp_path: Path, item: str) -> None:
    with pytest.raises(ParamsError, match=r"section\.key=value"):
        load(_file(tmp_path, ""), [item])


def test_an_override_cannot_reach_into_a_value(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="'name' is not a section"):
        load(_file(tmp_path, "name: mine"), ["name.first=a"])


def test_a_source_folder_and_its_path_must_fit() -> None:
    with pytest.raises(ParamsError, match="path is needed when source is 'ptb-xl'"):
        parse({"ingest": {"source": "ptb-xl"}}, where="here")
    with pytest.raises(ParamsError, match="path must be empty when source is 'simulate'"):
        parse({"ingest": {"path": "somewhere"}}, where="here")


def test_the_run_name_cannot_leave_the_runs_folder() -> None:
    with pytest.raises(ParamsError, match="name"):
        parse({"name": "../elsewhere"}, where="here")


def test_params_survive_the_way_through_json_unchanged() -> None:
    params = parse(
        {"name": "x", "train_lora": {"rank": 8, "lr": 1e-4}, "validate": {"max_abs_mv": 5.0}}, where=""
    )
    again = from_json(params.to_json())
    assert again == params
    assert isinstance(again.train_lora.rank, int)
    assert '"validate":' in params.to_json()


def test_params_cannot_be_changed_after_loading() -> None:
    with pytest.raises(ValidationError):
        Params().train_lora.rank = 1


def test_a_section_is_found_by_its_name_in_the_file() -> None:
    assert Params().section("validate") == Params().validate_
    with pytest.raises(ParamsError, match="no params section 'deploy'"):
        Params().section("deploy")


def test_the_thorough_run_differs_from_the_default_one_by_its_name_and_records_alone(root: Path) -> None:
    default, thorough = (load(root / name).model_dump() for name in ("params.yaml", "params.thorough.yaml"))
    assert thorough.pop("name") == "thorough"
    assert default.pop("name") == "default"
    assert thorough["ingest"].pop("records") == 2 * default["ingest"].pop("records")
    assert thorough == default
