"""Nodes and launcher that share no volume: all goes through a real S3 server, whatever happens."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.data.weed import Server
from tests.data.wire import LARGE, Wire
from tests.launch.emulator import Cluster
from tests.launch.test_trainjob import NAME, lines, train, when

from twelvelead.data import storage, store
from twelvelead.errors import Error, Interrupted, ParamsError, SetupError
from twelvelead.launch.backend import Job
from twelvelead.launch.placement import placement
from twelvelead.training import carrier, shelf
from twelvelead.training.carrier import Carrier
from twelvelead.training.job import CHECKPOINT, CURVES, JOB, SUMMARY, put
from twelvelead.training.shelf import Shelf

pytestmark = pytest.mark.slow
Make = Callable[..., Job]
KEY = "train_lora-0123456789abcdef"


def keys(server: Server, bucket: str, under: str = "") -> dict[str, Any]:
    """Objects, and when they were put."""
    found = server.client().list_objects_v2(Bucket=bucket, Prefix=f"trainings/{under}").get("Contents", [])
    return {item["Key"].removeprefix("trainings/"): item["LastModified"] for item in found}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """One attempt of a request, and no second one."""
    monkeypatch.setattr(storage, "ATTEMPTS", 1)
    monkeypatch.setattr(store, "PATIENCE_S", 0.0)


@pytest.fixture
def ours(bucket: str) -> Shelf:
    """A job's shelf in the test's bucket."""
    return Shelf(f"s3://{bucket}/trainings/jobs/{KEY}")


def test_the_adapter_comes_home_inputs_stay_and_are_sent_once(
    apart: Cluster, job: Make, s3_server: Server, bucket: str, capfd: pytest.CaptureFixture[str]
) -> None:
    watched: list[Any] = []
    when(lambda: apart.jobs, lambda: watched.append(apart.jobs[NAME].tree))
    one = job(nodes=2)
    assert train(one) == {"steps": 3}
    assert (one.output / "adapter.txt").read_text() == (
        "3 steps on ['instructions.parquet', 'pages.parquet'] by 7"
    )
    assert one.tracker.steps == [1, 2, 3]  # type: ignore[union-attr]
    assert capfd.readouterr().err.count("from step 0") == 1, "the leading node's log is told"
    inputs = keys(s3_server, bucket)
    assert all(name.startswith("objects/") for name in inputs), "what the job owned is gone"
    assert [len(list(disk.iterdir())) for disk in apart.disks.iterdir()] == [0, 0], "each had its own disk"
    spoken = json.dumps(watched[0])
    assert f"s3://{bucket}/trainings/jobs/{KEY}/job.json" in spoken
    assert not any(secret in spoken for secret in apart.values["s3"].values()), "no key is in the TrainJob"

    assert train(job(key="train_lora-fedcba9876543210")) == {"steps": 3}
    assert keys(s3_server, bucket) == inputs, "another job with these inputs sends nothing"
    assert capfd.readouterr().err.count(": 0 of ") == 3


def test_a_preempted_node_goes_on_from_the_bucket(
    apart: Cluster, job: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    apart.environment |= {"FAKE_STEPS": "20"}
    thread = when(lambda: lines(apart) > 4, lambda: apart.jobs[NAME].preempt())
    assert train(one := job(nodes=2)) == {"steps": 20}
    thread.join()
    said = capfd.readouterr().err
    steps = [int(line.split()[1]) for line in said.splitlines() if line.startswith("step")]
    assert steps == list(range(1, 21)), "neither lost nor done twice, on a new disk"
    assert sorted(set(one.tracker.steps)) == list(range(1, 21))  # type: ignore[union-attr]


def test_a_launcher_elsewhere_goes_on_where_one_was_stopped(
    apart: Cluster, job: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    """It has nothing of the first one's but the key."""
    apart.environment |= {"FAKE_STEPS": "30"}
    thread = when(lambda: lines(apart) > 4, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Interrupted):
        train(job())
    thread.join()
    shutil.rmtree(job().work)
    capfd.readouterr()
    assert train(job()) == {"steps": 30}
    first = int(capfd.readouterr().err.partition("from step ")[2].split()[0])
    assert 3 <= first < 30


def test_a_training_begun_elsewhere_goes_on_in_the_cluster(
    apart: Cluster, job: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    """A checkpoint of one machine is found by a training on several."""
    apart.environment |= {"FAKE_STEPS": "9"}
    (job().work / CHECKPOINT).write_text("6")
    assert train(job()) == {"steps": 9}
    assert "from step 6" in capfd.readouterr().err


def test_a_fault_of_a_node_is_told_in_its_own_words(apart: Cluster, job: Make) -> None:
    apart.environment |= {"FAKE_END": "3", "FAKE_FAULT": "pages: folds cross"}
    with pytest.raises(Error, match="pages: folds cross") as fault:
        train(job())
    assert fault.value.exit_code == 3
    apart.environment["FAKE_END"] = "0"
    assert train(job()) == {"steps": 3}


def test_the_words_of_an_earlier_attempt_are_not_taken_for_the_last_ones(apart: Cluster, job: Make) -> None:
    apart.environment |= {"FAKE_STEPS": "6", "FAKE_END": "1", "FAKE_FAULT": "of the first attempt"}

    def silent() -> None:
        del apart.environment["FAKE_FAULT"]

    thread = when(lambda: lines(apart) > 1, silent)
    with pytest.raises(Error, match=r"step 6\nsomething is wrong") as fault:
        train(job())
    thread.join()
    assert "of the first attempt" not in str(fault.value)


def test_an_input_that_is_gone_is_named_and_put_there_by_the_next_start(
    apart: Cluster, job: Make, s3_server: Server, bucket: str
) -> None:
    """As if somebody had emptied the bucket while the TrainJob waited for its nodes."""
    apart.suspended = True

    def lose() -> None:
        name = next(name for name in keys(s3_server, bucket) if name.startswith("objects/"))
        s3_server.client().delete_object(Bucket=bucket, Key=f"trainings/{name}")
        apart.suspended = False

    thread = when(lambda: apart.jobs, lose)
    with pytest.raises(SetupError, match="is not in the bucket"):
        train(job())
    thread.join()
    assert train(job()) == {"steps": 3}


def test_nodes_without_keys_say_so(apart: Cluster, job: Make) -> None:
    del apart.values["s3"]
    with pytest.raises(Error, match="Unable to locate credentials"):
        train(job())


def test_a_damaged_adapter_is_refused_and_made_again(
    apart: Cluster, job: Make, s3_server: Server, bucket: str, capfd: pytest.CaptureFixture[str]
) -> None:
    one = job()
    ours = Shelf(f"s3://{bucket}/trainings/jobs/{KEY}")
    (one.work / "output").mkdir()
    (one.work / "output" / "adapter.txt").write_text("an adapter")
    ours.put_whole("result.json", {"output/adapter.txt": one.work / "output" / "adapter.txt"}, told="{}")
    (name,) = keys(s3_server, bucket, f"jobs/{KEY}/files")
    s3_server.client().put_object(Bucket=bucket, Key=f"trainings/{name}", Body=b"damaged")
    shutil.rmtree(one.work / "output")
    assert train(one) == {"steps": 3}
    assert "output/adapter.txt is damaged in the bucket" in capfd.readouterr().err


def test_a_checkpoint_that_was_half_put_is_never_taken_up(
    ours: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The carrier is killed between a checkpoint's file and its manifest."""
    place, made = tmp_path / "place", tmp_path / CHECKPOINT
    place.mkdir()
    assert ours.take_checkpoint(place) == 0
    made.write_text("step 100")
    ours.put_checkpoint(made, 1)
    made.write_text("step 200")
    real = store.Store.put

    def killed(self: Any, name: str, content: Any) -> None:
        if name.startswith("checkpoints/"):
            raise KeyboardInterrupt
        real(self, name, content)

    monkeypatch.setattr(store.Store, "put", killed)
    with pytest.raises(KeyboardInterrupt):
        ours.put_checkpoint(made, 2)
    monkeypatch.setattr(store.Store, "put", real)
    assert len(ours.own.list("files/")) == 2
    assert ours.take_checkpoint(place) == 1
    assert (place / CHECKPOINT).read_text() == "step 100"
    ours.put_checkpoint(made, 2)
    assert ours.take_checkpoint(place) == 2
    assert (place / CHECKPOINT).read_text() == "step 200"


def test_of_damaged_checkpoints_the_one_before_is_taken_and_old_ones_go(
    ours: Shelf, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / CHECKPOINT
    for number in range(1, 5):
        made.write_text(f"step {number}00")
        ours.put_checkpoint(made, number)
    assert len(ours.own.list("files/")) == 2
    newest = ours.whole("checkpoints/000004.json")
    assert newest is not None
    ours.own.put(f"files/{newest['files'][CHECKPOINT]['sha256']}", b"step 399")
    (tmp_path / "place").mkdir()
    assert ours.take_checkpoint(tmp_path / "place") == 4, "the next one must not take its number"
    assert (tmp_path / "place" / CHECKPOINT).read_text() == "step 300"
    assert "checkpoints/000004.json is not taken up: " in capfd.readouterr().err
    ours.own.delete(ours.own.list("files/"))
    ours.take_checkpoint(tmp_path / "other")
    assert not (tmp_path / "other" / CHECKPOINT).exists()


def laid(ours: Shelf, folder: Path) -> tuple[Shelf, dict[str, bytes]]:
    """A job of four large inputs."""
    contents = {f"{number}.bin": os.urandom(2 * LARGE) for number in range(4)}
    folder.mkdir()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    objects = ours.send(folder, "inputs/pages")
    ours.own.put(JOB, json.dumps({"output": "output", "work": ".", "objects": objects}).encode())
    return ours, contents


def test_a_fetch_that_was_cut_off_goes_on(
    ours: Shelf, tmp_path: Path, wire: Wire, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, contents = laid(ours, tmp_path / "made")
    monkeypatch.setenv("AWS_ENDPOINT_URL", wire.url)
    url = f"{ours.own.url}/{JOB}"
    wire.cut_after(2)
    with pytest.raises(Error, match="S3 gave no answer"):
        Carrier(url, tmp_path / "disk").fetch()
    came = {path: path.stat().st_mtime_ns for path in (tmp_path / "disk").rglob("*.bin")}
    assert len(came) == 2
    wire.mend()
    file = Carrier(url, tmp_path / "disk").fetch()
    assert wire.whole == 2, "what had come was not fetched again"
    assert {path: path.stat().st_mtime_ns for path in came} == came
    assert {path.name: path.read_bytes() for path in (file.parent / "inputs/pages").iterdir()} == contents


def test_a_server_that_is_away_for_a_while_is_waited_for(
    ours: Shelf,
    tmp_path: Path,
    wire: Wire,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    laid(ours, tmp_path / "made")
    monkeypatch.setenv("AWS_ENDPOINT_URL", wire.url)
    monkeypatch.setattr(storage, "ATTEMPTS", 1)
    monkeypatch.setattr(storage, "FIRST_WAIT_S", 0.05)
    said: list[str] = []

    def heard(text: str) -> None:
        said.append(text)
        wire.mend()

    monkeypatch.setattr(storage, "say", heard)
    wire.cut_after(1)
    Carrier(f"{ours.own.url}/{JOB}", tmp_path / "disk").fetch()
    assert said
    assert all("S3 cannot answer" in text for text in said)


def test_a_stop_in_the_middle_of_a_request_is_obeyed(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """botocore takes what is raised in a request for a fault of the wire, and asks again."""
    asked: list[int] = []

    def answer(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                with near:
                    near.recv(65536)
                    asked.append(1)
                    if len(asked) == 1:
                        os.kill(os.getpid(), signal.SIGTERM)
                        near.settimeout(10)
                        with contextlib.suppress(TimeoutError):
                            near.recv(1)  # until the client hangs up
                    else:
                        near.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    before = signal.getsignal(signal.SIGTERM)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=answer, args=(listener,), daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(Interrupted):
            Carrier(f"s3://{bucket}/trainings/jobs/{KEY}/job.json", tmp_path).carry(lambda file: 0)
    assert len(asked) == 1
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_damaged_input_is_refused_with_its_object(ours: Shelf, tmp_path: Path) -> None:
    laid(ours, tmp_path / "made")
    name = next(iter(ours.objects.list()))
    ours.objects.put(name, b"\0" * 2 * LARGE)
    with pytest.raises(SetupError, match="is damaged in the bucket") as fault:
        Carrier(f"{ours.own.url}/{JOB}", tmp_path / "disk").fetch()
    assert name in str(fault.value)
    assert "delete that object" in str(fault.value)


def test_a_disk_that_is_full_is_told_of(ours: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    laid(ours, tmp_path / "made")

    def full(*_: Any) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.Store, "fetch", full)
    with pytest.raises(SetupError, match="No space left"):
        Carrier(f"{ours.own.url}/{JOB}", tmp_path / "disk").carry(lambda file: 0)
    told = json.loads(ours.own.read("fault.json") or b"{}")
    assert told["exit_code"] == 5
    assert "give nodes more disk" in told["message"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd"])
def test_a_manifest_cannot_write_elsewhere(ours: Shelf, tmp_path: Path, name: str) -> None:
    with pytest.raises(SetupError, match="leave the job's folder"):
        ours.bring({name: {"sha256": "0" * 64, "bytes": 1}}, tmp_path)


def test_a_carrier_puts_what_is_new_while_the_work_goes_on(
    ours: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that is lost without a word loses what came after its last checkpoint, and no more."""
    monkeypatch.setattr(carrier, "SECONDS_BETWEEN_LOOKS", 0.05)
    laid(ours, tmp_path / "made")
    seen = threading.Event()

    def work(file: Path) -> int:
        put(file.parent / CURVES, '{"step": 1}\n{"step": 2}\n{"st')
        put(file.parent / CHECKPOINT, "step 2")
        while not ours.own.list("checkpoints/"):
            assert not seen.wait(0.05)
        raise KeyboardInterrupt  # lost

    with pytest.raises(KeyboardInterrupt):
        Carrier(f"{ours.own.url}/{JOB}", tmp_path / "disk").carry(work)
    file = Carrier(f"{ours.own.url}/{JOB}", tmp_path / "another").fetch()
    assert (file.parent / CHECKPOINT).read_text() == "step 2"
    assert (file.parent / CURVES).read_text() == '{"step": 1}\n{"step": 2}\n', "no half line"


def test_a_node_that_does_not_lead_puts_nothing(ours: Shelf, tmp_path: Path) -> None:
    laid(ours, tmp_path / "made")
    (tmp_path / CHECKPOINT).write_text("step 1")
    ours.put_checkpoint(tmp_path / CHECKPOINT, 1)
    before = ours.own.list()
    assert Carrier(f"{ours.own.url}/{JOB}", tmp_path / "disk").carry(lambda file: 143) == 143
    assert ours.own.list() == before


def test_an_adapter_that_cannot_be_put_is_no_success(
    ours: Shelf, tmp_path: Path, wire: Wire, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid(ours, tmp_path / "made")
    monkeypatch.setenv("AWS_ENDPOINT_URL", wire.url)

    def work(file: Path) -> int:
        (file.parent / "output").mkdir()
        (file.parent / "output" / "adapter").write_bytes(os.urandom(2 * LARGE))
        put(file.parent / SUMMARY, "{}")
        wire.cut_after(0)
        return 0

    with pytest.raises(Error, match="S3 gave no answer"):
        Carrier(f"{ours.own.url}/{JOB}", tmp_path / "disk").carry(work)
    wire.mend()
    assert ours.whole("result.json") is None


def test_what_nobody_has_put_for_long_goes_with_the_next_job_that_ends(
    ours: Shelf, tmp_path: Path, s3_server: Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid(ours, tmp_path / "made")
    for key in ("trainings/objects/README", "elsewhere/of-somebody", "trainings/jobs/old/job.json"):
        s3_server.client().put_object(Bucket=bucket, Key=key, Body=b"x")
    ours.clear()
    assert len(keys(s3_server, bucket, "objects")) == 5, "young ones stay"
    assert list(keys(s3_server, bucket, "jobs")) == ["jobs/old/job.json"], "and so does another's job"
    monkeypatch.setattr(shelf, "KEPT", timedelta(0))
    ours.clear()
    left = s3_server.client().list_objects_v2(Bucket=bucket)["Contents"]
    assert [item["Key"] for item in left] == ["elsewhere/of-somebody", "trainings/objects/README"]


def test_an_input_is_sent_again_while_it_is_still_there_for_it_may_be_needed_for_long(
    ours: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    laid(ours, tmp_path / "made")
    ours.send(tmp_path / "made", "inputs/pages")
    assert "inputs/pages: 0 of 4 files" in capfd.readouterr().err
    monkeypatch.setattr(shelf, "RENEWED", timedelta(0))
    ours.send(tmp_path / "made", "inputs/pages")
    assert "inputs/pages: 4 of 4 files, 0.8 MB" in capfd.readouterr().err


@pytest.mark.parametrize("said", ["s3://bucket", "s3://bucket/", "/work", "bucket/prefix"])
def test_an_exchange_that_is_no_prefix_of_its_own_is_refused(
    said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWELVELEAD_PLACEMENT", json.dumps({"exchange": said}))
    with pytest.raises(ParamsError, match="exchange"):
        placement()
