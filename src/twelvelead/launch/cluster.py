"""What a launcher asks of an API server, with patience for its hiccups and words for its refusals."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

from twelvelead.errors import Error, SetupError
from twelvelead.launch.manifest import GROUP, PLURAL, STEP, VERSION
from twelvelead.progress import say

ANSWER_S = (5.0, 30.0)  # to connect, to answer
SILENCE_S = 120.0  # a log that says nothing for so long is asked for again: the connection may be dead
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
JOBSET, INDEX = "jobset.sigs.k8s.io/jobset-name", "batch.kubernetes.io/job-completion-index"
Tree = dict[str, Any]


class Cluster:
    """TrainJobs, pods, logs and events of one namespace, as plain trees.

    Args:
        namespace: Which.
        patience_s: How long an API server may be away, from its first silence on.

    Raises:
        SetupError: The Kubernetes client is not installed, or nobody says where the API server is.
    """

    def __init__(self, namespace: str, patience_s: float = 600.0) -> None:
        self.namespace, self.patience_s = namespace, patience_s
        try:
            from kubernetes import client, config
        except ImportError:
            raise SetupError(
                "the Kubernetes client is not installed",
                where="train_lora.launch.backend",
                fix="pip install 'twelvelead[cluster]'",
            ) from None
        configuration = client.Configuration()
        try:
            if os.environ.get("KUBERNETES_SERVICE_HOST") and not os.environ.get("KUBECONFIG"):
                config.load_incluster_config(client_configuration=configuration)
            else:
                config.load_kube_config(os.environ.get("KUBECONFIG"), client_configuration=configuration)
        except config.ConfigException as fault:
            raise SetupError(
                f"no API server is known: {fault}",
                where="train_lora.launch.backend=trainjob",
                fix="run in a pod with a service account, or set KUBECONFIG",
            ) from None
        configuration.retries = False  # a request is repeated here, where it is known which may be
        api = client.ApiClient(configuration)
        self._custom, self._core = client.CustomObjectsApi(api), client.CoreV1Api(api)

    def find(self, name: str) -> Tree | None:
        """The TrainJob, or None."""
        return self._ask("get trainjobs", self._custom.get_namespaced_custom_object, *self._at, name)

    def create(self, manifest: Tree) -> bool:
        """Create a TrainJob; False if one of that name is there already.

        Raises:
            SetupError: The server does not know TrainJobs, or refuses this one.
        """
        # Without "Strict" the server drops in silence what it does not know, tolerations for one.
        made = self._ask(
            "create trainjobs",
            self._custom.create_namespaced_custom_object,
            *self._at,
            manifest,
            field_validation="Strict",
            absent={409},
        )
        return made is not None

    def delete(self, name: str) -> None:
        """Delete a TrainJob; it stays visible until its last pod is gone: no second one starts before."""
        self._ask(
            "delete trainjobs",
            self._custom.delete_namespaced_custom_object,
            *self._at,
            name,
            propagation_policy="Foreground",
        )

    def annotate(self, name: str, annotations: dict[str, str]) -> None:
        """Write annotations of a TrainJob."""
        body = {"metadata": {"annotations": annotations}}
        self._ask("patch trainjobs", self._custom.patch_namespaced_custom_object, *self._at, name, body)

    def pods(self, name: str) -> list[Tree]:
        """The pods of a TrainJob's nodes, oldest first."""
        asked = self._core.list_namespaced_pod
        found = self._ask("list pods", asked, self.namespace, label_selector=f"{JOBSET}={name}", raw=True)
        return sorted(
            (found or {}).get("items", []), key=lambda pod: pod["metadata"].get("creationTimestamp") or ""
        )

    def pod(self, name: str) -> Tree | None:
        """One pod, or None."""
        return self._ask("get pods", self._core.read_namespaced_pod, name, self.namespace, raw=True)

    def warnings(self, name: str) -> list[str]:
        """What the cluster warns of about a TrainJob and all that it made, in its own words."""
        asked = self._core.list_namespaced_event
        found = self._ask("list events", asked, self.namespace, field_selector="type=Warning", raw=True)
        return [
            f"{event['reason']}: {event['message']}"
            for event in (found or {}).get("items", [])
            if event["involvedObject"].get("name", "").startswith(name)
        ]

    def log(self, pod: str, since_s: int | None) -> Iterator[bytes]:
        """Lines of a pod's log with their times, as they come; a line that broke off is not told.

        Raises:
            kubernetes.client.ApiException, urllib3.exceptions.HTTPError: As they come.
        """
        since = {} if since_s is None else {"since_seconds": since_s}
        response = self._core.read_namespaced_pod_log(
            pod,
            self.namespace,
            container=STEP,
            follow=True,
            timestamps=True,
            **since,
            _preload_content=False,
            _request_timeout=(ANSWER_S[0], SILENCE_S),
        )
        rest = b""
        try:
            for chunk in response.stream(2**16, decode_content=False):
                *lines, rest = (rest + chunk).split(b"\n")
                yield from lines
        finally:
            response.close()

    @property
    def _at(self) -> tuple[str, str, str, str]:
        return GROUP, VERSION, self.namespace, PLURAL

    def _ask(
        self,
        right: str,
        function: Callable[..., Any],
        *arguments: Any,
        absent: frozenset[int] | set[int] = frozenset({404}),
        raw: bool = False,
        **named: Any,
    ) -> Any:
        """The answer, asked for again while the server cannot give one; None for a status of `absent`."""
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        begun, wait = time.monotonic(), FIRST_WAIT_S
        if raw:
            named["_preload_content"] = False
        while True:
            try:
                found = function(*arguments, **named, _request_timeout=ANSWER_S)
                return json.loads(found.data) if raw else found
            except ApiException as fault:
                if fault.status in absent:
                    return None
                if fault.status and fault.status != 429 and fault.status < 500:
                    raise self.refusal(right, fault) from None
                why = f"{fault.status} {fault.reason}"
            except (HTTPError, OSError) as fault:
                why = type(fault).__name__
            if time.monotonic() - begun + wait > self.patience_s:
                raise Error(
                    f"the API server gave no answer for {self.patience_s:.0f} s: {why}",
                    where=f"{right} in {self.namespace}",
                    fix="start again: a TrainJob that runs is found and followed",
                )
            say(f"lora: the API server cannot answer ({why}); asked again in {wait:.0f} s")
            time.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT_S)

    def refusal(self, right: str, fault: Any) -> SetupError:
        """The words for a request that the server will not do."""
        try:
            message = json.loads(fault.body)["message"]
        except (TypeError, ValueError, KeyError):
            body = fault.body.decode("utf-8", "replace") if isinstance(fault.body, bytes) else fault.body
            message = str(body or fault.reason).strip()
        where = f"{right} in namespace {self.namespace}"
        if fault.status == 401:
            return SetupError(f"the API server does not know who asks: {message}", where=where)
        if fault.status == 403 and "denied the request" not in message and "exceeded quota" not in message:
            return SetupError(
                f"the right to {right} is missing: {message}",
                where=where,
                fix="apply k8s/base/rights.yaml and run under the service account `pipeline`",
            )
        if fault.status == 404:
            return SetupError(
                f"there are no TrainJobs: {message}",
                where=where,
                fix="install Kubeflow Trainer 2.3, and make the namespace",
            )
        return SetupError(
            f"the API server refuses it: {message}", where=where, expected="Kubeflow Trainer 2.3"
        )
