"""The model version, its lineage, and the alias if the verdict passed."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def register(
    verdict: dsl.Input[dsl.Artifact],
    adapter: dsl.Input[dsl.Model],
    baseline: dsl.Input[dsl.Model],
    evaluation: dsl.Input[dsl.Artifact],
    registration: dsl.Output[dsl.Artifact],
    params: str,
    code: str,
    run_id: str,
) -> None:
    """Make registration.json: the model version, its lineage, and the alias if the verdict passed."""
    from twelvelead.stages.component import run_in_component

    run_in_component(
        "register",
        {
            "verdict.json": verdict.path,
            "adapter": adapter.path,
            "baseline": baseline.path,
            "evaluation": evaluation.path,
        },
        registration.path,
        params,
        run_id,
    )
