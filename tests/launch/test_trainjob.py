"""A launcher and a cluster on loopback: every way a TrainJob can go, with nodes that only count."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.launch.emulator import API, Cluster

from twelvelead.errors import DataError, Error, Interrupted, SetupError
from twelvelead.launch.backend import Job
from twelvelead.launch.choose import choose
from twelvelead.launch.cluster import Cluster as Client
from twelvelead.training.job import CHECKPOINT

Make = Callable[..., Job]
NAME = "train-lora-0123456789abcdef"


def train(job: Job) -> dict[str, Any]:
    return choose(job.params).train(job)


def when(holds: Callable[[], Any], then: Callable[[], Any]) -> threading.Thread:
    """Do something beside the launcher as soon as a thing is so."""

    def wait() -> None:
        until = time.monotonic() + 60
        while not holds() and time.monotonic() < until:
            time.sleep(0.02)
        then()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def lines(cluster: Cluster) -> int:
    """How many lines the last attempt's first node has written."""
    jobs = list(cluster.jobs.values())
    return len(jobs[0].attempt[0].lines) if jobs and jobs[0].attempt else 0


def test_the_adapter_comes_back_whole_and_nothing_is_left_behind(
    cluster: Cluster, job: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    one = job(nodes=2)
    assert train(one) == {"steps": 3}
    made = (one.output / "adapter.txt").read_text()
    assert made == "3 steps on ['instructions.parquet', 'pages.parquet'] by 7"
    assert one.tracker.steps == [1, 2, 3]  # type: ignore[union-attr]
    said = capfd.readouterr().err.splitlines()
    assert [line for line in said if line.startswith(("node", "step"))] == [
        "node 0 of 2 from step 0", "step 1", "step 2", "step 3",
    ]  # fmt: skip
    assert f"DELETE {API.format('twelvelead')}/{NAME}" in cluster.requests
    left = json.loads((one.work / "job.json").read_text())
    assert (left["pages"], left["base"]) == ("inputs/pages", "inputs/base")  # nodes see the folder elsewhere


def test_a_log_that_breaks_off_is_read_on_and_no_line_comes_twice(
    cluster: Cluster, job: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    cluster.environment |= {"FAKE_STEPS": "12"}
    cluster.drop_logs_after = 4
    train(job())
    said = [line for line in capfd.readouterr().err.splitlines() if line.startswith("step")]
    assert said == [f"step {number}" for number in range(1, 13)]


def test_a_server_that_is_away_for_a_while_is_waited_for(
    cluster: Cluster, job: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    cluster.faults = [
        ("POST", "trainjobs$", 500, "etcd"),
        ("GET", f"trainjobs/{NAME}$", 503, "starting"),
        ("GET", "pods$", 429, "slower"),
        ("GET", f"trainjobs/{NAME}$", None, ""),
    ]
    assert train(job()) == {"steps": 3}
    assert not cluster.faults
    assert capfd.readouterr().err.count("the API server cannot answer") == 4


def test_a_server_that_stays_away_ends_the_launcher_and_not_the_training(
    cluster: Cluster, job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.environment |= {"FAKE_STEPS": "40"}
    monkeypatch.setattr(Client.__init__, "__defaults__", (0.3,))
    cluster.faults = [("GET", "pods$", 503, "away")] * 50
    with pytest.raises(Error, match="gave no answer for 0 s: 503") as fault:
        train(job())
    assert "found and followed" in str(fault.value)
    assert list(cluster.jobs) == [NAME]
    cluster.faults = []
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("method", "path", "right"),
    [
        ("POST", "trainjobs$", "create trainjobs"),
        ("GET", "pods$", "list pods"),
        ("GET", NAME, "get trainjobs"),
    ],
)
def test_a_missing_right_is_named(cluster: Cluster, job: Make, method: str, path: str, right: str) -> None:
    cluster.faults = [(method, path, 403, 'is forbidden: User "system:serviceaccount:x" cannot do that')]
    with pytest.raises(SetupError, match=f"the right to {right} is missing") as fault:
        train(job())
    assert "rights.yaml" in str(fault.value)


def test_logs_and_notes_that_we_may_not_have_do_not_end_a_training(
    cluster: Cluster, job: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    cluster.environment |= {"FAKE_STEPS": "10"}
    cluster.faults = [("GET", "/log$", 403, "is forbidden"), ("PATCH", NAME, 403, "is forbidden")]
    assert train(job()) == {"steps": 10}
    said = capfd.readouterr().err
    assert "the right to get pods/log is missing" in said
    assert said.count("progress cannot be noted") == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ((404, "the server could not find the requested resource"), "there are no TrainJobs"),
        ((403, "exceeded quota: twelvelead, requested: requests.nvidia.com/gpu=8"), "exceeded quota"),
        ((401, "Unauthorized"), "does not know who asks"),
        ((422, "spec.runtimeRef: immutable"), "refuses it: spec.runtimeRef"),
    ],
)
def test_a_refusal_is_told_in_the_servers_words(
    cluster: Cluster, job: Make, fault: tuple[int, str], words: str
) -> None:
    cluster.faults = [("POST", "trainjobs$", *fault)]
    with pytest.raises(SetupError, match=words):
        train(job())


def test_a_runtime_that_is_not_there_is_refused_at_once(cluster: Cluster, job: Make) -> None:
    with pytest.raises(SetupError, match="no ClusterTrainingRuntime 'other'"):
        train(job(runtime="other"))


def test_unknown_fields_are_refused_and_not_dropped(
    cluster: Cluster, job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from twelvelead.launch import trainjob

    plain = trainjob.trainjob

    def old(*arguments: Any) -> dict[str, Any]:
        manifest = plain(*arguments)
        manifest["spec"]["podTemplateOverrides"] = [{"spec": {"tolerations": []}}]
        return manifest

    monkeypatch.setattr(trainjob, "trainjob", old)
    with pytest.raises(SetupError, match="strict decoding error"):
        train(job())


def test_a_second_launcher_follows_the_training_that_is_running(
    cluster: Cluster, job: Make, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.environment |= {"FAKE_STEPS": "30"}
    cluster.faults = []
    monkeypatch.setattr(Client.__init__, "__defaults__", (0.2,))
    away = [("GET", "pods$", 503, "away")] * 40
    thread = when(lambda: lines(cluster) > 3, lambda: cluster.faults.extend(away))
    with pytest.raises(Error, match="gave no answer"):  # as if its pod had been lost
        train(job())
    thread.join()
    cluster.faults = []
    monkeypatch.setattr(Client.__init__, "__defaults__", (60.0,))
    assert train(job(nodes=2)) == {"steps": 30}
    assert "is there already and is followed" in capfd.readouterr().err
    assert sum(request.startswith("POST") for request in cluster.requests) == 1


def test_what_ended_while_nobody_looked_is_taken_without_another_training(
    cluster: Cluster, job: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train(job()) == {"steps": 3}
    (job().output / "adapter.txt").unlink()
    cluster.requests.clear()
    assert train(job()) == {"steps": 3}
    assert (job().output / "adapter.txt").is_file()
    assert not any(request.startswith("POST") for request in cluster.requests)
    (job().work / "output" / "adapter.txt").write_text("damaged")
    assert train(job()) == {"steps": 3}
    assert any(request.startswith("POST") for request in cluster.requests)


def ended_unwatched(cluster: Cluster, job: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The launcher is lost, the training ends, and its TrainJob is still there."""
    cluster.environment |= {"FAKE_STEPS": "10"}
    monkeypatch.setattr(Client.__init__, "__defaults__", (0.2,))
    away = [("GET", "pods$", 503, "away")] * 40
    thread = when(lambda: lines(cluster) > 3, lambda: cluster.faults.extend(away))
    with pytest.raises(Error, match="gave no answer"):
        train(job())
    thread.join()
    cluster.faults = []
    monkeypatch.setattr(Client.__init__, "__defaults__", (60.0,))
    until = time.monotonic() + 60
    while cluster.jobs[NAME].tree["status"]["conditions"][-1]["type"] != "Complete":
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_trainjob_that_ended_unwatched_is_tidied_away_with_the_rest(
    cluster: Cluster, job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended_unwatched(cluster, job, monkeypatch)
    assert train(job()) == {"steps": 10}
    cluster_is_empty(cluster)


def test_an_adapter_that_is_not_seen_at_once_is_waited_for_and_not_made_again(
    cluster: Cluster, job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network disk shows what another node wrote up to a minute later."""
    monkeypatch.setattr("twelvelead.launch.trainjob.SECONDS_FOR_A_VOLUME", 60.0)
    ended_unwatched(cluster, job, monkeypatch)
    summary, unseen = job().work / "summary.json", job().work / "unseen"
    summary.rename(unseen)
    asked = len(cluster.requests)
    thread = when(lambda: len(cluster.requests) > asked, lambda: unseen.rename(summary))
    assert train(job()) == {"steps": 10}
    thread.join()
    assert sum(request.startswith("POST") for request in cluster.requests) == 1
    cluster_is_empty(cluster)


def test_a_kept_trainjob_whose_adapter_was_damaged_makes_room(
    cluster: Cluster, job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWELVELEAD_PLACEMENT", '{"keep": true}')
    assert train(job()) == {"steps": 3}
    (job().work / "output" / "adapter.txt").write_text("damaged")
    assert train(job()) == {"steps": 3}
    assert sum(request.startswith("POST") for request in cluster.requests) == 2


def test_another_launcher_that_was_faster_has_not_deleted_our_adapter(cluster: Cluster, job: Make) -> None:
    """Two follow one TrainJob; the first takes the adapter and tidies up before the second looks again."""
    cluster.environment |= {"FAKE_STEPS": "10"}

    def gone() -> None:
        until = time.monotonic() + 60
        while not (job().work / "summary.json").is_file() and time.monotonic() < until:
            time.sleep(0.01)
        cluster.jobs[NAME].delete()

    thread = threading.Thread(target=gone)
    cluster.faults = [("GET", f"trainjobs/{NAME}$", 503, "slow")] * 2
    thread.start()
    assert train(job()) == {"steps": 10}
    thread.join()


def test_half_a_line_of_figures_does_not_end_the_launcher(cluster: Cluster, job: Make) -> None:
    cluster.environment |= {"FAKE_STEPS": "12"}
    one = job()

    def break_one() -> None:
        with (one.work / "curves.jsonl").open("a", encoding="utf-8") as stream:
            stream.write('{"step": 3, "lo\n')

    thread = when(lambda: lines(cluster) > 3, break_one)
    assert train(one) == {"steps": 12}
    thread.join()
    assert one.tracker.steps[-1] == 12  # type: ignore[union-attr]


def cluster_is_empty(cluster: Cluster) -> None:
    until = time.monotonic() + 20
    while cluster.jobs and time.monotonic() < until:
        time.sleep(0.05)
    assert not cluster.jobs


def test_a_folder_of_another_volume_is_not_mistaken_for_ours(cluster: Cluster, job: Make) -> None:
    cluster.environment |= {"FAKE_STEPS": "40"}
    from twelvelead.launch.manifest import trainjob
    from twelvelead.launch.placement import Placement

    other = trainjob(NAME, "/elsewhere/job.json", job().params, Placement(namespace="twelvelead"))
    cluster.create(other, strict=True)
    with pytest.raises(SetupError, match=r"works in /elsewhere/job\.json"):
        train(job())


def test_a_stop_on_request_lets_nodes_keep_what_they_did_and_the_next_start_goes_on(
    cluster: Cluster, job: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    cluster.environment |= {"FAKE_STEPS": "30"}
    before = signal.getsignal(signal.SIGTERM)
    thread = when(lambda: lines(cluster) > 4, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Interrupted):
        train(job())
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is before
    done = int((job().work / CHECKPOINT).read_text())
    assert 3 <= done < 30
    capfd.readouterr()
    assert train(job()) == {"steps": 30}
    said = capfd.readouterr().err
    first = int(said.partition("from step ")[2].split()[0])
    assert done <= first <= done + 1
    assert job().output.joinpath("adapter.txt").is_file()


def test_a_preempted_node_is_started_again_and_not_counted(
    cluster: Cluster, job: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    cluster.environment |= {"FAKE_STEPS": "20"}
    thread = when(lambda: lines(cluster) > 4, lambda: cluster.jobs[NAME].preempt())
    watched: list[Any] = []
    when(lambda: cluster.jobs, lambda: watched.append(cluster.jobs[NAME]))
    assert train(job(nodes=2)) == {"steps": 20}
    thread.join()
    assert (watched[0].restarts, watched[0].counted) == (1, 0)
    said = capfd.readouterr().err
    assert "started again, from the last checkpoint" in said
    steps = [int(line.split()[1]) for line in said.splitlines() if line.startswith("step")]
    assert steps == list(range(1, 21)), "neither lost nor told twice"


@pytest.mark.parametrize(("code", "kind", "restarts"), [(3, DataError, 0), (5, SetupError, 0), (1, Error, 3)])
def test_a_fault_is_tried_again_only_if_that_may_help_and_told_as_what_it_is(
    cluster: Cluster, job: Make, code: int, kind: type[Error], restarts: int
) -> None:
    cluster.environment |= {"FAKE_END": str(code), "FAKE_FAULT": "pages: folds cross"}
    watched: list[Any] = []
    when(lambda: cluster.jobs, lambda: watched.append(cluster.jobs[NAME]))
    with pytest.raises(kind, match="pages: folds cross") as fault:
        train(job())
    assert type(fault.value) is kind
    assert watched[0].restarts == restarts
    watched[0].thread.join(10)
    assert not cluster.jobs


def test_a_fault_without_words_is_told_with_the_last_lines(cluster: Cluster, job: Make) -> None:
    cluster.environment |= {"FAKE_END": "5"}
    with pytest.raises(Error, match=r"exit code 5(.|\n)*step 3\nsomething is wrong"):
        train(job())
    cluster.environment["FAKE_END"] = "0"
    assert train(job()) == {"steps": 3}, "a failed TrainJob makes room for the next"


def test_a_training_that_takes_too_long_says_what_to_change(cluster: Cluster, job: Make) -> None:
    cluster.environment |= {"FAKE_STEPS": "1000"}
    cluster.seconds_an_hour = 1.0
    with pytest.raises(Error, match=r"train_lora\.launch\.hours=1"):
        train(job(hours=1))


def test_a_training_that_somebody_deletes_is_not_waited_for(cluster: Cluster, job: Make) -> None:
    cluster.environment |= {"FAKE_STEPS": "1000"}
    thread = when(lambda: lines(cluster) > 2, lambda: cluster.jobs[NAME].delete())
    with pytest.raises(Error, match="somebody deleted"):
        train(job())
    thread.join()


def test_what_keeps_it_waiting_is_told_once(
    cluster: Cluster, job: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    cluster.unschedulable = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
    cluster.suspended = True
    looks = lambda: sum(request.endswith("/pods") for request in cluster.requests)  # noqa: E731
    threads = [
        when(lambda: looks() > 4, lambda: setattr(cluster, "suspended", False)),
        when(lambda: looks() > 12, lambda: setattr(cluster, "unschedulable", "")),
    ]
    assert train(job()) == {"steps": 3}
    for thread in threads:
        thread.join()
    said = capfd.readouterr().err
    assert said.count("it is suspended") == 1
    assert said.count("0/3 nodes are available: 3 Insufficient nvidia.com/gpu.") == 1


def test_pods_that_a_quota_refuses_are_told_of_once(
    cluster: Cluster, job: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    """The TrainJob is taken, and no pod ever appears: only an event of its Job says why."""
    cluster.quota = 'pods "x" is forbidden: exceeded quota: twelvelead, requested: requests.nvidia.com/gpu=8'
    looks = lambda: sum(request.endswith("/events") for request in cluster.requests)  # noqa: E731
    thread = when(lambda: looks() > 3, lambda: setattr(cluster, "quota", ""))
    assert train(job()) == {"steps": 3}
    thread.join()
    assert capfd.readouterr().err.count("waits: FailedCreate: pods") == 1


def test_progress_is_noted_on_the_trainjob(cluster: Cluster, job: Make) -> None:
    cluster.environment |= {"FAKE_STEPS": "20"}
    watched: list[Any] = []
    when(lambda: cluster.jobs, lambda: watched.append(cluster.jobs[NAME].tree))
    train(job())
    noted = json.loads(watched[0]["metadata"]["annotations"]["twelvelead/progress"])
    assert 0 < noted["progressPercentage"] <= 100


def test_a_kept_trainjob_stays_and_does_not_stand_in_the_way(
    cluster: Cluster, job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWELVELEAD_PLACEMENT", '{"keep": true}')
    cluster.environment |= {"FAKE_END": "3"}
    with pytest.raises(Error):
        train(job())
    assert list(cluster.jobs) == [NAME]
    cluster.environment["FAKE_END"] = "0"
    assert train(job()) == {"steps": 3}
    assert list(cluster.jobs) == [NAME]


def test_a_work_folder_that_nodes_do_not_see_is_refused(
    cluster: Cluster, job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TWELVELEAD_WORK")
    with pytest.raises(SetupError, match="no volume that the nodes see"):
        train(job())


def test_nobody_knows_a_cluster(job: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("TWELVELEAD_WORK", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    (tmp_path / "volume").mkdir()
    with pytest.raises(SetupError, match="no API server is known"):
        train(job())
