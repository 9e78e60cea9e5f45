"""Probabilities, scorecard and plots on fold 10."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def evaluate(
    validation: dsl.Input[dsl.Dataset],
    records: dsl.Input[dsl.Dataset],
    pages: dsl.Input[dsl.Dataset],
    baseline: dsl.Input[dsl.Model],
    page_baseline: dsl.Input[dsl.Model],
    adapter: dsl.Input[dsl.Model],
    evaluation: dsl.Output[dsl.Metrics],
    params: str,
    code: str,
) -> None:
    """Make evaluation: probabilities, scorecard and plots on fold 10."""
    from twelvelead.stages.component import metadata, run_in_component

    summary = run_in_component(
        "evaluate",
        {
            "validation": validation.path,
            "records": records.path,
            "pages": pages.path,
            "baseline": baseline.path,
            "page_baseline": page_baseline.path,
            "adapter": adapter.path,
        },
        evaluation.path,
        params,
    )
    evaluation.metadata.update(metadata(summary))
