"""The stage list, the command line, dvc.yaml, the components and the compiled pipeline say the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from components import IMAGE, identifier
from pipelines.resources import STAGE_LIMITS
from pipelines.training import COMPILED, COMPONENTS, CONTRACTS, compile_to, contracts

from twelvelead.cli import app
from twelvelead.errors import ParamsError
from twelvelead.params import load
from twelvelead.stages import PRETRAIN, STAGES, Stage

EVERY_STAGE = pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)


@pytest.fixture(scope="module")
def dvc(root: Path) -> dict[str, Any]:
    """The stages of dvc.yaml."""
    tree = yaml.safe_load((root / "dvc.yaml").read_text(encoding="utf-8"))
    return dict(tree["stages"])


@pytest.fixture(scope="module")
def compiled() -> dict[str, Any]:
    """The pipeline that the local runner and a cluster execute."""
    return dict(yaml.safe_load(COMPILED.read_text(encoding="utf-8")))


def _outputs(stage: dict[str, Any]) -> dict[str, dict[str, bool]]:
    """Path → its flags."""
    return {
        path: flags or {}
        for item in stage["outs"]
        for path, flags in (item.items() if isinstance(item, dict) else [(item, {})])
    }


def test_the_same_stages_are_everywhere(dvc: dict[str, Any], compiled: dict[str, Any], root: Path) -> None:
    names = [stage.name for stage in STAGES]
    assert [name for name in dvc if name != PRETRAIN.name] == names
    assert list(COMPONENTS) == names
    assert sorted(path.parent.name for path in root.glob("components/*/component.py")) == sorted(names)
    tasks = compiled["root"]["dag"]["tasks"]
    assert sorted(tasks) == sorted(name.replace("_", "-") for name in names)
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert {stage.command for stage in (*STAGES, PRETRAIN)} <= set(commands)


@EVERY_STAGE
def test_dvc_runs_the_command_with_its_inputs_section_and_output(stage: Stage, dvc: dict[str, Any]) -> None:
    entry = dvc[stage.name]
    # the source folder of ingest is empty by default, and DVC refuses an empty path
    files = [f"${{{stage.name}.{key}}}" for key in stage.files if (stage.name, key) != ("ingest", "path")]
    assert entry["cmd"] == f"twelvelead {stage.command}"
    assert entry.get("deps", []) == [*(f"artifacts/{name}" for name in stage.inputs), *files]
    assert entry["params"] == [stage.name]
    assert list(_outputs(entry)) == [f"artifacts/{stage.output}"]


def test_dvc_never_restores_what_register_did_from_its_cache(dvc: dict[str, Any]) -> None:
    for stage in STAGES:
        if stage.effects:
            assert _outputs(dvc[stage.name])[f"artifacts/{stage.output}"] == {"cache": False}


def test_the_base_is_frozen_and_kept_by_git(dvc: dict[str, Any]) -> None:
    entry = dvc[PRETRAIN.name]
    assert entry["frozen"] is True
    assert entry["cmd"] == f"twelvelead {PRETRAIN.command}"
    assert _outputs(entry)[PRETRAIN.output]["cache"] is False


def test_dvc_finds_in_the_params_file_every_section_it_tracks(dvc: dict[str, Any], root: Path) -> None:
    tree = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    assert {section for stage in dvc.values() for section in stage["params"]} <= set(tree)
    params = load(root / "params.yaml")
    assert tree["train_lora"]["base"] == params.train_lora.base
    assert tree["gate"]["policy"] == params.gate.policy


@EVERY_STAGE
def test_a_component_has_the_stages_inputs_and_output(stage: Stage) -> None:
    spec = COMPONENTS[stage.name].component_spec
    inputs = {name for name, kind in spec.inputs.items() if kind.type not in ("String", "str", "STRING")}
    parameters = {"params", "code"} | ({"files"} if stage.files else set())
    parameters |= {"run_id"} if stage.effects else set()
    assert inputs == {identifier(name) for name in stage.inputs}
    assert set(spec.inputs) - inputs == parameters
    assert set(spec.outputs) == {identifier(stage.output)}


@EVERY_STAGE
def test_the_compiled_pipeline_wires_every_input_to_the_stage_that_makes_it(
    stage: Stage, compiled: dict[str, Any]
) -> None:
    makers = {made.output: made.name.replace("_", "-") for made in STAGES}
    task = compiled["root"]["dag"]["tasks"][stage.name.replace("_", "-")]
    wired = {
        name: (
            source["taskOutputArtifact"]["producerTask"],
            source["taskOutputArtifact"]["outputArtifactKey"],
        )
        for name, source in task["inputs"].get("artifacts", {}).items()
    }
    assert wired == {identifier(name): (makers[name], identifier(name)) for name in stage.inputs}
    parameters = task["inputs"]["parameters"]
    assert parameters["params"] == {"componentInputParameter": "params"}
    assert parameters["code"] == {"componentInputParameter": "code"}
    assert ("files" in parameters) == bool(stage.files)
    if stage.files:
        assert parameters["files"] == {"componentInputParameter": f"{stage.name}_files"}


@EVERY_STAGE
def test_only_what_acts_on_the_world_is_never_cached(stage: Stage, compiled: dict[str, Any]) -> None:
    task = compiled["root"]["dag"]["tasks"][stage.name.replace("_", "-")]
    assert task["cachingOptions"].get("enableCache", False) is not stage.effects
    runs = {"run_id"} & set(task["inputs"]["parameters"])
    assert bool(runs) is stage.effects


def test_the_compiled_pipeline_is_up_to_date(tmp_path: Path) -> None:
    compile_to(tmp_path / "training.yaml")
    now = (tmp_path / "training.yaml").read_text(encoding="utf-8")
    assert now == COMPILED.read_text(encoding="utf-8"), "run: make compile"


def test_the_contract_table_is_up_to_date() -> None:
    assert CONTRACTS.read_text(encoding="utf-8") == contracts(), "run: make compile"


def test_no_branch_can_be_skipped_in_silence(compiled: dict[str, Any]) -> None:
    """A condition KFP cannot evaluate runs neither branch and ends in SUCCESS; so there is none."""
    assert all("triggerPolicy" not in task for task in compiled["root"]["dag"]["tasks"].values())


def test_steps_install_nothing_and_use_one_image(compiled: dict[str, Any]) -> None:
    for executor in compiled["deploymentSpec"]["executors"].values():
        assert "pip install" not in " ".join(executor["container"]["command"])
        assert executor["container"]["image"] == IMAGE
    assert "python" in IMAGE, "the local runner warns of any other name on every step"


def test_a_cluster_gets_limits_and_gpus_where_models_run(tmp_path: Path) -> None:
    compile_to(tmp_path / "cluster.yaml", "cluster")
    text = (tmp_path / "cluster.yaml").read_text(encoding="utf-8")
    pipeline, platform = yaml.safe_load_all(text)
    executors = pipeline["deploymentSpec"]["executors"]
    with_gpu = set()
    for name, executor in executors.items():
        resources = executor["container"]["resources"]
        assert resources["resourceCpuLimit"]
        assert resources["resourceMemoryLimit"]
        if "accelerator" in resources:
            with_gpu.add(name.removeprefix("exec-"))
            assert resources["accelerator"]["resourceType"] == "nvidia.com/gpu"
    assert with_gpu == {"train-lora", "evaluate"}
    kubernetes = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert {
        name.removeprefix("exec-") for name, step in kubernetes.items() if "tolerations" in step
    } == with_gpu
    assert kubernetes["exec-register"]["configMapAsEnv"][0]["configMapName"] == "twelvelead"


def test_limits_are_given_to_stages_that_exist() -> None:
    assert set(STAGE_LIMITS) <= set(COMPONENTS)


def test_an_unknown_profile_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="Expected: local or cluster"):
        compile_to(tmp_path / "x.yaml", "moon")
