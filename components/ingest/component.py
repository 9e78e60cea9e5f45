"""Records in PTB-XL layout and their index."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def ingest(
    records: dsl.Output[dsl.Dataset],
    params: str,
    code: str,
    files: str,
) -> None:
    """Make records: records in PTB-XL layout and their index."""
    from twelvelead.stages.component import run_in_component

    run_in_component("ingest", {}, records.path, params)
