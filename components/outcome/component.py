"""How the run ended, kept in MLflow."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def outcome(
    status: dsl.PipelineTaskFinalStatus,
    outcome: dsl.Output[dsl.Artifact],
    params: str,
    pipeline: str,
    run_id: str,
) -> None:
    """Make outcome: how the run ended, kept in MLflow."""
    from twelvelead.stages.component import metadata, run_errand

    told = {"state": status.state, "error_message": status.error_message}
    summary = run_errand("outcome", outcome.path, run_id, pipeline=pipeline, status=told, params=params)
    outcome.metadata.update(metadata(summary))
