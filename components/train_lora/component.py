"""The LoRA adapter."""

from kfp import dsl

from components import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def train_lora(
    instructions: dsl.Input[dsl.Dataset],
    pages: dsl.Input[dsl.Dataset],
    adapter: dsl.Output[dsl.Model],
    params: str,
    code: str,
    files: str,
) -> None:
    """Make adapter: the LoRA adapter."""
    from twelvelead.stages.component import run_in_component

    run_in_component(
        "train_lora", {"instructions": instructions.path, "pages": pages.path}, adapter.path, params
    )
