"""What each step may use, by profile. The local runner ignores limits, so `local` sets none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kfp import dsl, kubernetes

from twelvelead.errors import ParamsError


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests are left to the cluster; limits keep a step from starving its neighbours."""

    cpu: str
    memory: str
    gpus: int = 0
    hours: int = 2


SMALL = Limits("1", "4Gi")
STAGE_LIMITS = {
    "ingest": Limits("8", "16Gi"),
    "validate": Limits("8", "16Gi"),
    "synthesize": Limits("16", "32Gi"),
    "instruct": Limits("4", "16Gi"),
    "train_baseline": Limits("8", "32Gi", hours=12),
    "train_page_baseline": Limits("8", "32Gi", hours=12),
    "train_lora": Limits("16", "128Gi", gpus=1, hours=48),
    "evaluate": Limits("16", "128Gi", gpus=1, hours=12),
    "register": Limits("2", "8Gi"),
}


def _local(task: dsl.PipelineTask, stage: str) -> None:
    pass


def _cluster(task: dsl.PipelineTask, stage: str) -> None:
    limits = STAGE_LIMITS.get(stage, SMALL)
    task.set_cpu_limit(limits.cpu).set_memory_limit(limits.memory)
    kubernetes.set_timeout(task, limits.hours * 3600)
    kubernetes.set_image_pull_policy(task, "IfNotPresent")
    if limits.gpus:
        task.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(limits.gpus)
        kubernetes.add_toleration(task, key="nvidia.com/gpu", operator="Exists", effect="NoSchedule")
        # torch hands tensors between loader processes through /dev/shm, which is 64 MB in a pod
        kubernetes.empty_dir_mount(
            task, volume_name="shm", mount_path="/dev/shm", medium="Memory", size_limit="8Gi"
        )
    if stage == "register":
        kubernetes.use_config_map_as_env(
            task,
            config_map_name="twelvelead",
            config_map_key_to_env={"mlflow_tracking_uri": "MLFLOW_TRACKING_URI"},
        )


PROFILES: dict[str, Callable[[dsl.PipelineTask, str], None]] = {"local": _local, "cluster": _cluster}


def apply(profile: str, task: dsl.PipelineTask, stage: str) -> None:
    """Give one task of the pipeline what its stage needs under a profile.

    Raises:
        ParamsError: There is no such profile.
    """
    if profile not in PROFILES:
        raise ParamsError(f"there is no profile {profile!r}", expected=" or ".join(PROFILES))
    PROFILES[profile](task, stage)
