"""Send the pipeline to a Kubeflow Pipelines server: once, or by a schedule, with an image named by digest."""

from __future__ import annotations

import os
import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.run import Arguments, file_fingerprints
from pipelines.training import compiled_for
from twelvelead.errors import Error, ParamsError, SetupError
from twelvelead.params import Params
from twelvelead.progress import say
from twelvelead.stages.run import code_fingerprint

DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")
DONE = ("SUCCEEDED", "FAILED", "SKIPPED", "CANCELED")
HOST, TOKEN = "KFP_HOST", "KFP_TOKEN"
PIPELINE_IDENTITY = "pipeline"


@dataclass(frozen=True, slots=True)
class Submitted:
    """What the server made of it: the id of a run or a schedule, and the state of a run waited for."""

    id: str
    name: str
    state: str = ""


def submit(
    params: Params,
    *,
    host: str = "",
    image: str,
    namespace: str = "twelvelead",
    experiment: str = "twelvelead",
    cron: str = "",
    wait_s: int = 0,
) -> Submitted:
    """Compile for a cluster and start a run there, or set up a schedule.

    Args:
        params: The whole tree.
        host: Address of the KFP API; empty for the environment's KFP_HOST. KFP_TOKEN is sent if it is set.
        image: Image of every step, by digest: a tag may be another image tomorrow, and KFP's cache would not
            know.
        namespace: Whose run it is.
        experiment: Where it is listed; made at need.
        cron: Six fields, seconds first, as KFP has them: a schedule instead of a run.
        wait_s: Wait that long for the run's end; 0 does not wait.

    Raises:
        ParamsError: The image is not named by digest, or the schedule is not six fields.
        SetupError: No address is given, or the server does not answer or refuses.
        Error: The run that was waited for did not succeed, or did not end in time.
    """
    if not DIGEST.fullmatch(image):
        raise ParamsError(
            f"the image {image!r} is not named by digest",
            where="--image",
            expected="name@sha256:<64 hex digits>",
            fix="`podman inspect --format '{{.Digest}}' IMAGE` tells it after a push",
        )
    if cron and len(cron.split()) != 6:
        raise ParamsError(
            f"{cron!r} has {len(cron.split())} fields",
            where="--cron",
            expected="six: second minute hour day month weekday, such as '0 0 3 * * 0'",
        )
    host = host or os.environ.get(HOST, "")
    if not host:
        raise SetupError(
            "no server is named", where="--host", expected=f"an address, or {HOST} in the environment"
        )
    given = Arguments(params, code_fingerprint(), file_fingerprints(params))
    arguments = {"params": given.params.to_json(), "code": given.code, **given.files}
    with _server(host) as client, tempfile.TemporaryDirectory() as folder:
        package = str(compiled_for(Path(folder) / "pipeline.yaml", image, "cluster"))
        place = client.create_experiment(experiment, namespace=namespace).experiment_id
        if cron:
            made = client.create_recurring_run(
                place, f"{params.name} by schedule", cron_expression=cron, params=arguments,
                pipeline_package_path=package, no_catchup=True, service_account=PIPELINE_IDENTITY,
            )  # fmt: skip
            return Submitted(made.recurring_run_id, made.display_name)
        run = client.create_run_from_pipeline_package(
            package, arguments=arguments, run_name=params.name, experiment_id=place,
            namespace=namespace, service_account=PIPELINE_IDENTITY,
        )  # fmt: skip
        say(f"submitted: run {run.run_id}")
        return Submitted(run.run_id, params.name, _wait(client, run.run_id, wait_s) if wait_s else "")


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
            client = Client(host=host, existing_token=os.environ.get(TOKEN) or None)
        yield client
    except (ApiException, HTTPError, OSError) as fault:
        reason = getattr(fault, "body", "") or str(fault)
        raise SetupError(
            f"the pipelines server cannot be used: {str(reason).strip()[:300]}",
            where=host,
            fix=f"check the address, {TOKEN}, and that this identity may start runs in the namespace",
        ) from fault
