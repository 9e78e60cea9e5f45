"""A cluster: everything that k8s/ and the pipelines count on, looked at by the API server's own word."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from twelvelead.doctor.finding import Finding, each, good, judged
from twelvelead.doctor.rights import MAY, MAY_NOT, STORE, TRAINER, may
from twelvelead.errors import SetupError

VERSION = (1, 33)
KUBEFLOW = "kubeflow"
JOBSET = "jobset.x-k8s.io"
RUNTIME = "twelvelead-lora"
ACCOUNTS = ("pipeline", "trainer", "mlflow")
# Names and keys of k8s/base and pipelines/resources.py; a test holds them together.
SECRETS: Mapping[str, tuple[str, ...]] = {
    "mlflow": ("backend_store_uri", "artifacts", "access_key", "secret_key", "flask_secret_key", "auth.ini"),
    "mlflow-pipeline": ("username", "password"),
    "s3": ("access_key", "secret_key"),
}
SETTINGS = ("mlflow_tracking_uri", "s3_endpoint_url", "placement")
CLAIMS = ("models", "work")
STORE_KEYS = ("accesskey", "secretkey")


def examine(namespace: str = "twelvelead", kubeconfig: str = "") -> list[Finding]:
    """Look at a cluster.

    Args:
        namespace: Where Twelvelead is installed.
        kubeconfig: File; empty for KUBECONFIG, ~/.kube/config or a pod's own identity.

    Raises:
        SetupError: The kubernetes package is missing, or no cluster is named.
    """
    api = _connect(kubeconfig)
    findings = each("API server", [partial(_version, api)])
    if findings[0].state == "bad":
        return findings
    looks: list[Callable[[], Finding]] = [
        partial(_group, api, TRAINER, "v1alpha1", "Kubeflow Trainer 2.3"),
        partial(_group, api, JOBSET, "v1alpha2", "JobSet, which comes with the Trainer"),
        partial(_service, api, KUBEFLOW, "ml-pipeline", "Kubeflow Pipelines"),
        partial(_multi_user, api),
        partial(_namespace, api, namespace),
        *(partial(_account, api, namespace, name) for name in ACCOUNTS),
        *(partial(_secret, api, namespace, name) for name in SECRETS),
        partial(_store, api, namespace),
        partial(_settings, api, namespace),
        *(partial(_claim, api, namespace, name) for name in CLAIMS),
        partial(_runtime, api),
        *(partial(may, api, namespace, right, True) for right in MAY),
        *(partial(may, api, namespace, right, False) for right in MAY_NOT),
        partial(_closed, api, namespace),
        partial(_mlflow, api, namespace),
        partial(_gpus, api),
    ]
    return findings + each("cluster", looks)


def _connect(kubeconfig: str) -> Any:
    try:
        from kubernetes import client, config
    except ImportError as missing:
        raise SetupError(
            f"kubernetes is missing ({missing})", fix="pip install 'twelvelead[cluster]'"
        ) from None
    try:
        settings = client.Configuration()
        if kubeconfig:
            config.load_kube_config(kubeconfig, client_configuration=settings)
        else:
            config.load_config(client_configuration=settings)
    except (config.ConfigException, OSError) as fault:
        raise SetupError(
            f"no cluster is named: {fault}",
            fix="set KUBECONFIG or --kubeconfig; `kubectl cluster-info` must answer",
        ) from None
    settings.retries = 1
    return client.ApiClient(settings)


def _get(api: Any, path: str) -> tuple[int, Any]:
    """Status and tree of an object; what the server refuses is an answer too."""
    from kubernetes.client import ApiException

    try:
        tree, status, _ = api.call_api(
            path, "GET", response_type="object", auth_settings=["BearerToken"], _request_timeout=(10, 30)
        )
        return int(status), tree
    except ApiException as refusal:
        return int(refusal.status or 0), {}


def _seen(api: Any, path: str, name: str, fix: str, tell: Callable[[Any], Finding]) -> Finding:
    status, tree = _get(api, path)
    if status == 403:
        return Finding(name, "unseen", "you may not look at it", "ask as somebody who may")
    if status == 404:
        return Finding(name, "bad", "is not there", fix)
    if status == 401:
        return Finding(name, "bad", "your credentials are not accepted", "log in again")
    if status != 200:
        return Finding(name, "bad", f"the API server says {status}", "it is in trouble; ask again later")
    return tell(tree)


def _version(api: Any) -> Finding:
    from urllib3.exceptions import HTTPError

    try:
        status, tree = _get(api, "/version")
    except HTTPError as fault:
        return Finding(
            "API server", "bad", f"does not answer: {str(fault)[:160]}", "check the address and the VPN"
        )
    if status != 200:
        return Finding("API server", "bad", f"says {status}", "check your credentials")
    if not isinstance(tree, dict) or not {"major", "minor"} <= set(tree):
        return Finding(
            "API server", "bad", "something else answers, such as a login page", "check the address"
        )
    major, minor = int(tree["major"]), int("".join(c for c in tree["minor"] if c.isdigit()))
    fix = f"Kubernetes {VERSION[0]}.{VERSION[1]} or later is needed"
    return judged("API server", (major, minor) >= VERSION, f"Kubernetes {major}.{minor}", fix)


def _group(api: Any, group: str, version: str, what: str) -> Finding:
    return _seen(
        api, f"/apis/{group}/{version}", what, f"install it; {group}/{version} is not served",
        lambda tree: good(what, f"{group}/{version} serves {len(tree.get('resources', []))} resources"),
    )  # fmt: skip


def _service(api: Any, namespace: str, service: str, what: str) -> Finding:
    path, fix = (
        f"/api/v1/namespaces/{namespace}/services/{service}",
        f"install it in the namespace {namespace}",
    )
    return _seen(api, path, what, fix, lambda _: good(what, f"service {service} in {namespace}"))


def _multi_user(api: Any) -> Finding:
    """Where there is one user, steps run in Kubeflow's own namespace: without our identities and secrets."""
    what, name = "Kubeflow Pipelines for many users", "kubeflow-pipelines-profile-controller"
    status, _ = _get(api, f"/api/v1/namespaces/{KUBEFLOW}/services/{name}")
    if status == 200:
        return good(what, f"service {name}")
    fix = "a distribution may call it otherwise; else install KFP in multi-user mode: `submit` tells for sure"
    return Finding(what, "unseen", f"no service {name} ({status})", fix)


def _namespace(api: Any, namespace: str) -> Finding:
    def tell(tree: Any) -> Finding:
        labels = tree["metadata"].get("labels") or {}
        level = labels.get("pod-security.kubernetes.io/enforce", "nothing")
        known = labels.get("app.kubernetes.io/part-of") == "kubeflow-profile"
        said = (
            f"pod security enforces {level}, Kubeflow {'knows' if known else 'does not know'} it by its label"
        )
        return judged(
            f"namespace {namespace}", level == "restricted" and known, said, "kubectl apply -k k8s/overlays/…"
        )

    fix = "kubectl apply -k k8s/overlays/gpu (or local, airgap)"
    return _seen(api, f"/api/v1/namespaces/{namespace}", f"namespace {namespace}", fix, tell)


def _account(api: Any, namespace: str, name: str) -> Finding:
    what = f"service account {name}"

    def tell(tree: Any) -> Finding:
        pull = [item["name"] for item in tree.get("imagePullSecrets") or ()]
        lost = [one for one in pull if _get(api, f"/api/v1/namespaces/{namespace}/secrets/{one}")[0] == 404]
        said = f"pulls images by {', '.join(lost)}, which is not there" if lost else "there"
        return judged(what, not lost, said, "kubectl create secret docker-registry; see docs/kubernetes.md")

    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}"
    return _seen(api, path, what, "kubectl apply -k k8s/overlays/…", tell)


def _secret(api: Any, namespace: str, name: str) -> Finding:
    return _keys(api, namespace, name, SECRETS[name], "docs/kubernetes.md has the command that makes it")


def _store(api: Any, namespace: str) -> Finding:
    fix = "Kubeflow's profile controller makes it in a namespace with our labels; else copy it from kubeflow"
    return _keys(api, namespace, STORE, STORE_KEYS, fix)


def _keys(api: Any, namespace: str, name: str, keys: Sequence[str], fix: str) -> Finding:
    what = f"secret {name}"

    def tell(tree: Any) -> Finding:
        missing = [key for key in keys if not (tree.get("data") or {}).get(key)]
        said = f"lacks {', '.join(missing)}" if missing else f"{len(keys)} keys"
        return judged(what, not missing, said, fix)

    return _seen(api, f"/api/v1/namespaces/{namespace}/secrets/{name}", what, fix, tell)


def _settings(api: Any, namespace: str) -> Finding:
    what = "settings (config map twelvelead)"

    def tell(tree: Any) -> Finding:
        missing = [key for key in SETTINGS if key not in (tree.get("data") or {})]
        said = f"lacks {', '.join(missing)}" if missing else "complete"
        return judged(what, not missing, said, "kubectl apply -k k8s/overlays/…")

    path = f"/api/v1/namespaces/{namespace}/configmaps/twelvelead"
    return _seen(api, path, what, "kubectl apply -k k8s/overlays/…", tell)


def _claim(api: Any, namespace: str, name: str) -> Finding:
    what = f"volume {name}"

    def tell(tree: Any) -> Finding:
        phase, modes = tree.get("status", {}).get("phase", "unknown"), tree["spec"]["accessModes"]
        if phase == "Pending":
            fix = (
                "a storage class that waits for its first pod is right; else `kubectl describe pvc` tells why"
            )
            return Finding(what, "unseen", "not bound yet", fix)
        return judged(what, phase == "Bound", f"{phase}, {', '.join(modes)}", "kubectl describe pvc")

    path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}"
    return _seen(api, path, what, "kubectl apply -k k8s/overlays/…", tell)


def _runtime(api: Any) -> Finding:
    what = f"training runtime {RUNTIME}"

    def tell(tree: Any) -> Finding:
        label = tree["metadata"].get("labels", {}).get(f"{TRAINER}/framework")
        return judged(what, label == "torch", f"framework {label}", "kubectl apply -k k8s/overlays/…")

    path = f"/apis/{TRAINER}/v1alpha1/clustertrainingruntimes/{RUNTIME}"
    return _seen(api, path, what, "kubectl apply -k k8s/overlays/…, after the Trainer", tell)


def _closed(api: Any, namespace: str) -> Finding:
    what = "network closed by default"
    path = f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies/deny-all"
    return _seen(api, path, what, "kubectl apply -k k8s/overlays/…", lambda _: good(what, "policy deny-all"))


def _mlflow(api: Any, namespace: str) -> Finding:
    def tell(tree: Any) -> Finding:
        ready = int(tree.get("status", {}).get("availableReplicas") or 0)
        fix = f"kubectl -n {namespace} logs deploy/mlflow"
        return judged("MLflow server", ready > 0, f"{ready} pods ready", fix)

    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/mlflow"
    return _seen(api, path, "MLflow server", "kubectl apply -k k8s/overlays/…", tell)


def _gpus(api: Any) -> Finding:
    def tell(tree: Any) -> Finding:
        counts = [
            int(node["status"].get("allocatable", {}).get("nvidia.com/gpu", 0)) for node in tree["items"]
        ]
        if not sum(counts):
            fix = "without: `submit --profile laptop`; else NVIDIA's device plugin"
            return Finding("GPUs", "unseen", "no node offers nvidia.com/gpu now", fix)
        return good("GPUs", f"{sum(counts)} on {sum(map(bool, counts))} nodes")

    return _seen(api, "/api/v1/nodes", "GPUs", "", tell)
