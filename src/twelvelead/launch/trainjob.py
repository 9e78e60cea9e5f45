"""A training on the nodes of a cluster, as a TrainJob of Kubeflow Trainer 2.3.

Nodes and launcher share one volume: inputs, checkpoints and the adapter lie in the job's folder there. The
launcher holds nothing that is not there or in the TrainJob, so that any other may take its place.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twelvelead.errors import Error, Interrupted, SetupError
from twelvelead.launch.backend import INPUTS, Job, Summary
from twelvelead.launch.cluster import INDEX, Cluster, Tree
from twelvelead.launch.folder import Curves, bring, failure, finished, lay
from twelvelead.launch.log import Log
from twelvelead.launch.manifest import JOB_ANNOTATION, PROGRESS_ANNOTATION, name_of, trainjob
from twelvelead.launch.placement import Placement
from twelvelead.launch.waiting import Waiting
from twelvelead.progress import say
from twelvelead.training.job import JOB, STATUS
from twelvelead.training.stopping import Stop

OUTPUT, BASE = "output", "inputs/base"
SECONDS_BETWEEN_LOOKS = 3.0
SECONDS_BETWEEN_NOTES = 30.0  # of progress, on the TrainJob
SECONDS_FOR_A_VOLUME = 90.0  # NFS may show what another node wrote up to a minute later
SECONDS_TO_GO = 15.0  # a pod that is asked to stop has half a minute


class TrainJobs:
    """Trains in a cluster.

    Args:
        placed: Where there.
    """

    def __init__(self, placed: Placement) -> None:
        self.placed = placed

    def train(self, job: Job) -> Summary:
        """See TrainingBackend."""
        name, file = name_of(job.work.name), self._seen_by_nodes(job.work) / JOB
        made = job.work / OUTPUT
        with _stoppable() as stop:
            summary = finished(job.work, made)
            if summary is None:
                cluster = Cluster(self.placed.namespace)
                self._lay(job)
                manifest = trainjob(name, str(file), job.params, self.placed)
                try:
                    self._start(cluster, manifest, job)
                    self._follow(cluster, name, job)
                except (Interrupted, KeyboardInterrupt):
                    stop.then = None
                    self._stop(name)
                    raise
                summary = self._wait_for(job.work, made)
            else:
                cluster = None
                say(f"lora: TrainJob {name} had ended already; its adapter is taken")
            shutil.copytree(made, job.output, dirs_exist_ok=True)
            if finished(job.work, job.output) is None:
                raise Error("the adapter is not what the nodes wrote", where=str(made), fix="start again")
            if cluster and not self.placed.keep:
                cluster.delete(name)
        return summary

    def _seen_by_nodes(self, work: Path) -> Path:
        root = os.environ.get("TWELVELEAD_WORK")
        if not root or not work.resolve().is_relative_to(Path(root).resolve()):
            raise SetupError(
                "the job's folder is on no volume that the nodes see",
                where=str(work),
                expected="a folder under TWELVELEAD_WORK",
                fix=f"mount the nodes' {self.placed.work} here too, and name it by TWELVELEAD_WORK",
            )
        return Path(self.placed.work) / work.resolve().relative_to(Path(root).resolve())

    def _lay(self, job: Job) -> None:
        """Bring to the job's folder what nodes would not find elsewhere."""
        places = {name: f"inputs/{name}" for name in INPUTS} | {"output": OUTPUT}
        for name in INPUTS:
            bring(job.inputs[name], job.work / places[name])
        base = job.params.base
        if "://" not in base and not Path(base).is_relative_to(self.placed.models):
            if not Path(base).is_dir():
                raise SetupError("base model folder not found", where=base, fix="set train_lora.base")
            bring(Path(base), job.work / BASE)
            places["base"] = BASE
        lay(job.work, places, job.params)

    def _start(self, cluster: Cluster, manifest: Tree, job: Job) -> None:
        """Create the TrainJob, or find the one that does this job already; one that has failed makes room."""
        name, waited = manifest["metadata"]["name"], False
        while True:
            found = cluster.find(name)
            if found is None:
                shutil.rmtree(job.work / OUTPUT, ignore_errors=True)
                if cluster.create(manifest):
                    asked = manifest["spec"]["trainer"]
                    nodes, processes = asked["numNodes"], asked["numProcPerNode"]
                    say(f"lora: TrainJob {name} in {cluster.namespace}: {nodes} × {processes} processes")
                    return
                continue  # another launcher was faster
            if (other := found["metadata"].get("annotations", {}).get(JOB_ANNOTATION)) != (
                mine := manifest["metadata"]["annotations"][JOB_ANNOTATION]
            ):
                raise SetupError(
                    f"a TrainJob {name} is there and works in {other}",
                    where=cluster.namespace,
                    expected=mine,
                    fix=f"delete it, or use one work volume in {cluster.namespace}",
                )
            if not found["metadata"].get("deletionTimestamp"):
                if not (_is(found, "Failed") or _is(found, "Complete")):
                    say(f"lora: TrainJob {name} is there already and is followed")
                    return
                cluster.delete(name)
            if not waited:
                say(f"lora: an earlier TrainJob {name} is going; the new one waits for it")
            waited = True
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def _follow(self, cluster: Cluster, name: str, job: Job) -> None:
        """Tell what happens until the TrainJob has completed."""
        log = Log(cluster)
        try:
            self._watch(cluster, name, job, log)
        finally:
            log.close()

    def _watch(self, cluster: Cluster, name: str, job: Job, log: Log) -> None:
        waiting = Waiting(cluster, name)
        curves = Curves(job.work, job.tracker)
        noted = time.monotonic()  # infinite once it is known that we may not
        while True:
            found = cluster.find(name)
            if found is None or found["metadata"].get("deletionTimestamp"):
                raise Error(
                    f"somebody deleted TrainJob {name}",
                    where=cluster.namespace,
                    fix="start again: it goes on from the last checkpoint",
                )
            pods = cluster.pods(name)
            if leading := [pod for pod in pods if pod["metadata"].get("labels", {}).get(INDEX) == "0"]:
                newest = leading[-1]
                if newest.get("status", {}).get("phase", "Pending") != "Pending":
                    if log.pod and log.pod != newest["metadata"]["name"]:
                        say(f"lora: the nodes of {name} were started again, from the last checkpoint")
                    log.watch(newest["metadata"]["name"])
            waiting.tell(found, pods)
            curves.tell()
            if _is(found, "Complete") or _is(found, "Failed"):
                log.finish()
                curves.tell()
                if _is(found, "Complete"):
                    return
                raise self._failed(cluster, found, job, "\n".join(log.tail))
            if time.monotonic() - noted > SECONDS_BETWEEN_NOTES:
                may = self._note(cluster, found, job.work / STATUS)
                noted = time.monotonic() if may else float("inf")
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def _note(self, cluster: Cluster, found: Tree, status: Path) -> bool:
        """Note how far it is, where the Trainer keeps no status of its own; False if we may not."""
        if found.get("status", {}).get("trainerStatus") or not status.is_file():
            return True
        try:
            cluster.annotate(
                found["metadata"]["name"], {PROGRESS_ANNOTATION: status.read_text(encoding="utf-8").strip()}
            )
        except SetupError as fault:
            say(f"lora: progress cannot be noted on the TrainJob: {fault}")
            return False
        return True

    def _failed(self, cluster: Cluster, found: Tree, job: Job, said: str) -> Error:
        """The words for a TrainJob that has failed, which makes room for the next one."""
        name, condition = found["metadata"]["name"], _is(found, "Failed") or {}
        where = f"TrainJob {name}"
        if not self.placed.keep:
            cluster.delete(name)
        if condition.get("reason") == "DeadlineExceeded":
            return Error(
                f"it did not end within train_lora.launch.hours={job.params.launch.hours}",
                where=where,
                fix="start again, with more hours: it goes on from the last checkpoint",
            )
        return failure(
            job.work,
            f"the TrainJob failed ({condition.get('reason')}: {condition.get('message')})",
            where=where,
            fix="read its lines above; the next start goes on from the last checkpoint",
            said=said,
        )

    def _stop(self, name: str) -> None:
        """Ask the nodes to write a checkpoint and end."""
        say(f"lora: TrainJob {name} is deleted: its nodes write a checkpoint and end")
        try:
            Cluster(self.placed.namespace, patience_s=SECONDS_TO_GO).delete(name)
        except Error as fault:
            say(f"lora: TrainJob {name} goes on, delete it yourself: {fault}")

    def _wait_for(self, work: Path, made: Path) -> Summary:
        begun = time.monotonic()
        while (summary := finished(work, made)) is None:
            if time.monotonic() - begun > SECONDS_FOR_A_VOLUME:
                raise Error(
                    "the TrainJob is complete and its adapter is not here",
                    where=str(made),
                    expected="what the nodes wrote, on a volume that many pods may write",
                    fix="compare the claim `work` here and in the training runtime",
                )
            time.sleep(SECONDS_BETWEEN_LOOKS)
        return summary


@contextmanager
def _stoppable() -> Iterator[Stop]:
    """SIGTERM raises at once: a wait of this loop may be longer than the time a pod has to end."""

    def interrupt() -> None:
        raise Interrupted(
            "asked to stop; the last checkpoint is kept", where="train_lora", fix="start again: it goes on"
        )

    with Stop(interrupt) as stop:
        yield stop


def _is(found: Tree, kind: str) -> Tree | None:
    """A TrainJob's condition of that kind, if it holds."""
    for condition in found.get("status", {}).get("conditions", []):
        if condition["type"] == kind and condition["status"] == "True":
            held: Tree = condition
            return held
    return None
