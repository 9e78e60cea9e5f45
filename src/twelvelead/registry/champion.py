"""The champion's seat: one version holds the alias, and it changes hands one mover at a time.

MLflow sets an alias unconditionally: of two movers the later wins, whatever it had read before. So a mover
first takes the turn, a registered model of a reserved name that the store can create only once (its primary
key), reads again who holds the seat, and goes only if that is still whom it challenged (docs/decisions/008).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from twelvelead.errors import RegistryError
from twelvelead.progress import say

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHAMPION, CHALLENGER = "champion", "challenger"
ROLLED_BACK = "rolled_back"
PROMOTED_AT, PROMOTED_OVER = "promoted_at", "promoted_over"
TURN_S = 30.0  # a mover needs well under a second; a turn that lasts this long was left by a killed one
PAUSE_S = 0.2


def holder(client: MlflowClient, model_name: str, alias: str) -> ModelVersion | None:
    """The version that holds an alias, or None; MLflow raises another code for every kind of absence."""
    models = client.search_registered_models(f"name='{model_name}'")
    version = models[0].aliases.get(alias) if models else None
    return client.get_model_version(model_name, version) if version is not None else None


def number(version: ModelVersion | None) -> int | None:
    """Its number, None for no version."""
    return None if version is None else int(version.version)


def move(
    client: MlflowClient,
    model_name: str,
    alias: str,
    to: ModelVersion,
    expected: int | None,
    leaving: Mapping[str, str] | None = None,
) -> None:
    """Give the alias to a version: tags first, alias last, and only if the seat is as it was read.

    Args:
        client: Of the store.
        model_name: Registered model.
        alias: The alias.
        to: Who takes it.
        expected: The version that held it when the decision was made; None for nobody.
        leaving: Tags for the version that loses the alias.

    Raises:
        RegistryError: Another version holds the alias by now, or another mover does not finish.
    """
    with _turn(client, model_name, alias):
        now = holder(client, model_name, alias)
        if number(now) != expected:
            raise RegistryError(
                f"the {alias} changed meanwhile: it was {_called(expected)}, it is {_called(number(now))}",
                where=f"{model_name} version {to.version}",
                expected="the one the candidate was compared with",
                fix="run it again: it will be compared with the present one",
            )
        if expected == int(to.version):
            return
        for key, value in (leaving or {}).items():
            client.set_model_version_tag(model_name, str(expected), key, value)
        client.set_model_version_tag(model_name, to.version, PROMOTED_OVER, str(expected or "none"))
        client.set_model_version_tag(
            model_name, to.version, PROMOTED_AT, datetime.now(UTC).isoformat(timespec="microseconds")
        )
        client.set_registered_model_alias(model_name, alias, to.version)


@contextmanager
def _turn(client: MlflowClient, model_name: str, alias: str) -> Iterator[None]:
    from mlflow.exceptions import MlflowException

    name = f"{model_name} ({alias} is being moved)"
    seen, since = None, time.monotonic()
    while True:
        try:
            client.create_registered_model(name, description="Held for a moment while an alias moves.")
            break
        except MlflowException as fault:
            if fault.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        held = client.search_registered_models(f"name='{name}'")
        taken = held[0].creation_timestamp if held else None
        if taken != seen:
            seen, since = taken, time.monotonic()
        elif taken is not None and time.monotonic() - since > TURN_S:
            say(f"registry: a mover of {alias!r} was killed in its turn; taking it over")
            _give_up(client, name)
        time.sleep(PAUSE_S)
    try:
        yield
    finally:
        _give_up(client, name)


def _give_up(client: MlflowClient, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.delete_registered_model(name)
    except MlflowException as fault:
        if fault.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise


def _called(version: int | None) -> str:
    return "nobody" if version is None else f"version {version}"
