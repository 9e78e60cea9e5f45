"""Loading ahead changes nothing but the wait."""

import threading

import pytest

from twelvelead.training.feed import Feed


def plan(step):
    return [(step, number) for number in range(step % 3)]  # every third step has nothing to do


def test_every_step_gets_its_own_in_order_from_any_first_step():
    for first in (0, 4):
        with Feed(plan, lambda job: job, first, 9, ahead=2, threads=3) as feed:
            assert [list(feed.of(step)) for step in range(first, 9)] == [plan(s) for s in range(first, 9)]


def test_no_more_is_loaded_ahead_than_was_allowed():
    loaded = []
    with Feed(lambda step: [step], lambda job: loaded.append(job) or job, 0, 100, ahead=3) as feed:
        assert list(feed.of(0)) == [0]
    assert len(loaded) <= 4


def test_loading_goes_on_while_a_batch_is_in_use():
    second = threading.Event()

    def load(step):
        if step == 1:
            second.set()
        return step

    with Feed(lambda step: [step], load, 0, 2) as feed:
        for _ in feed.of(0):
            assert second.wait(10)  # the next one is loaded while we hold this


def test_what_loading_raised_reaches_the_step_that_needs_it():
    def load(step):
        if step == 1:
            raise OSError("gone")
        return step

    with Feed(lambda step: [step], load, 0, 3) as feed:
        assert list(feed.of(0)) == [0]
        with pytest.raises(OSError, match="gone"):
            list(feed.of(1))


def test_a_step_is_planned_once_however_often_its_jobs_are_looked_at():
    planned = []
    with Feed(lambda step: planned.append(step) or plan(step), lambda job: job, 0, 6) as feed:
        for step in range(6):
            assert feed.jobs(step) == plan(step)
            assert list(feed.of(step)) == plan(step)
    assert sorted(planned) == list(range(6))
