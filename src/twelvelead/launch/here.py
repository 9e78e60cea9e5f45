"""A training in this process."""

from __future__ import annotations

from twelvelead.launch.backend import Job, Summary


class Here:
    """Trains alone, on one GPU or the cores of this machine."""

    def train(self, job: Job) -> Summary:
        """See TrainingBackend."""
        from twelvelead.training.adapter import make_adapter

        return make_adapter(
            job.inputs["instructions"], job.inputs["pages"], job.output, job.params, job.work, job.tracker
        )
