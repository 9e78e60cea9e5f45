"""Which place a training gets."""

from __future__ import annotations

from twelvelead.launch.backend import TrainingBackend
from twelvelead.params import TrainLora


def choose(params: TrainLora) -> TrainingBackend:
    """The place that `train_lora.launch.backend` names.

    Raises:
        ParamsError: The placement of a TrainJob cannot be read.
    """
    backend = params.launch.backend
    if backend == "trainjob":
        from twelvelead.launch.placement import placement
        from twelvelead.launch.trainjob import TrainJobs

        return TrainJobs(placement())
    if backend != "here":
        from twelvelead.launch.processes import Processes, allowed

        count = allowed(params.processes)
        if backend == "processes" or count > 1:
            return Processes(count)
    from twelvelead.launch.here import Here

    return Here()
