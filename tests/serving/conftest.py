import pytest


@pytest.fixture(scope="session")
def road(tmp_path_factory):
    """A road on a base of random weights, for a server that is a process of its own."""
    torch = pytest.importorskip("torch")
    from tests.serving.road import write_road

    from twelvelead.instruct import perception
    from twelvelead.models import tiny
    from twelvelead.models.mllama import load_base

    folder = tmp_path_factory.mktemp("served")
    tokenizer = tiny.build_tokenizer(list(perception.vocabulary())[:4000], vocabulary=512)
    model = tiny.build_model(tokenizer, vision_width=32, text_width=32, seed=3)
    with torch.no_grad():
        model.lm_head.weight.mul_(20)
    (folder / "base").mkdir()
    tiny.save_base(model, tokenizer, folder / "base")
    return write_road(folder / "road", load_base(str(folder / "base")), folder / "base")
