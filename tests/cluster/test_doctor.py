"""The doctor on an emulated cluster that has what k8s/ makes, and on one that lacks a single thing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pipelines import resources
from tests.cluster.api import Api, running
from typer.testing import CliRunner

from twelvelead.cli import app
from twelvelead.doctor import cluster, machine
from twelvelead.doctor.finding import Finding
from twelvelead.errors import SetupError
from twelvelead.params import Params, parse

NS, KUBEFLOW = "/api/v1/namespaces/twelvelead", "/api/v1/namespaces/kubeflow"
TRAINER = "/apis/trainer.kubeflow.org/v1alpha1"


def manifests(root: Path) -> list[dict[str, Any]]:
    """Every object of the base."""
    files = sorted((root / "k8s" / "base").glob("*.yaml"))
    return [tree for path in files for tree in yaml.safe_load_all(path.read_text(encoding="utf-8")) if tree]


@pytest.fixture
def api(root: Path) -> Iterator[Api]:
    """A cluster with Kubeflow, the base's objects, its secrets, and one node of eight GPUs."""
    with running() as found:
        of_kind: dict[str, list[dict[str, Any]]] = {}
        for tree in manifests(root):
            of_kind.setdefault(tree["kind"], []).append(tree)
        objects: dict[str, Any] = {
            "/version": {"major": "1", "minor": "35+"},
            TRAINER: {"resources": [{"name": "trainjobs"}]},
            "/apis/jobset.x-k8s.io/v1alpha2": {"resources": [{"name": "jobsets"}]},
            f"{KUBEFLOW}/services/ml-pipeline": {"metadata": {}},
            f"{KUBEFLOW}/services/kubeflow-pipelines-profile-controller": {"metadata": {}},
            NS: of_kind["Namespace"][0],
            f"{NS}/configmaps/twelvelead": of_kind["ConfigMap"][0],
            f"{TRAINER}/clustertrainingruntimes/twelvelead-lora": of_kind["ClusterTrainingRuntime"][0],
            "/apis/apps/v1/namespaces/twelvelead/deployments/mlflow": {"status": {"availableReplicas": 1}},
            "/apis/networking.k8s.io/v1/namespaces/twelvelead/networkpolicies/deny-all": {"spec": {}},
            "/api/v1/nodes": {"items": [{"status": {"allocatable": {"nvidia.com/gpu": "8"}}}]},
        }
        for account in of_kind["ServiceAccount"]:
            objects[f"{NS}/serviceaccounts/{account['metadata']['name']}"] = account
        for claim in of_kind["PersistentVolumeClaim"]:
            bound = {**claim, "status": {"phase": "Bound"}}
            objects[f"{NS}/persistentvolumeclaims/{claim['metadata']['name']}"] = bound
        for name, keys in cluster.SECRETS.items():
            objects[f"{NS}/secrets/{name}"] = {"data": dict.fromkeys(keys, "eA==")}
        objects[f"{NS}/secrets/{cluster.STORE}"] = {"data": dict.fromkeys(cluster.STORE_KEYS, "eA==")}
        found.objects = objects
        for kind, namespace in (("Role", "twelvelead"), ("ClusterRole", None)):
            for role in of_kind[kind]:
                found.rules += [{**rule, "namespace": namespace} for rule in role["rules"]]
        yield found


def bad(findings: list[Finding]) -> list[str]:
    return [one.name for one in findings if one.state == "bad"]


def test_a_cluster_made_by_our_manifests_lacks_nothing(api: Api, tmp_path: Path) -> None:
    findings = cluster.examine(kubeconfig=str(api.kubeconfig(tmp_path)))
    assert [one for one in findings if one.state != "good"] == []
    assert len(findings) > 25


@pytest.mark.parametrize(
    ("path", "instead", "name", "fix"),
    [
        ("/version", {"major": "1", "minor": "29"}, "API server", "1.33 or later"),
        (TRAINER, 404, "Kubeflow Trainer 2.3", "install it"),
        (NS, {"metadata": {"labels": {}}}, "namespace twelvelead", "kubectl apply"),
        ("/version", "<html>Log in</html>", "API server", "check the address"),
        (NS, {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}},
         "namespace twelvelead", "kubectl apply"),
        (f"{NS}/secrets/mlpipeline-minio-artifact", 404, "secret mlpipeline-minio-artifact",
         "profile controller"),
        (f"{NS}/serviceaccounts/mlflow", {"imagePullSecrets": [{"name": "registry"}]},
         "service account mlflow", "docker-registry"),
        (f"{NS}/secrets/mlflow", 401, "secret mlflow", "log in again"),
        (f"{NS}/configmaps/twelvelead", 503, "settings (config map twelvelead)", "ask again later"),
        (f"{NS}/secrets/mlflow-pipeline", 404, "secret mlflow-pipeline", "docs/kubernetes.md"),
        (f"{NS}/secrets/s3", {"data": {"access_key": "eA=="}}, "secret s3", "docs/kubernetes.md"),
        (f"{NS}/serviceaccounts/trainer", 404, "service account trainer", "kubectl apply"),
        (f"{NS}/persistentvolumeclaims/work", {"spec": {"accessModes": []}, "status": {"phase": "Lost"}},
         "volume work", "describe pvc"),
        (f"{TRAINER}/clustertrainingruntimes/twelvelead-lora", 404, "training runtime twelvelead-lora",
         "kubectl apply"),
        ("/apis/apps/v1/namespaces/twelvelead/deployments/mlflow", {"status": {}}, "MLflow server", "logs"),
        ("/apis/networking.k8s.io/v1/namespaces/twelvelead/networkpolicies/deny-all", 404,
         "network closed by default", "apply"),
    ],
)  # fmt: skip
def test_a_single_missing_thing_is_named_with_its_cure(
    api: Api, tmp_path: Path, path: str, instead: Any, name: str, fix: str
) -> None:
    api.objects[path] = instead
    findings = cluster.examine(kubeconfig=str(api.kubeconfig(tmp_path)))
    assert bad(findings) == [name]
    assert fix in next(one.fix for one in findings if one.name == name)


def test_a_right_that_is_missing_and_one_too_many_are_both_bad(api: Api, tmp_path: Path) -> None:
    for rule in api.rules:
        if "trainjobs" in rule["resources"]:
            rule["verbs"] = [verb for verb in rule["verbs"] if verb != "delete"]
    api.rules.append(
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "namespace": "twelvelead"}
    )
    assert bad(cluster.examine(kubeconfig=str(api.kubeconfig(tmp_path)))) == [
        "identity pipeline may delete trainjobs here",
        "identity pipeline may not get secrets here",
        "identity pipeline may not get secrets mlflow here",
    ]


def test_what_one_may_not_see_is_not_called_bad(api: Api, tmp_path: Path) -> None:
    api.objects[f"{NS}/secrets/mlflow"] = 403
    api.objects["/api/v1/nodes"] = {"items": []}
    del api.objects[f"{KUBEFLOW}/services/kubeflow-pipelines-profile-controller"]
    api.review_status = 403
    findings = cluster.examine(kubeconfig=str(api.kubeconfig(tmp_path)))
    assert bad(findings) == []
    unseen = [one for one in findings if one.state == "unseen"]
    assert len(unseen) == 3 + len(cluster.MAY) + len(cluster.MAY_NOT)


def test_no_cluster_and_one_that_does_not_answer_are_said_so(api: Api, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no cluster is named"):
        cluster.examine(kubeconfig=str(tmp_path / "nowhere"))
    config = api.kubeconfig(tmp_path)
    text = config.read_text(encoding="utf-8").replace(str(api.server_address[1]), "9")
    config.write_text(text, encoding="utf-8")
    (only,) = cluster.examine(kubeconfig=str(config))
    assert only.state == "bad"
    assert "does not answer" in only.said


def test_the_names_are_those_of_the_manifests_and_of_the_pipelines(root: Path) -> None:
    text = (root / "k8s" / "base" / "mlflow.yaml").read_text(encoding="utf-8")
    trees = list(yaml.safe_load_all(text))
    container = trees[0]["spec"]["template"]["spec"]["containers"][0]
    refs = [item["valueFrom"]["secretKeyRef"] for item in container["env"] if "secretKeyRef" in str(item)]
    assert {ref["key"] for ref in refs} | {"auth.ini"} == set(cluster.SECRETS["mlflow"])
    assert set(cluster.SECRETS) == {"mlflow", resources.MLFLOW, resources.S3}
    names = {(tree["kind"], tree.get("metadata", {}).get("name")) for tree in manifests(root)}
    assert {("ServiceAccount", name) for name in cluster.ACCOUNTS} <= names
    assert {("PersistentVolumeClaim", name) for name in cluster.CLAIMS} <= names
    assert ("ConfigMap", resources.SETTINGS) in names
    assert ("ClusterTrainingRuntime", cluster.RUNTIME) in names


def test_the_command_tells_every_finding_and_ends_in_five_if_one_is_bad(api: Api, tmp_path: Path) -> None:
    words = ["doctor", "--cluster", "--kubeconfig", str(api.kubeconfig(tmp_path))]
    fine = CliRunner().invoke(app, words)
    assert fine.exit_code == 0, fine.output
    assert "0 bad" in fine.output
    api.objects[f"{NS}/secrets/s3"] = 404
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 5
    assert [row["name"] for row in json.loads(done.output) if row["state"] == "bad"] == ["secret s3"]


def test_this_machine_is_looked_at_too(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    assert "base model models/tiny" not in bad(machine.examine(Params(), tmp_path))
    lost = parse({"train_lora": {"base": str(tmp_path / "gone")}}, where="here")
    (found,) = [one for one in machine.examine(lost, tmp_path) if one.name.startswith("base model")]
    assert found.state == "bad"
    assert "config.json" in found.said
