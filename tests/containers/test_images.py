"""The road in containers, each step in its own, and beside them: the same verdict and the same bytes of data.

Needs an image (`make images`) and an engine that answers at DOCKER_HOST; `make test-containers` names both.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from twelvelead.data.digest import dvc_md5

IMAGE = os.environ.get("TWELVELEAD_TEST_IMAGE", "")
DATA = ("records", "validation", "pages", "instructions")


@pytest.fixture(scope="module")
def engine() -> Any:
    if not IMAGE:
        pytest.skip("TWELVELEAD_TEST_IMAGE names no image: make images test-containers")
    import docker

    try:
        client = docker.from_env()
        client.images.get(IMAGE)
    except docker.errors.DockerException as fault:
        pytest.skip(f"no engine with {IMAGE} at DOCKER_HOST: {str(fault)[:200]}")
    return client


@pytest.fixture(scope="module")
def both(engine: Any, root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = {}
    for name, more in (("containers", ["--image", IMAGE]), ("here", [])):
        runs = tmp_path_factory.mktemp(name)
        command = [
            sys.executable,
            "-m",
            "pipelines",
            "run",
            "--params",
            "params.smoke.yaml",
            "--runs",
            str(runs),
        ]
        done = subprocess.run([*command, *more], cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        found[name] = runs / "latest"
    return found


def test_the_data_have_the_same_bytes_in_containers_and_beside_them(both: dict[str, Path]) -> None:
    for artifact in DATA:
        inside, outside = (
            {
                path.relative_to(folder / "artifacts" / artifact): dvc_md5(path)
                for path in sorted((folder / "artifacts" / artifact).rglob("*"))
                if path.is_file()
            }
            for folder in (both["containers"], both["here"])
        )
        assert inside == outside, artifact


def test_the_verdict_is_the_same(both: dict[str, Path]) -> None:
    verdicts = [json.loads((both[name] / "verdict.json").read_text()) for name in ("containers", "here")]
    assert verdicts[0]["decision"] == verdicts[1]["decision"] == "smoke"
    assert verdicts[0]["policy_sha256"] == verdicts[1]["policy_sha256"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["id", "-u"], "10001"),
        (["sh", "-c", "touch /app/x || echo refused"], "refused"),
        (["sh", "-c", "command -v pip gcc || echo none"], "none"),
        (["python3", "-c", "import torch; print(torch.version.cuda)"], "None"),
        (["twelvelead", "version"], "0.1.0"),
    ],
)
def test_the_image_is_small_in_rights(engine: Any, command: list[str], said: str) -> None:
    """Not root, nothing to write or build with, no CUDA in a CPU image."""
    output = engine.containers.run(
        IMAGE, command, remove=True, read_only=True, tmpfs={"/tmp": ""}, stderr=True
    )
    assert said in output.decode()
