"""The verdict by the policy."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def gate(
    evaluation: dsl.Input[dsl.Artifact],
    verdict: dsl.Output[dsl.Metrics],
    params: str,
    code: str,
    files: str,
) -> None:
    """Make verdict.json: the verdict by the policy."""
    from twelvelead.stages.component import metadata, run_in_component

    summary = run_in_component("gate", {"evaluation": evaluation.path}, verdict.path, params)
    verdict.metadata.update(metadata(summary))
