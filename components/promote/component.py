"""The alias, moved to a version whose verdict holds here and now."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def promote(
    promotion: dsl.Output[dsl.Artifact], params: str, code: str, version: int, expect: int, run_id: str
) -> None:
    """Make promotion: the alias, moved to a version whose verdict holds here and now."""
    from twelvelead.stages.component import metadata, run_errand

    summary = run_errand("promote", promotion.path, run_id, params=params, version=version, expect=expect)
    promotion.metadata.update(metadata(summary))
