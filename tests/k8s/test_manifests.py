"""The manifests render, are what the API knows, and give nobody more than the work asks for."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pipelines import resources
from pipelines.__main__ import app
from typer.main import get_command

from twelvelead.params import parse
from twelvelead.registry.tracking import without_advice

OVERLAYS = ("local", "gpu", "airgap")
RUNTIME = "ClusterTrainingRuntime"
Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def rendered(root: Path) -> dict[str, list[Manifest]]:
    kubectl = Path(sys.executable).with_name("kubectl")
    found = {}
    for overlay in OVERLAYS:
        found[overlay] = []
        for folder in (f"overlays/{overlay}", "loader"):  # the second is applied by hand, into any of them
            command = [kubectl, "kustomize", root / "k8s" / folder]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[overlay] += yaml.safe_load_all(done.stdout)
    return found


def of_kind(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    return [one for one in manifests if one["kind"] in kinds]


def named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = [one for one in of_kind(manifests, kind) if one["metadata"]["name"] == name]
    return found


def pods(manifests: list[Manifest]) -> dict[str, Manifest]:
    """Every pod's spec, by what makes it."""
    found = {
        f"{one['kind']} {one['metadata']['name']}": one["spec"]["template"]["spec"]
        for one in of_kind(manifests, "Deployment", "StatefulSet", "Job")
    }
    found |= {f"Pod {one['metadata']['name']}": one["spec"] for one in of_kind(manifests, "Pod")}
    for one in of_kind(manifests, "CronJob"):
        found[f"CronJob {one['metadata']['name']}"] = one["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    for one in of_kind(manifests, RUNTIME):
        for job in one["spec"]["template"]["spec"]["replicatedJobs"]:
            found[f"{one['metadata']['name']} {job['name']}"] = job["template"]["spec"]["template"]["spec"]
    return found


@pytest.mark.parametrize("version", ["1.33", "1.36"])
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_manifest_is_what_kubernetes_knows(
    overlay: str, version: str, rendered: dict[str, list[Manifest]]
) -> None:
    import kubernetes_validate

    for manifest in rendered[overlay]:
        if manifest["kind"] != RUNTIME:
            kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_runtime_is_what_the_trainer_knows_and_nothing_more(
    overlay: str, rendered: dict[str, list[Manifest]]
) -> None:
    """The typed model takes unknown fields in silence, so what it gives back must be what it was given."""
    from kubeflow_trainer_api.models import TrainerV1alpha1ClusterTrainingRuntime as Runtime

    (manifest,) = of_kind(rendered[overlay], RUNTIME)
    assert without_nulls(Runtime.from_dict(manifest).to_dict()) == manifest

    manifest["spec"]["template"]["spec"]["podSpecOverrides"] = []
    assert without_nulls(Runtime.from_dict(manifest).to_dict()) != manifest, "the check sees unknown fields"


def without_nulls(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: without_nulls(value) for key, value in tree.items() if value is not None}
    return [without_nulls(value) for value in tree] if isinstance(tree, list) else tree


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_trainer_finds_its_step_and_its_container(
    overlay: str, rendered: dict[str, list[Manifest]]
) -> None:
    (manifest,) = of_kind(rendered[overlay], RUNTIME)
    assert manifest["metadata"]["labels"]["trainer.kubeflow.org/framework"] == "torch"
    assert "torch" in manifest["spec"]["mlPolicy"]
    (job,) = manifest["spec"]["template"]["spec"]["replicatedJobs"]
    assert job["name"] == "node"
    assert job["template"]["metadata"]["labels"]["trainer.kubeflow.org/trainjob-ancestor-step"] == "trainer"
    (container,) = job["template"]["spec"]["template"]["spec"]["containers"]
    assert container["name"] == "node"
    assert container["volumeMounts"], "the overlay's patch left the rest as it was"
    gpus = container.get("resources", {}).get("limits", {}).get("nvidia.com/gpu")
    assert gpus == (None if overlay == "local" else "1")


def test_a_stop_is_started_again_for_ever_and_a_refusal_never(rendered: dict[str, list[Manifest]]) -> None:
    """Job and JobSet rules are joined by the words of a message; tests/launch plays them through."""
    from twelvelead.errors import DataError, Interrupted, ParamsError, SetupError

    (manifest,) = of_kind(rendered["gpu"], RUNTIME)
    spec = manifest["spec"]["template"]["spec"]
    (job,) = spec["replicatedJobs"]
    policy, template = spec["failurePolicy"], job["template"]["spec"]
    assert 1 <= policy["maxRestarts"] <= 10
    assert policy["restartStrategy"] == "BlockingRecreate", "two trainings would write one checkpoint"
    assert (template["backoffLimit"], template["podReplacementPolicy"]) == (0, "Failed")
    assert template["template"]["spec"]["restartPolicy"] == "Never"
    (codes,) = [
        rule["onExitCodes"] for rule in template["podFailurePolicy"]["rules"] if "onExitCodes" in rule
    ]
    assert codes["values"] == sorted(codes["values"]), "the server wants them in order"

    def action(code: int) -> str:
        said = f"Container node for pod a/b failed with exit code {code} matching FailJob rule at index 1"
        for rule in policy["rules"]:
            if code in codes["values"] and any(
                re.search(p, said) for p in rule["onJobFailureMessagePatterns"]
            ):
                return str(rule["action"])
        return "RestartJobSet"

    assert action(Interrupted.exit_code) == "RestartJobSetAndIgnoreMaxRestarts"
    for kind in (ParamsError, DataError, SetupError):
        assert action(kind.exit_code) == "FailJobSet"
    assert action(1) == action(137) == "RestartJobSet"


def test_processes_have_less_time_to_stop_than_their_pod(rendered: dict[str, list[Manifest]]) -> None:
    from twelvelead.training.node import SECONDS_TO_STOP

    (manifest,) = of_kind(rendered["gpu"], RUNTIME)
    (job,) = manifest["spec"]["template"]["spec"]["replicatedJobs"]
    pod = job["template"]["spec"]["template"]["spec"]
    assert int(SECONDS_TO_STOP) < pod["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_launcher_may_do_what_it_asks_for(
    overlay: str, rendered: dict[str, list[Manifest]], root: Path
) -> None:
    """The rights that the launcher names when they are missing are those that its role gives."""
    text = "".join(path.read_text(encoding="utf-8") for path in (root / "src/twelvelead/launch").glob("*.py"))
    asked = set(re.findall(r'"(get|list|create|patch|delete) (trainjobs|pods|events|pods/log)"', text))
    asked |= set(re.findall(r"'(get) (pods/log)'", text))
    assert len(asked) >= 8
    role = named(rendered[overlay], "Role", "launch-trainings")
    given = {(verb, one) for rule in role["rules"] for verb in rule["verbs"] for one in rule["resources"]}
    assert asked <= given


def test_the_placement_in_the_settings_is_one_that_launchers_read(
    rendered: dict[str, list[Manifest]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from twelvelead.launch.placement import VARIABLE, placement

    for overlay in OVERLAYS:
        settings = named(rendered[overlay], "ConfigMap", "twelvelead")["data"]
        monkeypatch.setenv(VARIABLE, settings["placement"])
        (runtime,) = of_kind(rendered[overlay], RUNTIME)
        (pod,) = [spec for name, spec in pods([runtime]).items() if name.endswith(" node")]
        mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
        assert (placement().work, placement().models) == (mounts["work"], mounts["models"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_pod_breaks_the_restricted_standard(overlay: str, rendered: dict[str, list[Manifest]]) -> None:
    namespace = named(rendered[overlay], "Namespace", "twelvelead")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for name, pod in pods(rendered[overlay]).items():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] > 0, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod), name
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name
        allowed = {"emptyDir", "persistentVolumeClaim", "secret", "configMap", "projected"}
        assert all(set(volume) - {"name"} <= allowed for volume in pod["volumes"]), name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_rights_name_what_they_allow_and_reach_only_our_own(
    overlay: str, rendered: dict[str, list[Manifest]]
) -> None:
    for role in of_kind(rendered[overlay], "Role", "ClusterRole"):
        for rule in role["rules"]:
            assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"], role["metadata"]["name"]
            if role["kind"] == "ClusterRole":
                assert rule["resources"] == ["clustertrainingruntimes"]
                assert set(rule["verbs"]) <= {"get", "list"}
            if "secrets" in rule["resources"]:  # Kubeflow's launcher finds its artifact store by this one
                named_one = {"resourceNames": ["mlpipeline-minio-artifact"], "verbs": ["get"]}
                assert rule == {"apiGroups": [""], "resources": ["secrets"], **named_one}
    for binding in of_kind(rendered[overlay], "RoleBinding", "ClusterRoleBinding"):
        submits = binding["metadata"]["name"].startswith("scheduler-")
        who = [("ServiceAccount", "scheduler" if submits else "pipeline")]
        assert [(one["kind"], one["name"]) for one in binding["subjects"]] == who
    for name in ("trainer", "mlflow"):
        account = named(rendered[overlay], "ServiceAccount", name)
        assert account["automountServiceAccountToken"] is False


def rights(manifests: list[Manifest], account: str) -> dict[str, set[str]]:
    """What an identity may do by all bindings: verbs by `group/resource name`, cluster-wide ones starred."""
    found: dict[str, set[str]] = {}
    for binding in of_kind(manifests, "RoleBinding", "ClusterRoleBinding"):
        if account in [one["name"] for one in binding["subjects"]]:
            role = named(manifests, binding["roleRef"]["kind"], binding["roleRef"]["name"])
            everywhere = "* " if binding["kind"] == "ClusterRoleBinding" else ""
            for rule in role["rules"]:
                for group, resource, name in itertools.product(
                    rule["apiGroups"], rule["resources"], rule.get("resourceNames", [""])
                ):
                    key = f"{everywhere}{group}/{resource} {name}".strip()
                    found.setdefault(key, set()).update(rule["verbs"])
    return found


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_who_may_do_what_is_this_and_no_more(overlay: str, rendered: dict[str, list[Manifest]]) -> None:
    """The matrix that `kubectl auth can-i --as` would show; a right more or less must be meant."""
    manifests = rendered[overlay]
    assert rights(manifests, "pipeline") == {
        "trainer.kubeflow.org/trainjobs": {"create", "get", "list", "watch", "patch", "delete"},
        "/pods": {"get", "list"},
        "/pods/log": {"get"},
        "/events": {"list"},
        "argoproj.io/workflowtaskresults": {"create", "patch"},
        "argoproj.io/workflowtasksets": {"list", "watch"},
        "argoproj.io/workflowtasksets/status": {"patch"},
        "/configmaps kfp-launcher": {"get"},
        "/secrets mlpipeline-minio-artifact": {"get"},
        "* trainer.kubeflow.org/clustertrainingruntimes": {"get", "list"},
    }
    submits = {"create", "get", "list"}
    assert rights(manifests, "scheduler") == (
        {}
        if overlay == "local"
        else {
            "pipelines.kubeflow.org/runs": submits,
            "pipelines.kubeflow.org/experiments": submits,
            "/serviceaccounts pipeline": {"use"},
        }
    )
    assert rights(manifests, "trainer") == rights(manifests, "mlflow") == rights(manifests, "default") == {}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kubeflow_takes_the_namespace_for_one_of_its_own(
    overlay: str, rendered: dict[str, list[Manifest]]
) -> None:
    """Its network policies let metadata and artifacts be reached by this label alone, and its controller puts
    the artifact store's keys where the other is."""
    labels = named(rendered[overlay], "Namespace", "twelvelead")["metadata"]["labels"]
    assert labels["app.kubernetes.io/part-of"] == "kubeflow-profile"
    assert labels["pipelines.kubeflow.org/enabled"] == "true"


def test_behind_a_closed_network_every_identity_can_pull_images(rendered: dict[str, list[Manifest]]) -> None:
    accounts = of_kind(rendered["airgap"], "ServiceAccount")
    assert {one["metadata"]["name"] for one in accounts} == {"pipeline", "trainer", "mlflow", "scheduler"}
    assert all(one["imagePullSecrets"] == [{"name": resources.PULL}] for one in accounts)
    assert all("imagePullSecrets" not in one for one in of_kind(rendered["gpu"], "ServiceAccount"))


def test_the_quota_has_room_for_what_runs_at_once(rendered: dict[str, list[Manifest]]) -> None:
    """A step's request is its limit, and Argo's container beside it has what the namespace gives."""
    hard = named(rendered["gpu"], "ResourceQuota", "twelvelead")["spec"]["hard"]
    profile = resources.find("cluster")
    server = pods(rendered["gpu"])["Deployment mlflow"]["containers"][0]["resources"]["limits"]
    drawing = ["draw"] * profile.parts + ["train_baseline"]
    training = ["train_baseline", "train_page_baseline", "train_lora", "publish"]
    for together in (drawing, training, ["evaluate", "publish"]):
        limits = [profile.limits(step) for step in together]
        cpu = sum(int(one.cpu) for one in limits) + int(server["cpu"])
        memory = sum(int(one.memory.removesuffix("Gi")) for one in limits) + 3
        assert cpu + len(limits) <= int(hard["limits.cpu"]), together
        assert cpu + 0.1 * len(limits) <= int(hard["requests.cpu"]), together
        assert memory + len(limits) * 2 <= int(hard["requests.memory"].removesuffix("Gi")), together
        assert sum(one.gpus for one in limits) <= int(hard["requests.nvidia.com/gpu"])
    assert len(drawing) + 4 <= int(hard["pods"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nothing_may_talk_unless_a_rule_says_so(overlay: str, rendered: dict[str, list[Manifest]]) -> None:
    deny = named(rendered[overlay], "NetworkPolicy", "deny-all")["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for policy in of_kind(rendered[overlay], "NetworkPolicy"):
        assert {} not in policy["spec"].get("ingress", []), "an empty rule allows everything"
        assert {} not in policy["spec"].get("egress", []), "an empty rule allows everything"
    outward = named(rendered[overlay], "NetworkPolicy", "s3-and-api")["spec"]["egress"][0]
    open_to_all = {"ipBlock": {"cidr": "0.0.0.0/0"}} in outward["to"]
    assert open_to_all is (overlay != "airgap")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_secret_is_in_git_and_everything_named_is_there(
    overlay: str, rendered: dict[str, list[Manifest]]
) -> None:
    manifests = rendered[overlay]
    assert not of_kind(manifests, "Secret")
    claims = {one["metadata"]["name"] for one in of_kind(manifests, "PersistentVolumeClaim")}
    accounts = {one["metadata"]["name"] for one in of_kind(manifests, "ServiceAccount")}
    for name, pod in pods(manifests).items():
        for volume in pod["volumes"]:
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in claims, name
        assert pod.get("serviceAccountName", "pipeline") in accounts, name
        mounts = {mount["name"] for container in pod["containers"] for mount in container["volumeMounts"]}
        templates = {"data"} if "postgres" in name else set()
        assert mounts <= {volume["name"] for volume in pod["volumes"]} | templates, name


def test_volumes_are_opened_for_the_user_of_steps_and_trainings(
    rendered: dict[str, list[Manifest]],
) -> None:
    """A new volume is root's; steps of Kubeflow name no fsGroup, so the loader gives it to their group."""
    loader = pods(rendered["gpu"])["Pod loader"]
    context, (container,) = loader["securityContext"], loader["containers"]
    assert context["runAsUser"] == context["runAsGroup"] == context["fsGroup"] == resources.USER
    claims = {one["name"]: one["persistentVolumeClaim"]["claimName"] for one in loader["volumes"]}
    assert {claims[mount["name"]] for mount in container["volumeMounts"]} == {"models", "work"}
    assert not any(mount.get("readOnly") for mount in container["volumeMounts"])


def test_the_server_is_waited_for_and_reached_by_every_name_it_has(
    rendered: dict[str, list[Manifest]],
) -> None:
    server = pods(rendered["gpu"])["Deployment mlflow"]["containers"][0]
    probe = server["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 120, (
        "it starts in 15 to 22 s, migrations aside"
    )
    (allowed,) = [word for word in server["args"] if word.startswith("--allowed-hosts=")]
    hosts = set(allowed.partition("=")[2].split(","))
    uri = named(rendered["gpu"], "ConfigMap", "twelvelead")["data"]["mlflow_tracking_uri"]
    assert {uri.removeprefix("http://"), uri.removeprefix("http://").removesuffix(":5000")} <= hosts
    assert probe["httpGet"]["httpHeaders"][0]["value"] in hosts


@pytest.mark.parametrize("endpoint", ["", "http://s3.example:9000"])
def test_the_server_finds_its_bucket_at_amazons_or_at_an_address_of_yours(
    endpoint: str, rendered: dict[str, list[Manifest]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the variable that the manifest sets; one of MLflow's own refuses the empty text of the settings."""
    server = pods(rendered["gpu"])["Deployment mlflow"]["containers"][0]
    (variable,) = [item["name"] for item in server["env"] if "s3_endpoint_url" in str(item)]
    for name in ("AWS_ENDPOINT_URL", "MLFLOW_S3_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, endpoint)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    with without_advice():
        from mlflow.store.artifact import s3_artifact_repo

        s3_artifact_repo._cached_get_s3_client.cache_clear()
        client = s3_artifact_repo.S3ArtifactRepository("s3://mlflow/artifacts")._get_s3_client()
    assert client.meta.endpoint_url == (endpoint or "https://s3.amazonaws.com")


def test_the_options_given_to_the_server_are_options_it_has(rendered: dict[str, list[Manifest]]) -> None:
    with without_advice():
        from mlflow.cli import server as command

    known = {option for param in command.params for option in param.opts}
    server = pods(rendered["gpu"])["Deployment mlflow"]["containers"][0]
    assert {re.split("=", word)[0] for word in server["args"]} <= known


def test_pipeline_steps_name_a_config_map_and_keys_that_exist(
    rendered: dict[str, list[Manifest]], root: Path
) -> None:
    keys = set(named(rendered["gpu"], "ConfigMap", "twelvelead")["data"])
    text = (root / "pipelines" / "resources.py").read_text(encoding="utf-8")
    assert set(re.findall(r'\{"(\w+)": "MLFLOW_TRACKING_URI"\}', text)) <= keys


def test_retraining_waits_for_a_hand_and_submits_by_an_identity_that_can_do_nothing_else(
    rendered: dict[str, list[Manifest]],
) -> None:
    assert not of_kind(rendered["local"], "CronJob")
    for overlay in ("gpu", "airgap"):
        job = named(rendered[overlay], "CronJob", "retrain")["spec"]
        assert job["suspend"] is True
        assert job["concurrencyPolicy"] == "Forbid"
        pod = job["jobTemplate"]["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        (source,) = next(one for one in pod["volumes"] if one["name"] == "token")["projected"]["sources"]
        assert source["serviceAccountToken"]["audience"] == "pipelines.kubeflow.org"
        rules = named(rendered[overlay], "Role", "submit-runs")["rules"]
        assert {group for rule in rules for group in rule["apiGroups"]} == {"pipelines.kubeflow.org"}
        params = named(rendered[overlay], "ConfigMap", "retraining")["data"]["params.yaml"]
        assert parse(yaml.safe_load(params), where="k8s").name == "retraining"


def test_the_retraining_command_is_one_that_the_pipelines_take(rendered: dict[str, list[Manifest]]) -> None:
    pod = named(rendered["gpu"], "CronJob", "retrain")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["command"] == ["python3", "-m", "pipelines", "submit"]
    known = {name for param in get_command(app).commands["submit"].params for name in param.opts}  # type: ignore[attr-defined]
    assert {word.partition("=")[0] for word in container["args"]} <= known
