import os

import pytest

from twelvelead.data.pool import in_order, workers
from twelvelead.errors import Error, ParamsError, RecordError


def square(number):
    return number * number


def pid(_):
    return os.getpid()


def refuse(number):
    raise RecordError(f"record {number} is broken", where=str(number))


def die(_):
    os._exit(9)


@pytest.mark.parametrize("count", ["1", "2"])
def test_results_are_in_the_order_of_the_tasks(monkeypatch, count):
    monkeypatch.setenv("TWELVELEAD_WORKERS", count)
    assert list(in_order(square, range(30))) == [number**2 for number in range(30)]


def test_one_worker_stays_in_this_process(monkeypatch):
    monkeypatch.setenv("TWELVELEAD_WORKERS", "1")
    assert set(in_order(pid, range(3))) == {os.getpid()}


def test_an_error_keeps_its_class_and_message_across_processes(monkeypatch):
    monkeypatch.setenv("TWELVELEAD_WORKERS", "2")
    with pytest.raises(RecordError) as caught:
        list(in_order(refuse, range(4)))
    assert caught.value.what == "record 0 is broken"
    assert str(caught.value) == "0: record 0 is broken"


def test_a_dead_worker_is_an_error_with_advice(monkeypatch):
    monkeypatch.setenv("TWELVELEAD_WORKERS", "2")
    with pytest.raises(Error, match="TWELVELEAD_WORKERS=1"):
        list(in_order(die, range(4)))


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_a_wrong_number_of_workers_is_a_params_error(monkeypatch, text):
    monkeypatch.setenv("TWELVELEAD_WORKERS", text)
    with pytest.raises(ParamsError, match="TWELVELEAD_WORKERS"):
        workers()
