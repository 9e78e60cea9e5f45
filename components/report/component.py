"""One page that shows the run."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def report(
    validation: dsl.Input[dsl.Dataset],
    pages: dsl.Input[dsl.Dataset],
    instructions: dsl.Input[dsl.Dataset],
    baseline: dsl.Input[dsl.Model],
    page_baseline: dsl.Input[dsl.Model],
    adapter: dsl.Input[dsl.Model],
    evaluation: dsl.Input[dsl.Artifact],
    verdict: dsl.Input[dsl.Artifact],
    registration: dsl.Input[dsl.Artifact],
    report: dsl.Output[dsl.HTML],
    params: str,
    code: str,
) -> None:
    """Make report.html: one page that shows the run."""
    from twelvelead.stages.component import run_in_component

    run_in_component(
        "report",
        {
            "validation": validation.path,
            "pages": pages.path,
            "instructions": instructions.path,
            "baseline": baseline.path,
            "page_baseline": page_baseline.path,
            "adapter": adapter.path,
            "evaluation": evaluation.path,
            "verdict.json": verdict.path,
            "registration.json": registration.path,
        },
        report.path,
        params,
    )
