from hypothesis import given
from hypothesis import strategies as st

from twelvelead.training.sampler import micro_batches, stream


@given(st.lists(st.integers(1, 500), max_size=40), st.integers(0, 2000))
def test_batches_hold_every_sequence_once_and_keep_to_the_budget(lengths, budget):
    batches = micro_batches(lengths, budget)
    assert sorted(number for batch in batches for number in batch) == list(range(len(lengths)))
    for batch in batches:
        padded = len(batch) * max(lengths[number] for number in batch)
        assert not budget or padded <= budget or len(batch) == 1
    assert budget or len(batches) == bool(lengths)


def test_a_page_asks_the_same_whichever_process_it_falls_to():
    assert stream(1, 5, 2).integers(1 << 30) == stream(1, 5, 2).integers(1 << 30)
    assert stream(1, 5, 2).integers(1 << 30) != stream(1, 5, 3).integers(1 << 30)
