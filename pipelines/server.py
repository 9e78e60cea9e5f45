"""A Kubeflow Pipelines server: the way to it, a run waited for, and what it says as one sentence."""

from __future__ import annotations

import json
import logging
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from twelvelead.errors import Error, SetupError
from twelvelead.progress import say

TOKEN, TOKEN_FILE = "KFP_TOKEN", "KFP_TOKEN_FILE"
DONE = ("SUCCEEDED", "FAILED", "SKIPPED", "CANCELED")
POLL_S = 10.0
PATIENCE = 30  # failed looks in a row, five minutes: a server that is restarted comes back in less
FIXES = {
    401: f"the token is missing, has expired, or is for another audience: {TOKEN} or {TOKEN_FILE}",
    403: "this identity may not start runs in the namespace, or not as `pipeline`: docs/kubernetes.md, "
    "who may do what",
    404: "check the address: there is no pipelines API here, or not what was asked for",
}


@contextmanager
def connected(host: str, namespace: str) -> Iterator[Any]:
    """A client on the server; whatever its libraries throw becomes one sentence.

    Args:
        host: Address.
        namespace: Where runs shall be; empty for a server with one user.

    Raises:
        SetupError: The token cannot be read, the server cannot be reached, refuses, is no pipelines server,
            or runs steps in its own namespace alone.
    """
    from kfp.client import Client
    from kfp.client.set_volume_credentials import ServiceAccountTokenVolumeCredentials
    from kfp_server_api import ApiException
    from urllib3.exceptions import HTTPError

    token, file = os.environ.get(TOKEN, ""), os.environ.get(TOKEN_FILE, "")
    try:
        if file and not token:
            Path(file).read_text(encoding="utf-8")
    except OSError as fault:
        raise SetupError(f"the token cannot be read: {fault}", where=TOKEN_FILE) from None
    # A pod's own token is replaced while a run is waited for, so the client reads the file at each request.
    credentials = ServiceAccountTokenVolumeCredentials(file) if file and not token else None
    try:
        with warnings.catch_warnings():
            # It tells everybody that it needs Kubeflow Pipelines 2; from here no other is met.
            warnings.filterwarnings("ignore", message="This client only works", category=FutureWarning)
            # Without a namespace it would ask for one at once, and again for half a minute if it is refused.
            client = Client(
                host=host, namespace=namespace, existing_token=token or None, credentials=credentials
            )
        _know(client, host, namespace)
        yield client
    except (ApiException, HTTPError, OSError) as fault:
        raise _refused(host, fault) from fault
    except (TypeError, ValueError, AttributeError) as fault:  # the client on an answer it cannot read
        raise SetupError(
            f"the pipelines server cannot be used: {type(fault).__name__}: {str(fault)[:200]}",
            where=host,
            fix="check that the address is that of the pipelines API, past any login page",
        ) from fault


def experiment_of(client: Any, name: str, namespace: str) -> str:
    """The id of an experiment, made at need; of two who make it at once the second takes the first's."""
    from kfp_server_api import ApiException

    try:
        return str(client.create_experiment(name, namespace=namespace or None).experiment_id)
    except ApiException as fault:
        if fault.status != 409:
            raise
        return str(client.get_experiment(experiment_name=name, namespace=namespace or None).experiment_id)


def waited(client: Any, run_id: str, wait_s: int) -> str:
    """The state in which a run ended well.

    The client's own waiting ends with the first request that fails, and never for a run that was cancelled
    (kfp 2.17).

    Raises:
        Error: The run did not succeed, or did not end in time.
        SetupError: It cannot be looked at any more.
    """
    from kfp_server_api import ApiException
    from urllib3.exceptions import HTTPError

    until, lost, before = time.monotonic() + wait_s, 0, ""
    while True:
        try:
            found, lost = _run(client, run_id), 0
        except (ApiException, HTTPError, OSError) as fault:
            found, lost = None, lost + 1
            if getattr(fault, "status", None) in FIXES or lost > PATIENCE:
                refusal = _refused(f"run {run_id}", fault)
                raise SetupError(
                    f"it was started and goes on, but cannot be looked at any more: {refusal.what}",
                    where=refusal.where,
                    fix=refusal.fix,
                ) from fault
        state = str(found.state) if found else ""
        if found and state != before:
            say(f"run {run_id}: {state}")
            before = state
        if state in DONE:
            break
        if time.monotonic() >= until:
            raise Error(
                f"run {run_id} did not end in {wait_s} s",
                where="submit",
                fix="it goes on; look at it in Kubeflow",
            )
        time.sleep(max(0.0, min(POLL_S, until - time.monotonic())))
    if state != "SUCCEEDED":
        said = found.error.message if found.error else ""
        raise Error(
            f"run {run_id} ended as {state}{': ' + said if said else ''}",
            where="submit",
            fix="the log of its failed step tells why; submitted again, finished steps come from the cache",
        )
    return state


def _run(client: Any, run_id: str) -> Any:
    found = client.get_run(run_id)
    if found.run_id != run_id:  # the client makes an empty run of a login page
        raise OSError("something else answers: a login page?")
    return found


def _know(client: Any, host: str, namespace: str) -> None:
    """Whether it is a pipelines server at all, and steps run in the namespace that has our things."""
    client.list_experiments(page_size=1, namespace=namespace or None)  # refused at once, and with a reason
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # the client shows a traceback for each of five tries
    try:
        many = client.get_kfp_healthz(sleep_duration=0).multi_user
    finally:
        logging.disable(before)
    if namespace and many is False:
        raise SetupError(
            f"this server runs every step in its own namespace, without what {namespace!r} has: "
            "identities, secrets, volumes",
            where=host,
            fix="install Kubeflow Pipelines in multi-user mode; if the server itself lies in that namespace, "
            "say --namespace ''",
        )
    if not isinstance(many, bool):
        raise SetupError(
            "something answers that is no pipelines server",
            where=host,
            fix="check the address; a login page may stand before it",
        )


def _refused(where: str, fault: Any) -> SetupError:
    status = getattr(fault, "status", None)
    said = str(getattr(fault, "body", "") or fault).strip()
    try:
        tree = json.loads(said)
        said = str(tree.get("message") or tree.get("error") or said)
    except (ValueError, AttributeError):
        if said.startswith("<"):  # a page of some proxy; its markup helps nobody
            said = str(getattr(fault, "reason", "") or "a web page")
    told = f"{said[:300]}{f' ({status})' if status else ''}"
    fix = FIXES.get(status or 0, "check the address; if the server is in trouble, try again later")
    return SetupError(f"the pipelines server cannot be used: {told}", where=where, fix=fix)
