"""The signal CNN to match."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def train_baseline(
    validation: dsl.Input[dsl.Dataset],
    records: dsl.Input[dsl.Dataset],
    baseline: dsl.Output[dsl.Model],
    params: str,
    code: str,
) -> None:
    """Make baseline: the signal CNN to match."""
    from twelvelead.stages.component import run_in_component

    run_in_component(
        "train_baseline", {"validation": validation.path, "records": records.path}, baseline.path, params
    )
