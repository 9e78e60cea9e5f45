"""A CNN on the same pages."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def train_page_baseline(
    validation: dsl.Input[dsl.Dataset],
    pages: dsl.Input[dsl.Dataset],
    page_baseline: dsl.Output[dsl.Model],
    params: str,
    code: str,
) -> None:
    """Make page_baseline: a CNN on the same pages."""
    from twelvelead.stages.component import run_in_component

    run_in_component(
        "train_page_baseline",
        {"validation": validation.path, "pages": pages.path},
        page_baseline.path,
        params,
    )
