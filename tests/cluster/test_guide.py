"""docs/kubernetes.md, read as an operator does: every name, key and port in it is that of the manifests."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pipelines import resources

from twelvelead.doctor.cluster import SECRETS

OVERLAYS = ("local", "gpu", "airgap")


@pytest.fixture(scope="module")
def guide(root: Path) -> str:
    return (root / "docs" / "kubernetes.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def blocks(guide: str) -> list[str]:
    """Its fenced blocks, with continued lines joined."""
    return [block.replace("\\\n", " ") for block in re.findall(r"```\w*\n(.*?)```", guide, flags=re.S)]


def build(folder: Path) -> list[dict[str, Any]]:
    kubectl = Path(sys.executable).with_name("kubectl")
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def references(tree: Any) -> Iterator[dict[str, str]]:
    """Every key of a secret that a container asks for."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        if key == "secretKeyRef":
            yield value
        elif isinstance(value, dict | list):
            yield from references(value)


@pytest.fixture(scope="module")
def manifests(root: Path) -> list[dict[str, Any]]:
    """Everything that any overlay makes."""
    return [tree for overlay in OVERLAYS for tree in build(root / "k8s" / "overlays" / overlay)]


def test_the_commands_for_secrets_make_every_key_that_is_read(
    blocks: list[str], manifests: list[dict[str, Any]]
) -> None:
    made: dict[str, set[str]] = {}
    for line in "\n".join(blocks).splitlines():
        if found := re.match(r"kubectl -n twelvelead create secret generic (\S+)", line):
            made[found[1]] = set(re.findall(r"--from-(?:literal|file)=([\w.]+)", line))
    read = {name: set(keys) for name, keys in SECRETS.items()}
    assert made == {**read, resources.GIT: {"host", "token"}, "postgres": {"password"}}
    for ref in references(manifests):
        assert ref["key"] in made[ref["name"]], ref
    assert f"create secret docker-registry {resources.PULL} " in "\n".join(blocks)


def test_the_settings_of_mlflows_users_are_whole_and_fit_the_secret(blocks: list[str]) -> None:
    (text,) = [block for block in blocks if block.startswith("[mlflow]")]
    told = configparser.ConfigParser()
    told.read_string(text)
    with warnings.catch_warnings():  # its server's own imports are deprecated
        warnings.simplefilter("ignore")
        from mlflow.server.auth.config import AuthConfig

    assert set(told["mlflow"]) <= set(AuthConfig._fields)
    assert told["mlflow"]["default_permission"] == "READ", "everybody reads, one moves the champion"


def test_what_is_named_in_commands_is_there(
    blocks: list[str], manifests: list[dict[str, Any]], root: Path
) -> None:
    text = "\n".join(blocks)
    names = {
        (tree["kind"].lower(), tree["metadata"]["name"]) for tree in [*manifests, *build(root / "k8s/loader")]
    }
    for kind, name in re.findall(r"-n twelvelead [\w -]*?(deployment|pod|cronjob)[/ ]([\w-]+)", text):
        assert (kind, name) in names, f"{kind} {name}"
    for account in re.findall(r"-n twelvelead create token (\S+)", text):
        assert ("serviceaccount", account) in names
    for role in re.findall(r" --role=(\S+)", text):
        assert ("role", role) in names
    for folder in re.findall(r"kubectl apply -k (\S+)", text):
        assert (root / folder / "kustomization.yaml").is_file()
    (retrain,) = [tree for tree in build(root / "k8s/overlays/gpu") if tree["kind"] == "CronJob"]
    pod = yaml.safe_dump(retrain)
    (audience,) = set(re.findall(r"--audience=(\S+)", text))
    assert f"audience: {audience}" in pod
    (port,) = re.findall(r"port-forward service/ml-pipeline (\d+)", text)
    assert f"http://ml-pipeline.kubeflow.svc:{port}" in pod
    assert f"KFP_HOST=http://localhost:{port}" in text
    (server,) = re.findall(r"port-forward deployment/mlflow (\d+)", text)
    assert f"http://localhost:{server}/api/2.0/mlflow/users/create" in text
    assert f"localhost:{server}" in yaml.safe_dump(manifests), "a host that MLflow was told of"


def test_the_kustomization_of_ones_own_leaves_no_image_of_ours_unnamed(
    blocks: list[str], root: Path, tmp_path: Path
) -> None:
    (text,) = [block for block in blocks if block.startswith("resources: [k8s/overlays/gpu]")]
    shutil.copytree(root / "k8s", tmp_path / "k8s")
    (tmp_path / "kustomization.yaml").write_text(text.replace("…", "a" * 64), encoding="utf-8")
    made = build(tmp_path)
    images = re.findall(r"image: (\S+)", yaml.safe_dump(made))
    assert len(images) == 3
    assert all(image.startswith("registry.example/") and "@sha256:" in image for image in images)
    (settings,) = [tree for tree in made if tree["kind"] == "ConfigMap" and "placement" in tree["data"]]
    assert settings["data"]["s3_endpoint_url"] == "https://s3.example"


def test_profiles_and_steps_that_are_told_of_are_those_of_the_pipelines(guide: str) -> None:
    table = re.search(r"\| overlay \| for \|.*?\n\n", guide, flags=re.S)
    assert table is not None
    told = dict(re.findall(r"^\| `(\w+)` .*\| `(\w+)`[^|]*\|$", table[0], flags=re.M))
    assert told == {"local": "laptop", "gpu": "cluster", "airgap": "airgap"}
    assert set(told.values()) == {name for name, one in resources.PROFILES.items() if one.on_cluster}
    cluster = resources.find("cluster")
    assert f"drawn in {cluster.parts} shares" in guide
    assert cluster.retries == 3
    assert "three times more, after 1, 2 and 4 minutes" in guide
