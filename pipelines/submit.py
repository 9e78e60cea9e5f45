"""Send a pipeline to a Kubeflow Pipelines server: once, or by a schedule, with an image named by digest."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.package import compiled_for, digests, images_of
from pipelines.run import arguments_of
from pipelines.variants import Pipeline, Value
from twelvelead.errors import Error, ParamsError, SetupError
from twelvelead.params import Params
from twelvelead.progress import say

DONE = ("SUCCEEDED", "FAILED", "SKIPPED", "CANCELED")
HOST, TOKEN, TOKEN_FILE = "KFP_HOST", "KFP_TOKEN", "KFP_TOKEN_FILE"
PIPELINE_IDENTITY = "pipeline"


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
        profile: cluster or airgap.
        said: The pipeline's own arguments.
    """

    pipeline: Pipeline
    params: Params
    image: tuple[str, ...]
    profile: str = "cluster"
    said: dict[str, Value] = field(default_factory=dict)

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
        return compiled_for(path, self.pipeline, images, self.profile, told, launching=launching)


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
        namespace: Whose run it is.
        experiment: Where it is listed; made at need.
        cron: Six fields, seconds first, as KFP has them: a schedule instead of a run.
        wait_s: Wait that long for the run's end; 0 does not wait.

    Raises:
        ParamsError: An image is not named by digest, the schedule is not six fields, or the pipeline lacks an
            argument.
        SetupError: No address is given, or the server does not answer or refuses.
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
        package = str(order.written(Path(folder) / "pipeline.yaml"))
        host = host or os.environ.get(HOST, "")
        if not host:
            raise SetupError(
                "no server is named", where="--host", expected=f"an address, or {HOST} in the environment"
            )
        with _server(host) as client:
            place = client.create_experiment(experiment, namespace=namespace).experiment_id
            if cron:
                made = client.create_recurring_run(
                    place, f"{name} by schedule", cron_expression=cron, params=arguments,
                    pipeline_package_path=package, no_catchup=True, service_account=PIPELINE_IDENTITY,
                )  # fmt: skip
                return Submitted(made.recurring_run_id, made.display_name)
            run = client.create_run_from_pipeline_package(
                package, arguments=arguments, run_name=name, experiment_id=place,
                namespace=namespace, service_account=PIPELINE_IDENTITY,
            )  # fmt: skip
            say(f"submitted: run {run.run_id}")
            return Submitted(run.run_id, name, _wait(client, run.run_id, wait_s) if wait_s else "")


def _wait(client: Any, run_id: str, wait_s: int) -> str:
    try:
        found = client.wait_for_run_completion(run_id, wait_s)
    except TimeoutError:
        raise Error(
            f"run {run_id} did not end in {wait_s} s",
            where="submit",
            fix="it goes on; look at it in Kubeflow",
        ) from None
    state = str(found.state)
    if state != "SUCCEEDED":
        said = found.error.message if found.error else ""
        raise Error(
            f"run {run_id} ended as {state}{': ' + said if said else ''}",
            where="submit",
            fix="the log of its failed step tells why; submitted again, finished steps come from the cache",
        )
    return state


def _token() -> str | None:
    """What the API asks for: said outright, or in a file, as a pod's own identity has it."""
    file = os.environ.get(TOKEN_FILE, "")
    try:
        return os.environ.get(TOKEN) or (Path(file).read_text(encoding="utf-8").strip() if file else None)
    except OSError as fault:
        raise SetupError(f"the token cannot be read: {fault}", where=TOKEN_FILE) from None


@contextmanager
def _server(host: str) -> Iterator[Any]:
    """A client on the server; whatever its libraries throw becomes one sentence."""
    from kfp.client import Client
    from kfp_server_api import ApiException
    from urllib3.exceptions import HTTPError

    try:
        with warnings.catch_warnings():
            # It tells everybody that it needs Kubeflow Pipelines 2; from here no other is met.
            warnings.filterwarnings("ignore", message="This client only works", category=FutureWarning)
            client = Client(host=host, existing_token=_token())
        yield client
    except (ApiException, HTTPError, OSError) as fault:
        reason = getattr(fault, "body", "") or str(fault)
        raise SetupError(
            f"the pipelines server cannot be used: {str(reason).strip()[:300]}",
            where=host,
            fix=f"check the address, {TOKEN}, and that this identity may start runs in the namespace",
        ) from fault
