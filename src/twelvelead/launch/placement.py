"""Where in a cluster a TrainJob stands: said by the environment, for it changes nothing that is learnt."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, ValidationError

from twelvelead.errors import ParamsError
from twelvelead.sections import Section

VARIABLE = "TWELVELEAD_PLACEMENT"
IMAGE = "TWELVELEAD_TRAINING_IMAGE"  # set by `python -m pipelines submit`: the GPU image of the same release
POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class Placement(Section):
    """A cluster's side of a training; the defaults fit k8s/base and k8s/overlays/gpu."""

    namespace: str = Field("", description="of the TrainJob; empty: the pod's own, else twelvelead")
    image: str = Field("", description="of the nodes, by digest; empty: as submitted, else the runtime's")
    cpu: str = Field("16", description="of a node with GPUs; a TrainJob that names GPUs names all resources")
    memory: str = Field("128Gi", description="of a node with GPUs")
    gpu: str = Field("nvidia.com/gpu", description="the resource that counts GPUs")
    node_selector: dict[str, str] = Field({}, description="labels of the nodes")
    tolerations: tuple[dict[str, str | int], ...] = Field((), description="taints that do not keep it away")
    labels: dict[str, str] = Field({}, description="of the TrainJob, such as kueue.x-k8s.io/queue-name")
    exchange: str = Field(
        "",
        pattern=r"^(s3://[^/]+/.*[^/])?$",
        description="s3://bucket/prefix of its own, where nodes share no volume with us; empty: `work`",
    )
    claim: str = Field("", description="volume claim at `work`; empty: the runtime's")
    work: str = Field("/work", description="where nodes mount the volume that is TWELVELEAD_WORK here")
    models: str = Field("/models", description="where nodes find base models, as we do")
    keep: bool = Field(False, description="leave the TrainJob there when it has ended")


def placement() -> Placement:
    """What TWELVELEAD_PLACEMENT says, a JSON object; the defaults where it says nothing.

    Raises:
        ParamsError: It is no such object.
    """
    text = os.environ.get(VARIABLE, "").strip() or "{}"
    try:
        found = Placement.model_validate_json(text)
    except ValidationError as fault:
        faults = [f"{'.'.join(map(str, one['loc'])) or 'all'}: {one['msg']}" for one in fault.errors()]
        raise ParamsError(
            "; ".join(faults),
            where=VARIABLE,
            expected="a JSON object with some of " + ", ".join(Placement.model_fields),
        ) from None
    if not found.image:
        found = found.model_copy(update={"image": os.environ.get(IMAGE, "")})
    if found.namespace:
        return found
    own = POD_NAMESPACE.read_text(encoding="utf-8").strip() if POD_NAMESPACE.is_file() else "twelvelead"
    return found.model_copy(update={"namespace": own})
