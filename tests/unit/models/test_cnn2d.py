import io

import numpy as np
import pytest
import torch
from PIL import Image

from twelvelead.models.cnn2d import PageNet, ink_of, predict, tensor


def png(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize("size", [(336, 336), (320, 448), (65, 211)])
def test_any_size_gives_one_logit_a_statement(size: tuple[int, int]) -> None:
    assert PageNet(7, *size)(torch.zeros(2, 1, *size)).shape == (2, 7)


def test_paper_counts_nothing_and_ink_counts_whatever_the_papers_colour() -> None:
    for paper in (255, 200, 120):
        page = np.full((40, 60, 3), paper, np.uint8)
        page[10, :] = 10
        ink = ink_of(png(page), 40, 60)
        assert ink[:10].max() == 0
        assert ink[10].min() == paper - 10
    assert ink_of(png(page), 20, 30).shape == (20, 30)


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(OSError, match="cannot identify"):
        ink_of(b"no picture", 20, 20)


def test_where_a_mark_stands_makes_a_difference() -> None:
    """Rows are leads: the same mark in another row must not give the same features."""
    torch.manual_seed(0)
    model = PageNet(3, 96, 128).eval()
    pages = [np.zeros((96, 128), np.uint8) for _ in range(2)]
    pages[0][16:24, 60:70] = 255
    pages[1][72:80, 60:70] = 255

    top, bottom = predict(model, pages)

    assert not np.allclose(top, bottom)
    assert tensor(pages).shape == (2, 1, 96, 128)


def test_probabilities_do_not_depend_on_the_company_of_a_page() -> None:
    torch.manual_seed(0)
    model = PageNet(3, 64, 96)
    pages = list(np.random.default_rng(0).integers(0, 255, (40, 64, 96), dtype=np.uint8))

    together = predict(model, pages)

    np.testing.assert_allclose(together[5], predict(model, [pages[5]])[0], atol=1e-6)
