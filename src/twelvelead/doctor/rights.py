"""What the pipeline's identity must be let do, and what it must not, by the API server's own word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from twelvelead.doctor.finding import Finding, judged

TRAINER, ARGO = "trainer.kubeflow.org", "argoproj.io"
# Kubeflow's own: its profile controller makes it in a namespace with the labels of k8s/base/namespace.yaml.
STORE = "mlpipeline-minio-artifact"


class Right(NamedTuple):
    """Something an identity may do: here or in the whole cluster, to all such objects or to a named one."""

    verb: str
    group: str
    resource: str
    here: bool = True
    name: str = ""


MAY: Sequence[Right] = (
    Right("create", ARGO, "workflowtaskresults"),
    Right("patch", ARGO, "workflowtaskresults"),
    Right("get", "", "configmaps", name="kfp-launcher"),
    Right("get", "", "secrets", name=STORE),
    Right("create", TRAINER, "trainjobs"),
    Right("patch", TRAINER, "trainjobs"),
    Right("delete", TRAINER, "trainjobs"),
    Right("get", TRAINER, "clustertrainingruntimes", here=False),
    Right("list", "", "pods"),
    Right("get", "", "pods/log"),
    Right("list", "", "events"),
)
MAY_NOT: Sequence[Right] = (
    Right("get", "", "secrets"),
    Right("list", "", "secrets"),
    Right("get", "", "secrets", name="mlflow"),
    Right("create", "", "pods"),
    Right("create", TRAINER, "clustertrainingruntimes", here=False),
    Right("get", "", "secrets", here=False),
)


def may(api: Any, namespace: str, right: Right, wanted: bool) -> Finding:
    """Ask by an access review whether `pipeline` has a right, and whether that is as it should be."""
    from kubernetes import client

    kind, _, sub = right.resource.partition("/")
    where = "here" if right.here else "in the cluster"
    object_ = f"{right.resource} {right.name}" if right.name else right.resource
    what = f"identity pipeline {'may' if wanted else 'may not'} {right.verb} {object_} {where}"
    place = {"namespace": namespace} if right.here else {}
    asked = {"verb": right.verb, "group": right.group, "resource": kind, "subresource": sub, **place}
    if right.name:
        asked["name"] = right.name
    user = f"system:serviceaccount:{namespace}:pipeline"
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "groups": groups, "resourceAttributes": asked},
    }
    try:
        answer = client.AuthorizationV1Api(api).create_subject_access_review(
            review, _request_timeout=(10, 30)
        )
    except client.ApiException as refusal:
        return Finding(
            what, "unseen", f"you may not ask ({refusal.status})", "ask as a cluster's administrator"
        )
    allowed = bool(answer.status.allowed)
    said = "allowed" if allowed else "not allowed"
    return judged(what, allowed is wanted, said, "k8s/base/rights.yaml; a wider binding stands beside it?")
