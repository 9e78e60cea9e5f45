"""Paper-ECG pages in Parquet shards."""

from typing import List  # noqa: UP035  (KFP reads annotations by its own rules: only this form is a list of artifacts)

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def synthesize(
    validation: dsl.Input[dsl.Dataset],
    records: dsl.Input[dsl.Dataset],
    pages: dsl.Output[dsl.Dataset],
    params: str,
    code: str,
    drawn: dsl.Input[List[dsl.Dataset]] = None,  # noqa: UP006
) -> None:
    """Make pages: paper-ECG pages in Parquet shards."""
    from twelvelead.stages.component import run_in_component

    inputs = {"validation": validation.path, "records": records.path}
    pieces = [share.path for share in drawn or []]
    run_in_component("synthesize", inputs, pages.path, params, pieces=pieces)
