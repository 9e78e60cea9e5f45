"""A training on the nodes of a cluster, as a TrainJob of Kubeflow Trainer 2.3.

Nodes and launcher exchange inputs, checkpoints and the adapter by a volume or a bucket (exchange.py). The
launcher holds nothing that is not there or in the TrainJob, so that any other may take its place.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from twelvelead.errors import Error, Interrupted, SetupError
from twelvelead.launch.backend import Job, Summary
from twelvelead.launch.cluster import INDEX, Cluster, Tree
from twelvelead.launch.exchange import Exchange, exchange
from twelvelead.launch.folder import Curves, failure, finished
from twelvelead.launch.log import Log
from twelvelead.launch.manifest import JOB_ANNOTATION, PROGRESS_ANNOTATION, name_of, trainjob
from twelvelead.launch.placement import Placement
from twelvelead.launch.waiting import Waiting
from twelvelead.progress import say
from twelvelead.training.job import OUTPUT, STATUS
from twelvelead.training.stopping import Halt, at_once

SECONDS_BETWEEN_LOOKS = 3.0
SECONDS_BETWEEN_FETCHES = 10.0  # of what nodes tell in a bucket
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
        name, between = name_of(job.work.name), exchange(job, self.placed)
        asked = Interrupted(
            "asked to stop; the last checkpoint is kept", where="train_lora", fix="start again: it goes on"
        )
        with at_once(asked) as stop:
            summary = _earlier(between)
            if summary is None:
                cluster = Cluster(self.placed.namespace)
                between.lay()
                manifest = trainjob(name, between.file, job.params, self.placed)
                try:
                    self._start(cluster, manifest, between)
                    self._follow(cluster, name, job, between)
                except (Halt, KeyboardInterrupt):
                    stop.then = None
                    self._stop(name)
                    raise
                summary = self._wait_for(between)
            else:
                say(f"lora: TrainJob {name} had ended already; its adapter is taken")
            made = job.work / OUTPUT
            shutil.copytree(made, job.output, dirs_exist_ok=True)
            if finished(job.work, job.output) is None:
                raise Error("the adapter is not what the nodes wrote", where=str(made), fix="start again")
            stop.then = None  # the rest takes no longer than the time a pod has
            self._tidy(name, between)
        return summary

    def _start(self, cluster: Cluster, manifest: Tree, between: Exchange) -> None:
        """Create the TrainJob, or find the one that does this job already; one that has ended makes room."""
        name, waited = manifest["metadata"]["name"], False
        while True:
            found = cluster.find(name)
            if found is None:
                if cluster.create(manifest):
                    asked = manifest["spec"]["trainer"]
                    nodes, processes = asked["numNodes"], asked["numProcPerNode"]
                    say(f"lora: TrainJob {name} in {cluster.namespace}: {nodes} × {processes} processes")
                    return
                continue  # another launcher was faster
            if (other := _works_in(found)) != between.file:
                raise SetupError(
                    f"a TrainJob {name} is there and works in {other}",
                    where=cluster.namespace,
                    expected=between.file,
                    fix=f"delete it, or use one work volume or exchange in {cluster.namespace}",
                )
            if not found["metadata"].get("deletionTimestamp"):
                if not (_is(found, "Failed") or _is(found, "Complete")):
                    say(f"lora: TrainJob {name} is there already and is followed")
                    return
                if _is(found, "Complete") and self._comes(between):
                    return
                cluster.delete(name)
            if not waited:
                say(f"lora: an earlier TrainJob {name} is going; the new one waits for it")
            waited = True
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def _follow(self, cluster: Cluster, name: str, job: Job, between: Exchange) -> None:
        """Tell what happens until the TrainJob has completed."""
        log = Log(cluster)
        try:
            self._watch(cluster, name, job, between, log)
        finally:
            log.close()

    def _watch(self, cluster: Cluster, name: str, job: Job, between: Exchange, log: Log) -> None:
        waiting = Waiting(cluster, name)
        curves = Curves(job.work, job.tracker)
        noted = time.monotonic()  # infinite once it is known that we may not
        looked = float("-inf")
        while True:
            found = cluster.find(name)
            if found is None or found["metadata"].get("deletionTimestamp"):
                if between.finished() is not None:  # another launcher followed it too, and was faster
                    return
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
            ended = _is(found, "Complete") or _is(found, "Failed")
            if ended or time.monotonic() - looked > SECONDS_BETWEEN_FETCHES:
                between.look()
                looked = time.monotonic()
            curves.tell()
            if ended:
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

    def _wait_for(self, between: Exchange) -> Summary:
        begun = time.monotonic()
        while (summary := between.finished()) is None:
            if time.monotonic() - begun > SECONDS_FOR_A_VOLUME:
                raise Error(
                    "the TrainJob is complete and its adapter is not here",
                    where=between.file,
                    expected="what the nodes wrote, on a volume that many pods may write, or in a bucket",
                    fix="compare the claim `work`, or the bucket, here and in the training runtime",
                )
            time.sleep(SECONDS_BETWEEN_LOOKS)
        return summary

    def _comes(self, between: Exchange) -> bool:
        """Whether the adapter of a TrainJob that completed unwatched is seen here, if not at once."""
        try:
            self._wait_for(between)
        except Error:
            return False
        return True

    def _tidy(self, name: str, between: Exchange) -> None:
        """Delete the TrainJob and what was handed over; the adapter is worth more than either."""
        try:
            if not self.placed.keep:
                cluster = Cluster(self.placed.namespace, patience_s=SECONDS_TO_GO)
                found = cluster.find(name)
                if found and _works_in(found) == between.file:
                    cluster.delete(name)
            between.clear()
        except Error as fault:
            say(f"lora: TrainJob {name} is done and not tidied away: {fault}")


def _earlier(between: Exchange) -> Summary | None:
    """What a TrainJob made while nobody looked; a damaged adapter is made again, from its checkpoint."""
    try:
        return between.finished()
    except SetupError as fault:
        say(f"lora: an earlier adapter is not taken: {fault}")
        return None


def _works_in(found: Tree) -> str | None:
    """The job.json of a TrainJob."""
    file: str | None = found["metadata"].get("annotations", {}).get(JOB_ANNOTATION)
    return file


def _is(found: Tree, kind: str) -> Tree | None:
    """A TrainJob's condition of that kind, if it holds."""
    for condition in found.get("status", {}).get("conditions", []):
        if condition["type"] == kind and condition["status"] == "True":
            held: Tree = condition
            return held
    return None
