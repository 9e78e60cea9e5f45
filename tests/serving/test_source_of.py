"""Where a server's readers come from: what is at hand until there is a champion, and never back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch")

from tests.serving.road import identity, reader

from twelvelead.errors import RegistryError, SetupError
from twelvelead.serving.swap import AGAIN_S, Seat, Source
from twelvelead.stages.serve import source_of


class Registry:
    """Who holds the alias, what its verdict says, and whether anybody answers."""

    def __init__(self) -> None:
        self.holder: int | None = None
        self.decision = "passed"
        self.away = False

    def seated(self, name: str, alias: str) -> int | None:
        assert (name, alias) == ("twelvelead-reader", "champion")
        if self.away:
            raise RegistryError("the model registry cannot be used: connection refused")
        return self.holder


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    it = Registry()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    monkeypatch.setattr("twelvelead.registry.fetch.seated", it.seated)
    monkeypatch.setattr(
        "twelvelead.stages.readers.registered",
        lambda name, version: identity(version=str(version), decision=it.decision, alias=""),
    )
    monkeypatch.setattr(
        "twelvelead.stages.readers.at_hand", lambda: identity(source="embedded", version="", alias="")
    )
    monkeypatch.setattr("twelvelead.stages.readers.has_embedded", lambda: True)
    monkeypatch.setattr(
        "twelvelead.serving.reader.load_reader",
        lambda who, threads: reader(
            version=who.version, source=who.source, alias=who.alias, decision=who.decision
        ),
    )
    return it


def who(seat: Seat) -> tuple[str, str]:
    assert seat.reader is not None
    return seat.reader.identity.source, seat.reader.identity.version


@pytest.mark.parametrize("away", [True, False], ids=["no registry yet", "no champion yet"])
def test_what_is_at_hand_stands_in_until_there_is_a_champion_and_never_again(
    registry: Registry, away: bool
) -> None:
    registry.away = away
    seat = Seat(source_of("", 1.0, 1))
    seat.look()
    assert (who(seat), seat.trouble) == (("embedded", ""), "")
    registry.away, registry.holder = False, 7
    seat.look()
    assert who(seat) == ("registry", "7")
    assert seat.reader.identity.alias == "champion"  # type: ignore[union-attr]
    registry.holder = None
    seat.look()
    assert who(seat) == ("registry", "7")
    assert seat.told == "the registry cannot be asked"
    registry.away = True
    seat.look()
    assert who(seat) == ("registry", "7")


def test_a_model_that_was_named_must_be_there(registry: Registry) -> None:
    with pytest.raises(SetupError, match="nobody holds the alias 'champion'"):
        source_of("twelvelead-reader", 1.0, 1)
    registry.away = True
    with pytest.raises(RegistryError, match="connection refused"):
        source_of("twelvelead-reader@champion", 1.0, 1)
    with pytest.raises(SetupError, match="neither a folder"):
        source_of("no/such/folder", 1.0, 1)


@pytest.mark.parametrize("decision", ["rejected", "smoke", "unjudged"])
def test_who_was_seated_by_hand_without_passing_the_gate_reads_nothing(
    registry: Registry, decision: str
) -> None:
    registry.holder = 1
    seat = Seat(source_of("twelvelead-reader", 1.0, 1))
    seat.look()
    registry.holder, registry.decision = 2, decision
    seat.look()
    assert who(seat) == ("registry", "1")
    assert f"its verdict is '{decision}'" in seat.trouble
    assert "twelvelead-reader/2" in seat.trouble


def test_a_version_is_served_by_its_number_whatever_its_verdict(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.decision = "rejected"
    seat = Seat(source_of("twelvelead-reader/5", 1.0, 1))
    seat.look()
    assert who(seat) == ("registry", "5")


def test_what_failed_is_tried_again_after_a_while_or_when_there_is_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, tried, now = [0.0], [], ["1"]
    monkeypatch.setattr("twelvelead.serving.swap.time.monotonic", lambda: clock[0])

    def load(named: str) -> Any:
        tried.append(named)
        if named == "2" or len(tried) == 1:
            raise OSError("half of it is missing")
        return reader(version=named)

    asked: list[Callable[[], str]] = [lambda: now[0]]
    seat = Seat(Source(lambda: asked[0](), load))
    seat.look()
    seat.look()
    assert tried == ["1", "1"], "while nobody reads, every look is a try"
    now[0] = "2"
    seat.look()
    seat.look()
    assert tried == ["1", "1", "2"]

    def away() -> str:
        raise OSError("gone")

    asked[0] = away
    seat.look()
    assert seat.told == "the registry cannot be asked"
    asked[0] = lambda: now[0]
    seat.look()
    assert seat.told == "version 2 cannot be loaded; version 1 stays", "what is still wrong is told again"
    clock[0] += AGAIN_S
    seat.look()
    assert tried == ["1", "1", "2", "2"]
