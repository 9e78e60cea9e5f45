"""What each step may use and reach, by profile. The local runner ignores all of it, so `local` asks for
nothing.

Names of secrets, volumes and settings are those of k8s/base; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kfp import dsl, kubernetes

from twelvelead.errors import ParamsError

TARGETS = ("cpu", "gpu", "gate")  # of components/Dockerfile
GPU, GATE = "nvidia.com/gpu", ("gate", "register", "promote", "outcome")
SETTINGS, S3, MLFLOW, PULL, GIT = "twelvelead", "s3", "mlflow-pipeline", "registry", "git"
USER = 10001  # of the images

# Steps that keep finished pieces or checkpoints where a second try finds them, and those that read base
# models.
RESUMING = ("ingest", "synthesize", "draw", "train_baseline", "train_page_baseline", "train_lora")
READING_MODELS = ("train_lora", "evaluate")
READING_GIT = ("ingest", "fetch")  # a repository that is open to all needs no secret, so it may be missing
READING_S3 = ("ingest", "fetch", "publish", "train_lora", "evaluate")
TELLING_MLFLOW = ("train_baseline", "train_page_baseline", "train_lora", "register", "promote", "outcome")


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests are left to the cluster; limits keep a step from starving its neighbours."""

    cpu: str
    memory: str
    gpus: int = 0
    hours: int = 2


SMALL = Limits("1", "4Gi")
BACKOFF_S = 60  # before the first further try; twice as long before each next one
QUEUE_HOURS = 24  # a pod or TrainJob may wait that long for its place
STEP_LIMITS = {
    "ingest": Limits("8", "16Gi", hours=12),
    "validate": Limits("8", "16Gi"),
    "draw": Limits("4", "8Gi", hours=12),
    "synthesize": Limits("16", "32Gi", hours=12),
    "instruct": Limits("4", "16Gi"),
    "train_baseline": Limits("8", "32Gi", hours=12),
    "train_page_baseline": Limits("8", "32Gi", gpus=1, hours=12),
    "train_lora": Limits("16", "128Gi", gpus=1, hours=48),
    "evaluate": Limits("16", "128Gi", gpus=1, hours=12),
    "register": Limits("2", "8Gi"),
    "fetch": Limits("4", "8Gi", hours=12),
    "publish": Limits("4", "8Gi", hours=12),
    "promote": Limits("2", "8Gi"),
}


@dataclass(frozen=True, slots=True)
class Profile:
    """What a kind of cluster gives its steps.

    Attributes:
        name: Its name.
        on_cluster: Limits, identities and volumes are set at all.
        parts: Shares that pages are drawn in.
        retries: Further tries of a step, with back-off; a resumed step goes on where the last one stopped.
        pull_secret: Images come from a registry that wants a password.
        launching: Hours of the TrainJob that the LoRA training is: its step starts and follows it and has no
            GPU. 0: it is none.
        every: What any step gets instead of its own limits, for a cluster of one small machine without GPUs.
        environment: Variables of every step.
    """

    name: str
    on_cluster: bool = False
    parts: int = 1
    retries: int = 0
    pull_secret: bool = False
    launching: int = 0
    every: Limits | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def apply(self, task: dsl.PipelineTask, step: str) -> None:
        """Give one task of a pipeline what its stage or errand needs."""
        for name, value in self.environment.items():
            task.set_env_variable(name, value)
        if not self.on_cluster:
            return
        limits = self.limits(step)
        task.set_cpu_limit(limits.cpu).set_memory_limit(limits.memory)
        if self.retries and step != "promote":  # a refusal stays one
            task.set_retry(
                self.retries,
                backoff_duration=f"{BACKOFF_S}s",
                backoff_factor=2.0,
                backoff_max_duration=f"{self.retry_s(limits)}s",
            )
        kubernetes.set_timeout(task, limits.hours * 3600)
        kubernetes.set_image_pull_policy(task, "IfNotPresent")
        kubernetes.set_security_context(task, run_as_user=USER, run_as_group=USER, run_as_non_root=True)
        kubernetes.add_pod_label(task, "twelvelead/step", step.replace("_", "-"))
        if self.pull_secret:
            kubernetes.set_image_pull_secrets(task, [PULL])
        if limits.gpus:
            _on_gpu(task, limits.gpus)
        _reaching(task, step)

    def retry_s(self, limits: Limits) -> int:
        """Seconds in which a step may be tried again: all its tries with their queues, and the waits between.

        Argo counts them from when the first try was made, does not try again after them, and ends a later
        try at them: with less, a training that failed in its third hour would have no second attempt.
        """
        waits = BACKOFF_S * (2**self.retries - 1)
        return (self.retries + 1) * (limits.hours + QUEUE_HOURS) * 3600 + waits

    def limits(self, step: str) -> Limits:
        """What a step gets."""
        if self.every:
            return self.every
        if self.launching and step == "train_lora":
            return Limits("1", "4Gi", hours=self.launching + QUEUE_HOURS)
        return STEP_LIMITS.get(step, SMALL)

    def target_of(self, step: str) -> str:
        """The target of components/Dockerfile that a step runs in."""
        if step in GATE:
            return "gate"
        return "gpu" if self.limits(step).gpus else "cpu"


def _on_gpu(task: dsl.PipelineTask, gpus: int) -> None:
    task.set_accelerator_type(GPU).set_accelerator_limit(gpus)
    kubernetes.add_toleration(task, key=GPU, operator="Exists", effect="NoSchedule")
    kubernetes.add_node_selector(task, label_key="nvidia.com/gpu.present", label_value="true")
    # torch hands tensors between loader processes through /dev/shm, which is 64 MB in a pod
    kubernetes.empty_dir_mount(
        task, volume_name="shm", mount_path="/dev/shm", medium="Memory", size_limit="8Gi"
    )


def _reaching(task: dsl.PipelineTask, step: str) -> None:
    """Volumes, and of settings and secrets those alone that the step has a use for."""
    if step in RESUMING:
        kubernetes.mount_pvc(task, pvc_name="work", mount_path="/work")
        task.set_env_variable(
            "TWELVELEAD_WORK", "/work"
        )  # the volume's root: nodes of a TrainJob mount it so
    if step in READING_MODELS:
        kubernetes.mount_pvc(task, pvc_name="models", mount_path="/models")
    if step in READING_S3:
        keys = {"access_key": "AWS_ACCESS_KEY_ID", "secret_key": "AWS_SECRET_ACCESS_KEY"}
        kubernetes.use_secret_as_env(task, secret_name=S3, secret_key_to_env=keys)
    if step in READING_GIT:
        keys = {"host": "TWELVELEAD_GIT_HOST", "token": "TWELVELEAD_GIT_TOKEN"}
        kubernetes.use_secret_as_env(task, secret_name=GIT, secret_key_to_env=keys, optional=True)
    settings = {"s3_endpoint_url": "AWS_ENDPOINT_URL"} if step in READING_S3 else {}
    if step == "train_lora":
        settings["placement"] = "TWELVELEAD_PLACEMENT"
    if step in TELLING_MLFLOW:
        settings["mlflow_tracking_uri"] = "MLFLOW_TRACKING_URI"
        keys = {"username": "MLFLOW_TRACKING_USERNAME", "password": "MLFLOW_TRACKING_PASSWORD"}
        kubernetes.use_secret_as_env(task, secret_name=MLFLOW, secret_key_to_env=keys)
    if settings:
        kubernetes.use_config_map_as_env(task, config_map_name=SETTINGS, config_map_key_to_env=settings)


_OFFLINE = {"HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
PROFILES = {
    profile.name: profile
    for profile in (
        Profile("local"),
        Profile("cluster", on_cluster=True, parts=16, retries=3, environment=_OFFLINE),
        Profile("airgap", on_cluster=True, parts=16, retries=3, pull_secret=True, environment=_OFFLINE),
        # Limits alone are also requests: two pods fit beside Kubeflow on a machine of eight processors.
        Profile(
            "laptop", on_cluster=True, parts=2, retries=1, every=Limits("2", "6Gi", hours=6),
            environment=_OFFLINE,
        ),
    )
}  # fmt: skip


def find(name: str) -> Profile:
    """The profile of that name.

    Raises:
        ParamsError: There is none.
    """
    if name not in PROFILES:
        raise ParamsError(f"there is no profile {name!r}", expected=" or ".join(PROFILES))
    return PROFILES[name]
