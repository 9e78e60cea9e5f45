"""Questions and answers per page."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def instruct(
    validation: dsl.Input[dsl.Dataset],
    pages: dsl.Input[dsl.Dataset],
    instructions: dsl.Output[dsl.Dataset],
    params: str,
    code: str,
) -> None:
    """Make instructions: questions and answers per page."""
    from twelvelead.stages.component import run_in_component

    run_in_component(
        "instruct", {"validation": validation.path, "pages": pages.path}, instructions.path, params
    )
