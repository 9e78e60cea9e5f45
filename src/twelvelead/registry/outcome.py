"""How runs of pipelines ended: one MLflow run each, in an experiment of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twelvelead.registry.tracking import experiment_id, session, tracking_uri

EXPERIMENT = "twelvelead-pipelines"


def record(told: Mapping[str, Any], uri: str = "", *, failed: bool) -> str:
    """Keep an outcome; the same run of a pipeline, started again, keeps one entry with its last state.

    Args:
        told: What to keep, as tags; `kfp_run_id` tells runs apart.
        uri: Tracking URI; empty as for the register stage.
        failed: Whether the entry is shown as failed.

    Returns:
        The id of the MLflow run.

    Raises:
        RegistryError: The store cannot be reached or refuses.
    """
    with session(uri) as client:
        place = experiment_id(client, tracking_uri(uri), EXPERIMENT)
        name = str(told["kfp_run_id"])
        quoted = name.replace("'", "")
        same = client.search_runs([place], f"tags.kfp_run_id = '{quoted}'", max_results=1) if quoted else []
        run = same[0].info.run_id if same else client.create_run(place, run_name=name or None).info.run_id
        for key, value in told.items():
            client.set_tag(run, key, str(value)[:5000])
        client.set_terminated(run, "FAILED" if failed else "FINISHED")
        return str(run)
