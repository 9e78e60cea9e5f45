import numpy as np
import pytest
import torch

from twelvelead.models.cnn1d import BLOCKS, Block, XResNet1d, build, cut, predict, window_starts


@pytest.mark.parametrize(("depth", "millions"), [(18, 0.37), (50, 0.96), (101, 1.88)])
def test_parameter_counts_are_those_of_the_published_networks(depth: int, millions: float) -> None:
    count = sum(weight.numel() for weight in XResNet1d(depth, 71).parameters())
    assert round(count / 1e6, 2) == millions


@pytest.mark.parametrize(
    ("architecture", "millions"), [("resnet1d_wang", 0.48), ("inception1d", 0.52), ("xresnet1d18", 0.37)]
)
def test_the_rivals_have_the_published_size_too(architecture: str, millions: float) -> None:
    model = build(architecture, 71)
    assert round(sum(weight.numel() for weight in model.parameters()) / 1e6, 2) == millions
    assert model(torch.zeros(2, 12, 250)).shape == (2, 71)


@pytest.mark.parametrize("depth", BLOCKS)
def test_logits_have_one_row_a_crop_and_one_column_a_statement(depth: int) -> None:
    assert XResNet1d(depth, 5)(torch.zeros(2, 12, 250)).shape == (2, 5)


def test_width_stays_fixed_so_that_every_stage_leaves_64_or_256_channels() -> None:
    for depth, channels in ((18, 64), (50, 256)):
        blocks = [module for module in XResNet1d(depth, 3).modules() if isinstance(module, Block)]
        features = torch.randn(2, 64, 40)
        for block in blocks:
            features = block(features)
            assert features.shape[1] == channels
        assert features.shape[2] == 5


def test_a_new_block_passes_its_input_through() -> None:
    features = torch.rand(2, 64, 16)
    assert torch.equal(Block(64, expansion=1, stride=1)(features), features)


def test_ten_seconds_are_seven_windows() -> None:
    assert window_starts(1000, 250) == [0, 125, 250, 375, 500, 625, 750]


@pytest.mark.parametrize("n_samples", [250, 251, 374, 376, 950, 1003])
def test_windows_reach_both_ends_of_any_record(n_samples: int) -> None:
    starts = window_starts(n_samples, 250)
    assert starts[0] == 0
    assert starts[-1] + 250 == n_samples
    assert len(set(starts)) == len(starts)


def test_a_record_shorter_than_a_window_is_padded_with_zeros() -> None:
    assert window_starts(100, 250) == [0]
    piece = cut(np.ones((12, 100), np.float32), 0, 250)
    assert piece.shape == (12, 250)
    assert piece[:, :100].all()
    assert not piece[:, 100:].any()


def test_a_records_probability_is_the_largest_over_its_windows() -> None:
    torch.manual_seed(0)
    model = XResNet1d(18, 3)
    record = np.random.default_rng(0).normal(size=(12, 600)).astype(np.float32)
    whole = predict(model, [record], 250)
    each = predict(model, [record[:, start : start + 250] for start in window_starts(600, 250)], 250)
    assert np.allclose(whole[0], each.max(axis=0), atol=1e-6)


def test_prediction_does_not_depend_on_the_neighbours() -> None:
    torch.manual_seed(0)
    model = XResNet1d(18, 2)
    rng = np.random.default_rng(1)
    records = [rng.normal(size=(12, n)).astype(np.float32) for n in (1000, 200, 950)]
    together = predict(model, records, 250)
    alone = np.concatenate([predict(model, [record], 250) for record in records])
    assert np.allclose(together, alone, atol=1e-6)
