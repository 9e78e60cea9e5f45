"""What holds in every image: small rights, nothing to build with, labels, health."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TARGETS = ("cpu", "gpu", "gate", "serve", "submit")
BUILDERS = "pip pip3 easy_install gcc cc make git"

Run = Callable[..., str]
Health = Callable[[str], list[str]]


@pytest.mark.parametrize("target", TARGETS)
def test_it_runs_as_nobody_on_a_root_that_is_read_only(inside: Run, target: str) -> None:
    tried = "id -u; touch /app/x || echo refused; touch /tmp/x && echo scratch"
    said = inside(target, ["sh", "-c", f"{tried}; sleep 2"])  # podman may lose the log of what ends at once
    assert said.split()[0] == "10001"
    assert {"refused", "scratch"} <= set(said.split())  # a shell's complaints come anywhere between


@pytest.mark.parametrize("target", TARGETS)
def test_even_on_a_writable_root_it_may_change_nothing(
    engine: Any, image: Callable[[str], str], target: str
) -> None:
    paths = "/ /app /opt/twelvelead /etc /usr/local/bin"
    probe = f"for path in {paths}; do touch $path/x 2>/dev/null && echo $path; done; echo end"
    assert engine.containers.run(image(target), ["sh", "-c", probe], remove=True).split() == [b"end"]


@pytest.mark.parametrize("target", ["cpu", "gate", "serve", "submit"])
def test_nothing_is_left_to_build_or_install_with(inside: Run, target: str) -> None:
    assert inside(target, ["sh", "-c", f"command -v {BUILDERS} || echo none"]).split() == ["none"]
    found = (
        "import importlib.util as util\n"
        "print([name for name in ('pip', 'setuptools', 'ensurepip') if util.find_spec(name)])"
    )
    assert inside(target, ["python3", "-c", found]).strip() == "[]"


@pytest.mark.parametrize("target", TARGETS)
def test_its_byte_code_is_there_and_its_tests_are_not(inside: Run, target: str) -> None:
    look = (
        "import json, pathlib, sysconfig, numpy, scipy, pandas\n"
        "site = pathlib.Path(sysconfig.get_path('purelib'))\n"
        "tests = [str(path) for path in site.rglob('tests') if path.is_dir()]\n"
        "print(json.dumps([len(list(site.rglob('*.pyc'))), tests]))"
    )
    compiled, tests = json.loads(inside(target, ["python3", "-c", look]))
    assert compiled > 1000
    assert tests == []


@pytest.mark.parametrize("target", TARGETS)
def test_labels_say_what_it_is(engine: Any, image: Callable[[str], str], target: str) -> None:
    labels = engine.images.get(image(target)).labels
    prefix = "org.opencontainers.image."
    said = {key.removeprefix(prefix): value for key, value in labels.items() if key.startswith(prefix)}
    assert said["licenses"] == "Apache-2.0"
    assert said["version"] == "0.1.0"
    assert len(said["revision"]) == 40
    assert {"title", "description", "source", "base.name"} <= said.keys()


@pytest.mark.parametrize("target", ["cpu", "gpu", "gate"])
def test_its_own_sign_of_health_holds(health: Health, inside: Run, target: str) -> None:
    assert inside(target, health(target)).strip() == "0.1.0"


@pytest.mark.parametrize("target", ["cpu", "serve"])
def test_the_images_for_processors_bring_no_cuda(inside: Run, target: str) -> None:
    assert inside(target, ["python3", "-c", "import torch; print(torch.version.cuda)"]).strip() == "None"


def test_the_image_that_judges_brings_no_torch(inside: Run) -> None:
    seen = "import importlib.util as u; print(u.find_spec('torch'), u.find_spec('transformers'))"
    assert inside("gate", ["python3", "-c", seen]).strip() == "None None"


def test_the_gpu_image_keeps_the_torch_of_its_base_and_our_pins_of_the_rest(inside: Run, root: Path) -> None:
    look = (
        "import json, torch, transformers, peft, numpy\n"
        "print(json.dumps([torch.__file__, transformers.__version__, peft.__version__, numpy.__version__]))"
    )
    place, *versions = json.loads(inside("gpu", ["python3", "-c", look]).splitlines()[-1])
    pins = dict(line.split("==") for line in (root / "constraints.txt").read_text().split() if "==" in line)
    assert not place.startswith("/opt/twelvelead/")
    assert versions == [pins[name] for name in ("transformers", "peft", "numpy")]


def test_the_mlflow_server_and_its_passwords_are_in_the_image_that_judges(inside: Run) -> None:
    ready = "import mlflow.server.auth, psycopg2; print('ready')"
    assert "ready" in inside("gate", ["sh", "-c", f'MLFLOW_FLASK_SERVER_SECRET_KEY=x python3 -c "{ready}"'])


def test_the_image_that_moves_data_reads_a_dvc_repository_without_git(inside: Run, tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(tmp_path / "repo")]
    (tmp_path / "repo" / "artifacts" / "pages").mkdir(parents=True)
    (tmp_path / "repo" / "artifacts" / "pages" / "a").write_text("a", encoding="utf-8")
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *words], check=True)
    place = f"dvc:{tmp_path / 'repo'}#main:artifacts"
    inside("cpu", ["twelvelead", "fetch", "pages", place, "-o", str(tmp_path / "back")], tmp_path)
    assert (tmp_path / "back" / "a").read_text(encoding="utf-8") == "a"


def test_the_image_that_starts_trainings_knows_kubernetes(inside: Run) -> None:
    assert "ready" in inside("cpu", ["python3", "-c", "import kubernetes; print('ready')"])


def test_the_image_that_submits_writes_what_it_would_send(inside: Run) -> None:
    command = (
        "python3 -m pipelines compile --output /tmp/p.yaml --profile cluster && grep -c exec- /tmp/p.yaml"
    )
    assert int(inside("submit", ["sh", "-c", command]).split()[-1]) > 10
