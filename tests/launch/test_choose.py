"""Which place a training gets, and what of it is remembered."""

from __future__ import annotations

from typing import Any

import pytest

from twelvelead.launch import processes
from twelvelead.launch.choose import choose
from twelvelead.params import TrainLora


@pytest.mark.parametrize(
    ("params", "place"),
    [
        ({}, "Here"),
        ({"processes": 2}, "Processes"),
        ({"processes": 2, "launch": {"backend": "here"}}, "Here"),
        ({"launch": {"backend": "processes"}}, "Processes"),
        ({"launch": {"backend": "trainjob"}}, "TrainJobs"),
    ],
)
def test_the_place_is_the_one_that_was_named(
    params: dict[str, Any], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "allowed", lambda asked: asked)
    assert type(choose(TrainLora.model_validate(params))).__name__ == place
