"""The same small training in every place: the same adapter, with real processes and a real base."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from tests.launch.emulator import Cluster

torch = pytest.importorskip("torch")

from twelvelead.data.digest import file_sha256
from twelvelead.errors import Interrupted, SetupError
from twelvelead.instruct.sample import messages
from twelvelead.params import TrainLora
from twelvelead.stages.train_lora import train_lora

QUICK = {"rank": 2, "alpha": 4, "epochs": 1, "pages_per_step": 4, "questions_per_page": 2, "threads": 1}
PLACES: dict[str, dict[str, Any]] = {
    "here": {"launch": {"backend": "here"}},
    "processes": {"launch": {"backend": "processes"}, "processes": 2},
    "one node": {"launch": {"backend": "trainjob", "gpus_per_node": 0}},
    "two nodes": {"launch": {"backend": "trainjob", "gpus_per_node": 0, "nodes": 2}},
}
Inputs = dict[str, Path]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """Twelve pages, eight of them to train on, dark on the left or everywhere."""
    import pyarrow as pa

    from twelvelead.data.shard import write_parquet

    folder = tmp_path_factory.mktemp("made")
    pages: list[dict[str, Any]] = []
    asked: dict[str, list[dict[str, Any]]] = {"train": [], "validation": []}
    for number in range(12):
        dark = number % 2 == 0
        picture = Image.new("RGB", (336, 336), (255, 255, 255))
        ImageDraw.Draw(picture).rectangle((0, 0, 167 + 168 * dark, 335), fill=(0, 0, 0))
        picture.save(stream := io.BytesIO(), "PNG")
        name = f"{number:05d}-0"
        image = {"bytes": stream.getvalue(), "path": name}
        pages.append({"page_id": name, "record_id": name[:5], "image": image})
        said = messages("Does this ECG show darkness?", "Yes" if dark else "No")
        row = {"page_id": name, "family": "statement", "messages": said}
        asked["train" if number < 8 else "validation"].append(row)
    for place in ("pages", "instructions"):
        (folder / place).mkdir()
    write_parquet(pa.Table.from_pylist(pages), folder / "pages" / "pages-00000.parquet")
    for split, rows in asked.items():
        write_parquet(pa.Table.from_pylist(rows), folder / "instructions" / f"{split}-00000.parquet")
    return {"pages": folder / "pages", "instructions": folder / "instructions"}


@pytest.fixture
def real(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, root: Path) -> Cluster:
    """The cluster, whose nodes train."""
    cluster.program = None
    cluster.environment |= {"OMP_NUM_THREADS": "1"}
    monkeypatch.setenv("PYTHONPATH", str(root / "src"))
    monkeypatch.chdir(root)
    return cluster


def run(inputs: Inputs, folder: Path, **changes: Any) -> tuple[dict[str, Any], Path]:
    root = Path(os.environ.get("TWELVELEAD_WORK", folder))
    output, work = folder / "adapter", root / f"train_lora-{folder.name}"
    output.mkdir(parents=True, exist_ok=True)
    work.mkdir(parents=True, exist_ok=True)
    params = TrainLora.model_validate_json(json.dumps({"base": "models/tiny", **QUICK, **changes}))
    return train_lora(inputs, output, params, work), output


def weights(adapter: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(adapter / "adapter_model.safetensors")


def assert_close(one: Path, other: Path) -> None:
    mine, theirs = weights(one), weights(other)
    assert mine.keys() == theirs.keys()
    for name, weight in mine.items():
        torch.testing.assert_close(weight, theirs[name], atol=2e-4, rtol=2e-3)


@pytest.mark.slow
def test_every_place_makes_the_same_adapter(real: Cluster, inputs: Inputs, tmp_path: Path) -> None:
    made = {place: run(inputs, tmp_path / place.replace(" ", "-"), **PLACES[place]) for place in PLACES}
    (summary, alone), *others = made.values()
    for told, adapter in others:
        assert told == summary
        assert_close(alone, adapter)
        assert {path.name for path in adapter.iterdir()} == {path.name for path in alone.iterdir()}
        assert (adapter / "base.json").read_bytes() == (alone / "base.json").read_bytes()
    bits = {place: file_sha256(adapter / "adapter_model.safetensors") for place, (_, adapter) in made.items()}
    assert bits["one node"] == bits["here"], "one process, wherever it is, comes to the same bits"
    assert bits["two nodes"] == bits["processes"], "and so do two"


@pytest.mark.slow
def test_a_training_stopped_in_the_cluster_goes_on_to_the_same_adapter(
    real: Cluster, inputs: Inputs, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """SIGTERM to the launcher, two nodes write a checkpoint, the next TrainJob goes on from it."""
    long = {**PLACES["two nodes"], "epochs": 20}
    work = Path(os.environ["TWELVELEAD_WORK"]) / "train_lora-again"

    def begun() -> None:
        until = time.monotonic() + 120
        while not (work / "curves.jsonl").is_file() and time.monotonic() < until:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=begun)
    thread.start()
    with pytest.raises(Interrupted):
        run(inputs, tmp_path / "again", **long)
    thread.join()
    for running in list(real.jobs.values()):
        running.thread.join(60)
        assert [pod.exit_code for pod in running.attempt] == [143, 143]
    assert not real.jobs
    assert (work / "lora.pt").is_file()
    capfd.readouterr()
    summary, adapter = run(inputs, tmp_path / "again", **long)
    first = re.search(r"from step (\d+)", capfd.readouterr().err)
    assert first is not None
    assert 0 < int(first.group(1)) < 40
    told, whole = run(inputs, tmp_path / "whole", **{**long, "launch": {"backend": "here"}})
    assert told == summary
    assert_close(whole, adapter)


@pytest.mark.slow
def test_through_a_bucket_two_nodes_make_the_bytes_that_they_make_over_a_volume(
    real: Cluster,
    inputs: Inputs,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Stopped on the way and gone on with, on new disks, by a launcher that has nothing of the first."""
    long = {**PLACES["two nodes"], "epochs": 12}
    told, volume = run(inputs, tmp_path / "volume", **long)
    request.getfixturevalue("apart")

    def begun() -> None:
        until = time.monotonic() + 120
        while not list(real.disks.rglob("lora.pt")) and time.monotonic() < until:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=begun)
    thread.start()
    with pytest.raises(Interrupted):
        run(inputs, tmp_path / "bucket", **long)
    thread.join()
    shutil.rmtree(tmp_path / "bucket")
    capfd.readouterr()
    summary, bucket = run(inputs, tmp_path / "bucket", **long)
    first = re.search(r"from step (\d+)", capfd.readouterr().err)
    assert first is not None
    assert 0 < int(first.group(1)) < 24
    assert summary == told
    assert {path.name for path in bucket.iterdir()} == {path.name for path in volume.iterdir()}
    for name in ("adapter_model.safetensors", "adapter_config.json", "modules.json", "base.json"):
        assert (bucket / name).read_bytes() == (volume / name).read_bytes(), name


@pytest.mark.slow
def test_nodes_that_cannot_begin_say_why_and_are_not_started_again(
    real: Cluster, inputs: Inputs, tmp_path: Path
) -> None:
    base = tmp_path / "base"
    base.mkdir()
    with pytest.raises(SetupError, match=r"base model folder has no config\.json"):
        run(inputs, tmp_path / "none", **PLACES["two nodes"], base=str(base))


@pytest.mark.slow
def test_two_agents_that_meet_at_an_endpoint_train_as_one(
    inputs: Inputs, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torchrun's own rendezvous, as on machines without a Trainer: `--nnodes 2 --rdzv-endpoint`."""
    from twelvelead.launch.folder import finished, lay

    monkeypatch.chdir(root)
    monkeypatch.setenv("TWELVELEAD_WORK", str(tmp_path))
    work = tmp_path / "work"
    params = TrainLora(**{"base": "models/tiny", **QUICK})
    file = lay(work, {**inputs, "output": "output"}, params)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "twelvelead.training.node", "--nnodes", "2", "--nproc-per-node", "1"]
    command += ["--rdzv-backend", "c10d", "--rdzv-id", "x", "--rdzv-endpoint", f"127.0.0.1:{port}", str(file)]
    environment = os.environ | {"PYTHONPATH": str(root / "src"), "OMP_NUM_THREADS": "1"}
    agents = [
        subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    assert [agent.wait(120) for agent in agents] == [0, 0]
    summary = finished(work, work / "output")
    told, alone = run(inputs, tmp_path / "alone", launch={"backend": "here"})
    assert summary == told
    assert_close(alone, work / "output")


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ([143, 143], 143),  # all stopped when asked to
        ([3, -15], 3),  # one refused its data, torchrun stopped the other
        ([-15, 143], 143),
        ([1, 3], 3),  # the other lost its peer
        ([-9, -15], 137),  # out of memory
        ([-11], 139),
        ([1], 1),
    ],
)
def test_a_node_ends_with_what_its_processes_ended_with(codes: list[int], code: int) -> None:
    from twelvelead.training.node import exit_code

    assert exit_code(codes) == code
