"""As much of an API server, Trainer 2.3, JobSet and a kubelet as a launcher notices, on loopback.

Nodes are processes of this machine that get the variables the Trainer sets; the runtime is the one in
k8s/base, and what happens to a node that ends is decided by its failure policies. Requests with unknown
fields are refused if they ask for it, and pruned in silence if they do not, as the real server does.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import yaml
from kubeflow_trainer_api.models import TrainerV1alpha1TrainJob

Tree = dict[str, Any]
API = "/apis/trainer.kubeflow.org/v1alpha1/namespaces/{}/trainjobs"


def now() -> str:
    """RFC 3339 with nanoseconds, as a kubelet writes it."""
    ns = time.time_ns()
    return f"{datetime.fromtimestamp(ns // 10**9, UTC):%Y-%m-%dT%H:%M:%S}.{ns % 10**9:09d}Z"


class Cluster:
    """A cluster of one namespace.

    Attributes:
        mounts: Where what pods mount lies on this machine, by mount path.
        faults: (method, pattern of the path, status or None for a broken connection, message), each for one
            request.
        requests: What was asked, as "METHOD /path".
        drop_logs_after: A followed log's connection breaks after so many lines; None = never.
        unschedulable: Pods stay Pending while this is a text.
        quota: No pods are made while this is a text.
        seconds_an_hour: How long an hour of a deadline takes here.
        program: Runs instead of a node's command, with the same arguments.
        values: What secrets and config maps hold, by their name and key.
        disks: Where each pod has a folder for its `emptyDir` at /work.
    """

    def __init__(self, runtime: str, mounts: dict[str, Path], namespace: str = "twelvelead") -> None:
        (self.runtime,) = [
            one for one in yaml.safe_load_all(runtime) if one["kind"] == "ClusterTrainingRuntime"
        ]
        self.mounts, self.namespace = mounts, namespace
        self.values: dict[str, dict[str, str]] = {}
        self.disks = Path("/nonexistent")
        self.jobs: dict[str, Running] = {}
        self.faults: list[tuple[str, str, int | None, str]] = []
        self.requests: list[str] = []
        self.drop_logs_after: int | None = None
        self.unschedulable = self.quota = ""
        self.suspended = False
        self.seconds_an_hour = 3600.0
        self.program: list[str] | None = None
        self.environment: dict[str, str] = {}
        self.lock = threading.RLock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """End everything."""
        for job in list(self.jobs.values()):
            job.delete()
            job.thread.join(20)
        self.server.shutdown()
        self.server.server_close()

    def kubeconfig(self, file: Path) -> Path:
        """Write a kubeconfig that leads here."""
        one = {"name": "it"}
        tree = {
            "clusters": [one | {"cluster": {"server": self.url}}],
            "users": [one | {"user": {"token": "of nobody"}}],
            "contexts": [one | {"context": {"cluster": "it", "user": "it"}}],
            "current-context": "it",
        }
        file.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config"} | tree), encoding="utf-8")
        return file

    def create(self, body: Tree, strict: bool) -> tuple[int, Tree]:
        """What a POST of a TrainJob is answered."""
        name = body["metadata"]["name"]
        named = re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name)
        if body["metadata"]["namespace"] != self.namespace or not named:
            return 422, status(422, "Invalid", f"TrainJob {name!r} is invalid")
        known = json.loads(json.dumps(TrainerV1alpha1TrainJob.from_dict(body).to_dict(), default=str))
        if known != body and strict:
            return 400, status(400, "BadRequest", "strict decoding error: unknown field")
        wanted = body["spec"]["runtimeRef"]["name"]
        if wanted != self.runtime["metadata"]["name"]:
            said = f"""admission webhook "v" denied the request: no ClusterTrainingRuntime {wanted!r}"""
            return 403, status(403, "Forbidden", said)
        with self.lock:
            if name in self.jobs:
                return 409, status(409, "AlreadyExists", f"trainjobs {name!r} already exists")
            self.jobs[name] = Running(self, known)
            self.jobs[name].thread.start()
            return 201, self.jobs[name].tree


class Pod:
    """One node of one attempt."""

    def __init__(self, job: Running, index: int) -> None:
        self.job, self.index = job, index
        self.name = f"{job.name}-node-0-{index}-{len(job.pods):05d}"
        self.phase, self.exit_code, self.created = "Pending", 0, now()
        self.disrupted = False
        self.lines: list[str] = []
        self.process: subprocess.Popen[str] | None = None
        self.reader: threading.Thread | None = None

    def start(self, port: int) -> None:
        """Run the command with what the Trainer's torch plugin sets."""
        cluster, trainer = self.job.cluster, self.job.tree["spec"]["trainer"]
        container = self.job.pod_spec["containers"][0]
        environment = dict(filter(None, map(self._variable, container["env"])))
        environment |= {
            "PET_NNODES": str(trainer["numNodes"]),
            "PET_NPROC_PER_NODE": str(trainer["numProcPerNode"]),
            "PET_NODE_RANK": str(self.index),
            "PET_MASTER_ADDR": "127.0.0.1",  # <name>-node-0-0.<name>
            "PET_MASTER_PORT": str(port),
        }
        words = [self.here(word) for word in [*trainer["command"], *trainer["args"]]]
        if cluster.program:
            words = [*cluster.program, words[-1]]
        elif words[0] == "python3":
            words[0] = sys.executable
        ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.process = subprocess.Popen(
            words,
            env={**ours, "PYTHONUNBUFFERED": "1", **environment, **cluster.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.phase = "Running"
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def here(self, text: str) -> str:
        """A text of this pod, with mounted places as they are called on this machine."""
        mounts = dict(self.job.cluster.mounts)
        volumes = {volume["name"]: volume for volume in self.job.pod_spec["volumes"]}
        if "emptyDir" in volumes["work"]:
            mounts["/work"] = self.job.cluster.disks / self.name
            mounts["/work"].mkdir(parents=True, exist_ok=True)
        for mount, place in mounts.items():
            if text == mount or text.startswith(f"{mount}/"):
                return str(place) + text.removeprefix(mount)
        return text

    def _variable(self, one: Tree) -> tuple[str, str] | None:
        """A variable of the container as the kubelet sets it; an optional one may be nowhere."""
        if "value" in one:
            return one["name"], self.here(one["value"])
        (source,) = one["valueFrom"].values()
        found = self.job.cluster.values.get(source["name"], {}).get(source["key"])
        assert found is not None or source.get("optional"), source
        return None if found is None else (one["name"], found)

    def _read(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                self.lines.append(f"{now()} {line}")

    def look(self) -> None:
        """See whether it has ended."""
        if self.process and self.phase == "Running" and (code := self.process.poll()) is not None:
            assert self.reader is not None
            self.reader.join(10)
            self.exit_code = code if code >= 0 else 128 - code
            self.phase = "Failed" if code else "Succeeded"

    def stop(self) -> None:
        """SIGTERM, and SIGKILL when its grace is over."""
        if self.process and self.phase == "Running":
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(30)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.look()

    @property
    def tree(self) -> Tree:
        """The pod as the API shows it."""
        status: Tree = {"phase": self.phase}
        if self.phase == "Pending":
            said = self.job.cluster.unschedulable
            status["conditions"] = [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": said}
            ]
        return {
            "metadata": {
                "name": self.name,
                "creationTimestamp": self.created,
                "labels": {
                    "jobset.sigs.k8s.io/jobset-name": self.job.name,
                    "batch.kubernetes.io/job-completion-index": str(self.index),
                },
            },
            "status": status,
        }


class Running:
    """A TrainJob with its controllers: Trainer, JobSet and Job."""

    def __init__(self, cluster: Cluster, tree: Tree) -> None:
        self.cluster, self.tree, self.name = cluster, tree, tree["metadata"]["name"]
        self.tree["status"] = {"conditions": []}
        jobset = cluster.runtime["spec"]["template"]["spec"]
        self.policy = jobset["failurePolicy"]
        self.job_spec = jobset["replicatedJobs"][0]["template"]["spec"]
        self.pod_spec = self.job_spec["template"]["spec"]
        self.pods: list[Pod] = []
        self.attempt: list[Pod] = []
        self.counted = self.restarts = 0
        self.deleted = threading.Event()
        self.thread = threading.Thread(target=self._control, daemon=True)

    def delete(self) -> None:
        """Foreground deletion: it is there until its last pod is gone."""
        self.tree["metadata"]["deletionTimestamp"] = now()
        self.deleted.set()

    def preempt(self, index: int = 0) -> None:
        """Make room for another: SIGTERM, and the condition that says why."""
        pod = self.attempt[index]
        pod.disrupted = True
        assert pod.process is not None
        pod.process.terminate()

    def condition(self, kind: str, reason: str, message: str, holds: bool = True) -> None:
        """Set one."""
        kept = [one for one in self.tree["status"]["conditions"] if one["type"] != kind]
        new = {"type": kind, "status": str(holds), "reason": reason, "message": message}
        self.tree["status"]["conditions"] = [*kept, new | {"lastTransitionTime": now()}]

    def _control(self) -> None:
        self._run()
        for pod in self.attempt:
            pod.stop()
        self.deleted.wait()
        with self.cluster.lock:
            self.cluster.jobs.pop(self.name, None)

    def _run(self) -> None:
        while self.cluster.suspended and not self.deleted.is_set():
            self.condition("Suspended", "Suspended", "TrainJob is suspended")
            time.sleep(0.02)
        self.condition("Suspended", "Resumed", "TrainJob is resumed", holds=False)
        begun = time.monotonic()
        deadline = self.tree["spec"]["activeDeadlineSeconds"] / 3600 * self.cluster.seconds_an_hour
        while self.cluster.quota and not self.deleted.is_set():
            time.sleep(0.02)
        self._begin()
        while not self.deleted.wait(0.03):
            if self.attempt[0].phase == "Pending" and not self.cluster.unschedulable:
                with socket.socket() as free:
                    free.bind(("127.0.0.1", 0))
                    port = free.getsockname()[1]
                for pod in self.attempt:
                    pod.start(port)
            for pod in self.attempt:
                pod.look()
            if time.monotonic() - begun > deadline:
                self.condition("Failed", "DeadlineExceeded", "TrainJob exceeded its active deadline")
                return
            if all(pod.phase == "Succeeded" for pod in self.attempt):
                self.condition("Complete", "JobsCompleted", "jobset completed successfully")
                return
            failed = [pod for pod in self.attempt if pod.phase == "Failed"]
            if failed and not self._again(*self._verdict(failed[0])):
                return

    def _begin(self) -> None:
        self.attempt = [Pod(self, index) for index in range(self.tree["spec"]["trainer"]["numNodes"])]
        self.pods = [*self.pods, *self.attempt]

    def _verdict(self, pod: Pod) -> tuple[str, str]:
        """The Job's reason and message for a failed pod, in the words of Kubernetes 1.35."""
        for number, rule in enumerate(self.job_spec["podFailurePolicy"]["rules"]):
            at = f"matching {rule['action']} rule at index {number}"
            conditions = [one["type"] for one in rule.get("onPodConditions", [])]
            if pod.disrupted and "DisruptionTarget" in conditions:
                return "PodFailurePolicy", f"Pod ns/{pod.name} has condition DisruptionTarget {at}"
            codes = rule.get("onExitCodes", {"values": []})["values"]
            if pod.exit_code in codes:
                said = f"Container node for pod ns/{pod.name} failed with exit code {pod.exit_code} {at}"
                return "PodFailurePolicy", said
        assert self.job_spec["backoffLimit"] == 0
        return "BackoffLimitExceeded", "Job has reached the specified backoff limit"

    def _again(self, reason: str, message: str) -> bool:
        """What the JobSet's failure policy does: start all nodes again, or fail."""
        action = "RestartJobSet"
        for rule in self.policy["rules"]:
            patterns = rule.get("onJobFailureMessagePatterns", [""])
            if reason in rule["onJobFailureReasons"] and any(re.search(one, message) for one in patterns):
                action = rule["action"]
                break
        for pod in self.attempt:
            pod.stop()
        counts = action == "RestartJobSet"
        if action == "FailJobSet" or (counts and self.counted >= self.policy["maxRestarts"]):
            self.condition(
                "Failed", "FailedJobs", f"jobset failed due to one or more job failures: {message}"
            )
            return False
        self.counted += counts
        self.restarts += 1
        self._begin()
        return True


def status(code: int, reason: str, message: str) -> Tree:
    """The body of a refusal."""
    return {"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message}


def handler(cluster: Cluster) -> type[BaseHTTPRequestHandler]:
    """The HTTP side."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *words: object) -> None:
            pass

        def answer(self, code: int, tree: Tree) -> None:
            data = json.dumps(tree, default=str).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def handle_one(self) -> None:
            url = urlparse(self.path)
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "null")
            with cluster.lock:
                cluster.requests.append(f"{self.command} {url.path}")
                for fault in cluster.faults:
                    method, pattern, code, message = fault
                    if method == self.command and re.search(pattern, url.path):
                        cluster.faults.remove(fault)
                        if code is None:
                            self.close_connection = True
                            self.connection.shutdown(socket.SHUT_RDWR)
                        else:
                            self.answer(code, status(code, "Fault", message))
                        return
            self.route(url.path, query, body)

        do_GET = do_POST = do_DELETE = do_PATCH = handle_one

        def route(self, path: str, query: dict[str, str], body: Any) -> None:
            jobs, core = API.format(cluster.namespace), f"/api/v1/namespaces/{cluster.namespace}"
            pods = {pod.name: pod for job in list(cluster.jobs.values()) for pod in job.pods}
            if path == jobs and self.command == "POST":
                self.answer(*cluster.create(body, query.get("fieldValidation") == "Strict"))
            elif path.startswith(f"{jobs}/") and (job := cluster.jobs.get(path.rpartition("/")[2])):
                if self.command == "DELETE":
                    assert query.get("propagationPolicy") == "Foreground"
                    job.delete()
                elif self.command == "PATCH":
                    assert self.headers["Content-Type"] == "application/merge-patch+json"
                    job.tree["metadata"].setdefault("annotations", {}).update(body["metadata"]["annotations"])
                self.answer(200, job.tree)
            elif path == f"{core}/pods":
                key, _, name = query["labelSelector"].partition("=")
                found = [pod.tree for pod in pods.values() if pod.tree["metadata"]["labels"][key] == name]
                self.answer(200, {"items": found})
            elif path == f"{core}/events":
                pending = [pod for pod in pods.values() if pod.phase == "Pending"]
                said = {"reason": "FailedScheduling", "message": cluster.unschedulable, "type": "Warning"}
                events = [said | {"involvedObject": {"kind": "Pod", "name": pod.name}} for pod in pending]
                refused = {"reason": "FailedCreate", "message": cluster.quota, "type": "Warning"}
                jobs_of = [{"kind": "Job", "name": f"{name}-node-0"} for name in cluster.jobs]
                quota = [refused | {"involvedObject": one} for one in jobs_of]
                events = events * bool(cluster.unschedulable) + quota * bool(cluster.quota)
                self.answer(200, {"items": events})
            elif path.startswith(f"{core}/pods/") and path.endswith("/log") and path.split("/")[-2] in pods:
                self.tell(pods[path.split("/")[-2]], query)
            elif path.startswith(f"{core}/pods/") and path.split("/")[-1] in pods:
                self.answer(200, pods[path.split("/")[-1]].tree)
            else:
                self.answer(404, status(404, "NotFound", f"{path} not found"))

        def tell(self, pod: Pod, query: dict[str, str]) -> None:
            """A log, followed; all of it where a real server would go by `sinceSeconds`."""
            assert query == query | {"container": "node", "follow": "True", "timestamps": "True"}
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            told = 0
            gone: Callable[[], bool] = lambda: pod.job.cluster.jobs.get(pod.job.name) is not pod.job  # noqa: E731
            while True:
                over = pod.phase in ("Succeeded", "Failed") or gone()
                while told < len(pod.lines):
                    if cluster.drop_logs_after is not None and told >= cluster.drop_logs_after:
                        cluster.drop_logs_after = None
                        self.close_connection = True
                        half = pod.lines[told].encode()[: len(pod.lines[told]) // 2]  # a line broken in two
                        self.wfile.write(f"{len(half):x}\r\n".encode() + half + b"\r\n")
                        self.wfile.flush()
                        self.connection.shutdown(socket.SHUT_RDWR)
                        return
                    data = pod.lines[told].encode()
                    self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                    self.wfile.flush()
                    told += 1
                if over:
                    break
                time.sleep(0.02)
            self.wfile.write(b"0\r\n\r\n")

    return Handler
