"""Send a pipeline to a Kubeflow Pipelines server: once, or by a schedule, with an image named by digest."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipelines import resources
from pipelines.package import compiled_for, digests, images_of
from pipelines.run import arguments_of
from pipelines.server import connected, experiment_of, waited
from pipelines.variants import Pipeline, Value
from twelvelead.data.revision import is_revision
from twelvelead.errors import ParamsError, SetupError
from twelvelead.params import Params
from twelvelead.progress import say

HOST = "KFP_HOST"
PIPELINE_IDENTITY = "pipeline"
WORK = "/work/"  # the volume that ingest sees (pipelines/resources.py)


@dataclass(frozen=True, slots=True)
class Submitted:
    """What the server made of it: the id of a run or a schedule, and the state of a run waited for."""

    id: str
    name: str
    state: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What shall run.

    Attributes:
        pipeline: Which pipeline.
        params: The whole tree.
        image: `name@sha256:…` for all steps, or one each for cpu, gpu and gate: a tag may be another image
            tomorrow, and KFP's cache would not know.
        profile: A cluster's, see pipelines/resources.py.
        said: The pipeline's own arguments.
        fresh: Records are read again though an earlier run had the same params: what lies under an s3://
            prefix or a branch may have changed, which KFP's cache cannot know.
    """

    pipeline: Pipeline
    params: Params
    image: tuple[str, ...]
    profile: str = "cluster"
    said: dict[str, Value] = field(default_factory=dict)
    fresh: bool = False

    def checked(self) -> Order:
        """Itself.

        Raises:
            ParamsError: It could only fail there: a profile of no cluster, or a path of this machine.
        """
        if not resources.find(self.profile).on_cluster:
            known = [name for name, one in resources.PROFILES.items() if one.on_cluster]
            raise ParamsError(
                f"{self.profile!r} is for this machine", where="--profile", expected=" or ".join(known)
            )
        place, remote = (str(self.said.get(key) or "") for key in ("place", "remote"))
        if place and not (place.startswith("s3://") or is_revision(place)):
            raise ParamsError(
                f"{place!r} is a path of this machine",
                where="--place",
                expected="an s3:// prefix, s3://…/publication.json or dvc:REPO#REVISION:PATH",
            )
        if remote and "://" not in remote:
            raise ParamsError(
                f"{remote!r} is a path of this machine: what a pod sends there ends with it",
                where="--remote",
                expected="such as s3://bucket/dvc",
            )
        source = self.params.ingest.path
        reads = any(stage.name == "ingest" for stage in self.pipeline.stages)
        if reads and source and not (source.startswith(("s3://", WORK)) or is_revision(source)):
            raise ParamsError(
                f"{source!r} is a path of this machine",
                where="ingest.path",
                expected=f"an s3:// prefix, dvc:REPO#REVISION:PATH, or {WORK}… on the volume `work`",
            )
        return self

    def written(self, path: Path) -> Path:
        """The package to send: steps know their images and, if data are published, where to."""
        images = images_of(self.image, by_digest=True)
        told = {"TWELVELEAD_IMAGE_DIGEST": digests(images)}
        if remote := self.said.get("remote"):
            told["TWELVELEAD_DVC_REMOTE"] = str(remote)
        launch = self.params.train_lora.launch
        launching = launch.hours if launch.backend == "trainjob" else 0
        if launching:
            told["TWELVELEAD_TRAINING_IMAGE"] = images["gpu"]
        uncached = ("ingest",) if self.fresh else ()
        return compiled_for(
            path, self.pipeline, images, self.profile, told, launching=launching, uncached=uncached
        )


def submit(
    order: Order,
    *,
    host: str = "",
    namespace: str = "twelvelead",
    experiment: str = "twelvelead",
    cron: str = "",
    wait_s: int = 0,
) -> Submitted:
    """Compile for a cluster and start a run there, or set up a schedule.

    Args:
        order: What shall run.
        host: Address of the KFP API; empty for the environment's KFP_HOST. What KFP_TOKEN holds, or the
            file that KFP_TOKEN_FILE names, is sent along.
        namespace: Whose run it is; empty for a server with one user, in whose own namespace steps run.
        experiment: Where it is listed; made at need.
        cron: Six fields, seconds first, as KFP has them: a schedule instead of a run; each is `fresh`.
        wait_s: Wait that long for the run's end; 0 does not wait.

    Raises:
        ParamsError: An image is not named by digest, the schedule is not six fields, the pipeline lacks an
            argument, or something is said that only this machine has.
        SetupError: No address is given, or the server does not answer or refuses, has one user alone, or has
            such a schedule already.
        Error: The run that was waited for did not succeed, or did not end in time.
    """
    if cron and len(cron.split()) != 6:
        raise ParamsError(
            f"{cron!r} has {len(cron.split())} fields",
            where="--cron",
            expected="six: second minute hour day month weekday, such as '0 0 3 * * 0'",
        )
    arguments = arguments_of(order.params, order.pipeline, order.said).all
    name = f"{order.pipeline.name} {order.params.name}"
    with tempfile.TemporaryDirectory() as folder:
        order = replace(order, fresh=order.fresh or bool(cron)).checked()
        package = str(order.written(Path(folder) / "pipeline.yaml"))
        host = host or os.environ.get(HOST, "")
        if not host:
            raise SetupError(
                "no server is named", where="--host", expected=f"an address, or {HOST} in the environment"
            )
        # The client tells people addresses on stdout, where our JSON goes.
        with contextlib.redirect_stdout(sys.stderr), connected(host, namespace) as client:
            place = experiment_of(client, experiment, namespace)
            if cron:
                _refuse_twice(client, place, f"{name} by schedule")
                made = client.create_recurring_run(
                    place, f"{name} by schedule", cron_expression=cron, params=arguments,
                    pipeline_package_path=package, no_catchup=True, service_account=PIPELINE_IDENTITY,
                )  # fmt: skip
                return Submitted(made.recurring_run_id, made.display_name)
            run = client.create_run_from_pipeline_package(
                package, arguments=arguments, run_name=name, experiment_id=place,
                namespace=namespace or None, service_account=PIPELINE_IDENTITY,
            )  # fmt: skip
            say(f"submitted: run {run.run_id}")
            return Submitted(run.run_id, name, waited(client, run.run_id, wait_s) if wait_s else "")


def _refuse_twice(client: Any, experiment: str, name: str) -> None:
    """Two schedules of one name would train everything twice, side by side."""
    page = ""
    while True:
        found = client.list_recurring_runs(experiment_id=experiment, page_token=page, page_size=100)
        for one in found.recurring_runs or []:
            if one.display_name == name and one.status != "DISABLED":
                raise SetupError(
                    f"there is a schedule {name!r} already: {one.recurring_run_id}",
                    where="--cron",
                    fix="disable or delete that one in Kubeflow first, or give these params another name",
                )
        page = found.next_page_token or ""
        if not page:
            return
