"""A share of the pages, for synthesize to gather."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def draw(
    validation: dsl.Input[dsl.Dataset],
    records: dsl.Input[dsl.Dataset],
    drawn: dsl.Output[dsl.Dataset],
    params: str,
    code: str,
    part: int,
    parts: int,
) -> None:
    """Make drawn: a share of the pages, for synthesize to gather."""
    from twelvelead.stages.component import run_errand

    inputs = {"validation": validation.path, "records": records.path}
    run_errand("draw", drawn.path, inputs=inputs, params=params, part=part, parts=parts)
