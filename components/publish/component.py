"""Artifacts as a DVC version: pushed by content, pointers kept."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def publish(
    records: dsl.Input[dsl.Dataset],
    validation: dsl.Input[dsl.Dataset],
    pages: dsl.Input[dsl.Dataset],
    instructions: dsl.Input[dsl.Dataset],
    publication: dsl.Output[dsl.Artifact],
    remote: str,
    code: str,
) -> None:
    """Make publication: artifacts as a DVC version: pushed by content, pointers kept."""
    from twelvelead.stages.component import metadata, run_errand

    data = {"records": records, "validation": validation, "pages": pages, "instructions": instructions}
    paths = {name: artifact.path for name, artifact in data.items()}
    publication.metadata.update(
        metadata(run_errand("publish", publication.path, inputs=paths, remote=remote))
    )
