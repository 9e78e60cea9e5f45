"""A Mllama of random weights and open gates: it sees pictures, and runs every path of the real one."""

import io

import pytest


@pytest.fixture(scope="session")
def base_folder(tmp_path_factory):
    import torch

    from twelvelead.instruct import perception
    from twelvelead.models import tiny

    folder = tmp_path_factory.mktemp("base")
    tokenizer = tiny.build_tokenizer(list(perception.vocabulary())[:4000], vocabulary=512)
    model = tiny.build_model(tokenizer, vision_width=32, text_width=32, seed=3)
    with torch.no_grad():
        model.lm_head.weight.mul_(20)  # as loud as a trained head, or no adapter could move an answer
    tiny.save_base(model, tokenizer, folder)
    return folder


@pytest.fixture
def base(base_folder):
    from twelvelead.models.mllama import load_base

    return load_base(str(base_folder))


@pytest.fixture(scope="session")
def pictures():
    import numpy as np
    from PIL import Image

    def png(seed):
        noise = np.random.default_rng(seed).integers(0, 255, (336, 336, 3), dtype=np.uint8)
        stream = io.BytesIO()
        Image.fromarray(noise).save(stream, "PNG")
        return stream.getvalue()

    return [png(seed) for seed in range(3)]
