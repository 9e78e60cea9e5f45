"""An artifact that was made elsewhere."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def fetch(artifact: dsl.Output[dsl.Artifact], name: str, place: str, code: str) -> None:
    """Make artifact: an artifact from a folder, S3, a DVC revision or a publication."""
    from twelvelead.stages.component import metadata, run_errand

    summary = run_errand("fetch", artifact.path, artifact=name, place=place)
    artifact.metadata.update(metadata(summary))
