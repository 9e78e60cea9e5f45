"""Measured facts, quarantine and the validation report."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def validate(
    records: dsl.Input[dsl.Dataset],
    validation: dsl.Output[dsl.Dataset],
    params: str,
    code: str,
) -> None:
    """Make validation: measured facts, quarantine and the validation report."""
    from twelvelead.stages.component import run_in_component

    run_in_component("validate", {"records": records.path}, validation.path, params)
