"""k8s/components/bucket: trainings whose nodes share no volume."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from twelvelead.training.node import SECONDS_TO_STOP

Manifest = dict[str, Any]


@pytest.fixture(scope="module", params=["local", "gpu", "airgap"])
def rendered(request: pytest.FixtureRequest, root: Path, tmp_path_factory: Any) -> list[Manifest]:
    folder = tmp_path_factory.mktemp("overlay")
    beneath = os.path.relpath(root.resolve() / "k8s", folder.resolve())
    kinds = {
        "resources": [f"{beneath}/overlays/{request.param}"],
        "components": [f"{beneath}/components/bucket"],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kinds), encoding="utf-8")
    kubectl = Path(sys.executable).with_name("kubectl")
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(done.stdout))


def runtime(manifests: list[Manifest]) -> Manifest:
    (found,) = [one for one in manifests if one["kind"] == "ClusterTrainingRuntime"]
    return found


def pod_of(manifest: Manifest) -> Manifest:
    (job,) = manifest["spec"]["template"]["spec"]["replicatedJobs"]
    pod: Manifest = job["template"]["spec"]["template"]["spec"]
    return pod


def test_nodes_mount_no_volume_of_others(rendered: list[Manifest]) -> None:
    pod = pod_of(runtime(rendered))
    assert all("emptyDir" in volume for volume in pod["volumes"])
    (container,) = pod["containers"]
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert mounts == {"/work": "work", "/tmp": "tmp", "/dev/shm": "shm"}
    assert {"name": "work", "emptyDir": {}} in pod["volumes"]


def test_no_claim_needs_many_writers(rendered: list[Manifest]) -> None:
    modes = {
        one["metadata"]["name"]: one["spec"]["accessModes"]
        for one in rendered
        if one["kind"] == "PersistentVolumeClaim"
    }
    assert modes["work"] == modes["models"] == ["ReadWriteOnce"]


def test_the_trainer_knows_it_still(rendered: list[Manifest]) -> None:
    from kubeflow_trainer_api.models import TrainerV1alpha1ClusterTrainingRuntime as Runtime

    def without_nulls(tree: Any) -> Any:
        if isinstance(tree, dict):
            return {key: without_nulls(value) for key, value in tree.items() if value is not None}
        return [without_nulls(value) for value in tree] if isinstance(tree, list) else tree

    manifest = runtime(rendered)
    assert without_nulls(Runtime.from_dict(manifest).to_dict()) == manifest


def test_keys_come_from_the_secret_alone_and_are_those_that_steps_use(rendered: list[Manifest]) -> None:
    from pipelines.resources import S3, SETTINGS

    (container,) = pod_of(runtime(rendered))["containers"]
    given = {one["name"]: one["valueFrom"] for one in container["env"] if "valueFrom" in one}
    keys = {"AWS_ACCESS_KEY_ID": "access_key", "AWS_SECRET_ACCESS_KEY": "secret_key"}
    for variable, key in keys.items():
        # optional: a training whose base and exchange are volumes has no use for them
        assert given[variable] == {"secretKeyRef": {"name": S3, "key": key, "optional": True}}
    settings = {"name": SETTINGS, "key": "s3_endpoint_url", "optional": True}
    assert given["AWS_ENDPOINT_URL"] == {"configMapKeyRef": settings}
    assert not any(one["name"].startswith("AWS_") and "value" in one for one in container["env"])


def test_there_is_time_to_send_the_last_checkpoint(rendered: list[Manifest]) -> None:
    assert pod_of(runtime(rendered))["terminationGracePeriodSeconds"] >= 2 * int(SECONDS_TO_STOP)
