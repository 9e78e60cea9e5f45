"""Paper-ECG pages in Parquet shards."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def synthesize(
    validation: dsl.Input[dsl.Dataset],
    records: dsl.Input[dsl.Dataset],
    pages: dsl.Output[dsl.Dataset],
    params: str,
    code: str,
) -> None:
    """Make pages: paper-ECG pages in Parquet shards."""
    from twelvelead.stages.component import run_in_component

    run_in_component(
        "synthesize", {"validation": validation.path, "records": records.path}, pages.path, params
    )
