"""The stage list, the command line, dvc.yaml, the components and the compiled pipeline say the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from components import IMAGE, identifier
from pipelines.graph import COMPONENTS, ERRAND_COMPONENTS
from pipelines.package import CONTRACTS, REVIEWED, compile_to, contracts, differences
from pipelines.resources import PROFILES, STEP_LIMITS, find
from pipelines.variants import PIPELINES

from twelvelead.cli import app
from twelvelead.errors import ParamsError
from twelvelead.params import load
from twelvelead.stages import PRETRAIN, STAGES, Stage
from twelvelead.stages.errands import ERRANDS

EVERY_STAGE = pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)


@pytest.fixture(scope="module")
def dvc(root: Path) -> dict[str, Any]:
    """The stages of dvc.yaml."""
    tree = yaml.safe_load((root / "dvc.yaml").read_text(encoding="utf-8"))
    return dict(tree["stages"])


@pytest.fixture(scope="module")
def compiled() -> dict[str, Any]:
    """The pipeline that the local runner and a cluster execute."""
    return dict(yaml.safe_load(PIPELINES["training"].yaml("local").read_text(encoding="utf-8")))


def tasks_of(pipeline: dict[str, Any]) -> dict[str, Any]:
    """Every task but the one that tells of the end."""
    return dict(pipeline["components"]["comp-exit-handler-1"]["dag"]["tasks"])


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
    errands = [errand.name for errand in ERRANDS]
    assert sorted(ERRAND_COMPONENTS) == sorted(errands)
    folders = [path.parent.name for path in root.glob("components/*/component.py")]
    assert sorted(folders) == sorted(names + errands)
    tasks = [*tasks_of(compiled), *compiled["root"]["dag"]["tasks"]]
    assert sorted(tasks) == sorted(
        [*(name.replace("_", "-") for name in names), "publish", "outcome", "exit-handler-1"]
    )
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert {stage.command for stage in (*STAGES, PRETRAIN)} <= set(commands)
    assert set(errands) <= set(commands)


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
    pieces = {"drawn"} if stage.name == "synthesize" else set()
    assert inputs == {identifier(name) for name in stage.inputs} | pieces
    assert set(spec.inputs) - inputs == parameters
    assert set(spec.outputs) == {identifier(stage.output)}


@EVERY_STAGE
def test_the_compiled_pipeline_wires_every_input_to_the_stage_that_makes_it(
    stage: Stage, compiled: dict[str, Any]
) -> None:
    makers = {made.output: made.name.replace("_", "-") for made in STAGES}
    task = tasks_of(compiled)[stage.name.replace("_", "-")]
    wired = {
        name: (
            source["taskOutputArtifact"]["producerTask"],
            source["taskOutputArtifact"]["outputArtifactKey"],
        )
        for name, source in task["inputs"].get("artifacts", {}).items()
    }
    assert wired == {identifier(name): (makers[name], identifier(name)) for name in stage.inputs}
    parameters = task["inputs"]["parameters"]
    assert parameters["params"] == {"componentInputParameter": "pipelinechannel--params"}
    assert parameters["code"] == {"componentInputParameter": "pipelinechannel--code"}
    assert ("files" in parameters) == bool(stage.files)
    if stage.files:
        assert parameters["files"] == {"componentInputParameter": f"pipelinechannel--{stage.name}_files"}


@EVERY_STAGE
def test_only_what_acts_on_the_world_is_never_cached(stage: Stage, compiled: dict[str, Any]) -> None:
    task = tasks_of(compiled)[stage.name.replace("_", "-")]
    assert task["cachingOptions"].get("enableCache", False) is not stage.effects
    runs = {"run_id"} & set(task["inputs"]["parameters"])
    assert bool(runs) is stage.effects


def test_the_compiled_pipelines_are_up_to_date() -> None:
    assert differences() == [], "run: make compile"


def test_the_contract_table_is_up_to_date() -> None:
    assert CONTRACTS.read_text(encoding="utf-8") == contracts(), "run: make compile"


def test_no_branch_can_be_skipped_in_silence(compiled: dict[str, Any]) -> None:
    """A condition KFP cannot evaluate runs neither branch and ends in SUCCESS; so there is none."""
    assert all("triggerPolicy" not in task for task in tasks_of(compiled).values())
    last = compiled["root"]["dag"]["tasks"]["outcome"]
    assert last["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}, "told after any end"


def test_steps_install_nothing_and_use_one_image(compiled: dict[str, Any]) -> None:
    for executor in compiled["deploymentSpec"]["executors"].values():
        assert "pip install" not in " ".join(executor["container"]["command"])
        assert executor["container"]["image"] == IMAGE
    assert "python" in IMAGE, "the local runner warns of any other name on every step"


@dataclass(frozen=True)
class Cluster:
    profile: str
    pipeline: dict[str, Any]
    kubernetes: dict[str, Any]

    def with_(self, key: str, value: Any = None) -> set[str]:
        """Steps that have a setting, or have it with this text in it."""
        return {
            name.removeprefix("exec-").replace("-", "_")
            for name, step in self.kubernetes.items()
            if key in step and (value is None or value in str(step[key]))
        }


@pytest.fixture(scope="module", params=["cluster", "airgap"])
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """The training pipeline under a cluster's profile: executors, and what Kubernetes adds to each."""
    path = tmp_path_factory.mktemp("cluster") / "training.yaml"
    compile_to(path, PIPELINES["training"], request.param)
    pipeline, platform = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    kubernetes = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return Cluster(request.param, pipeline, kubernetes)


def test_a_cluster_gets_limits_and_gpus_where_models_run(cluster: Cluster) -> None:
    with_gpu = set()
    for name, executor in cluster.pipeline["deploymentSpec"]["executors"].items():
        resources = executor["container"]["resources"]
        assert resources["resourceCpuLimit"]
        assert resources["resourceMemoryLimit"]
        if "accelerator" in resources:
            with_gpu.add(name.removeprefix("exec-").replace("-", "_"))
            assert resources["accelerator"]["resourceType"] == "nvidia.com/gpu"
    assert with_gpu == {"train_page_baseline", "train_lora", "evaluate"}
    assert cluster.with_("tolerations") == cluster.with_("nodeSelector") == with_gpu
    every = {stage.name for stage in STAGES} | {"draw", "publish", "outcome"}
    assert cluster.with_("activeDeadlineSeconds") == every, "nothing runs for ever"
    assert all(step["securityContext"]["runAsNonRoot"] for step in cluster.kubernetes.values())


def test_secrets_and_volumes_reach_those_steps_alone_that_need_them(cluster: Cluster) -> None:
    assert cluster.with_("secretAsEnv", "mlflow-pipeline") == {
        "train_baseline", "train_page_baseline", "train_lora", "register", "outcome",
    }  # fmt: skip
    assert cluster.with_("secretAsEnv", "'s3'") == {"ingest", "publish", "train_lora", "evaluate"}
    assert cluster.with_("secretAsEnv", "'git'") == {"ingest"}
    (git,) = [one for one in cluster.kubernetes["exec-ingest"]["secretAsEnv"] if one["secretName"] == "git"]
    assert git["optional"] is True, "an open repository needs none"
    assert cluster.with_("pvcMount", "/models") == {"train_lora", "evaluate"}
    assert cluster.with_("pvcMount", "/work") >= {"draw", "synthesize", "train_lora"}
    assert bool(cluster.with_("imagePullSecret")) is (cluster.profile == "airgap")


def test_a_failed_step_is_tried_again_later_and_a_refused_promotion_is_not(
    cluster: Cluster, tmp_path: Path
) -> None:
    for name, task in tasks_of(cluster.pipeline).items():
        if name.startswith("for-loop"):
            continue
        policy = task["retryPolicy"]
        assert (policy["maxRetryCount"], policy["backoffDuration"]) == (3, "60s"), name
        assert policy["backoffFactor"] == 2
        # Argo counts it from when the first try was made: it must hold all four, queues and waits too.
        one_s = int(cluster.kubernetes[f"exec-{name}"]["activeDeadlineSeconds"])
        assert int(policy["backoffMaxDuration"].removesuffix("s")) >= 4 * (one_s + 3600) + 420, name
    compile_to(tmp_path / "p.yaml", PIPELINES["promotion"], cluster.profile)
    promotion, _ = yaml.safe_load_all((tmp_path / "p.yaml").read_text(encoding="utf-8"))
    assert "retryPolicy" not in tasks_of(promotion)["promote"]


def test_pages_are_drawn_in_shares_that_synthesize_gathers(cluster: Cluster) -> None:
    tasks = tasks_of(cluster.pipeline)
    (loop,) = (task for name, task in tasks.items() if name.startswith("for-loop"))
    parts = find(cluster.profile).parts
    assert yaml.safe_load(loop["parameterIterator"]["items"]["raw"]) == list(range(parts))
    assert tasks["synthesize"]["inputs"]["artifacts"]["drawn"]["taskOutputArtifact"]["producerTask"]
    assert tasks["train_lora".replace("_", "-")].get("dependentTasks") == ["instruct", "synthesize"]
    assert "train-lora" not in tasks["train-baseline"]["dependentTasks"], "the CNN trains beside it"


def test_a_laptops_cluster_can_place_every_step(tmp_path: Path) -> None:
    """One node without a GPU: nothing asks for one, nor for more than such a machine has."""
    compile_to(tmp_path / "p.yaml", PIPELINES["training"], "laptop")
    pipeline, platform = yaml.safe_load_all((tmp_path / "p.yaml").read_text(encoding="utf-8"))
    for executor in pipeline["deploymentSpec"]["executors"].values():
        resources = executor["container"]["resources"]
        assert "accelerator" not in resources
        assert int(resources["resourceCpuLimit"]) <= 2
        assert int(resources["resourceMemoryLimit"].removesuffix("Gi")) <= 8
    for step in platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values():
        assert not {"nodeSelector", "tolerations"} & set(step)
        assert step["securityContext"]["runAsNonRoot"], "its namespace is as strict as any"
    assert {find("laptop").target_of(stage.name) for stage in STAGES} == {"cpu", "gate"}


def test_limits_are_given_to_steps_that_exist() -> None:
    assert set(STEP_LIMITS) <= set(COMPONENTS) | set(ERRAND_COMPONENTS)


def test_an_unknown_profile_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="Expected: local or cluster or airgap or laptop"):
        compile_to(tmp_path / "x.yaml", PIPELINES["data"], "moon")
    assert set(REVIEWED) <= set(PROFILES)
