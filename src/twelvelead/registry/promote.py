"""Move the champion alias by hand: to a version that passed its gate, or back to the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twelvelead.errors import RegistryError
from twelvelead.registry.tracking import session

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHAMPION = "champion"
ROLLED_BACK = "rolled_back"


def promote(model_name: str, version: int, uri: str = "", alias: str = CHAMPION) -> int:
    """Give the alias to a version that passed its gate.

    Args:
        model_name: Registered model.
        version: Its version.
        uri: Tracking URI; empty as for the register stage.
        alias: The alias to move.

    Returns:
        The version that now holds the alias.

    Raises:
        RegistryError: There is no such version, or its gate tag is not "passed".
    """
    with session(uri) as client:
        chosen = next((item for item in versions(client, model_name) if int(item.version) == version), None)
        if chosen is None:
            known = ", ".join(str(item.version) for item in versions(client, model_name))
            raise RegistryError(
                f"there is no version {version} of {model_name!r}", expected=known or "a registered model"
            )
        if not _passed(chosen):
            reasons = "; ".join(chosen.tags.get("gate_reasons", "").splitlines())
            raise RegistryError(
                f"version {version} of {model_name!r} did not pass its gate: {chosen.tags.get('gate')!r}",
                expected="a version tagged gate=passed",
                fix=f"train a better one; it was refused because: {reasons or 'unknown'}",
            )
        if chosen.tags.get(ROLLED_BACK):
            client.delete_model_version_tag(model_name, chosen.version, ROLLED_BACK)
        client.set_registered_model_alias(model_name, alias, chosen.version)
        return version


def rollback(model_name: str, uri: str = "", alias: str = CHAMPION) -> int:
    """Give the alias back to the last version before its holder that passed and was not rolled back itself.

    The version that loses it is tagged `rolled_back`, so that registering it again does not bring it back.

    Args:
        model_name: Registered model.
        uri: Tracking URI; empty as for the register stage.
        alias: The alias to move.

    Returns:
        The version that now holds the alias.

    Raises:
        RegistryError: Nothing holds the alias, or no earlier version passed.
    """
    with session(uri) as client:
        holder = aliased_version(client, model_name, alias)
        if holder is None:
            raise RegistryError(
                f"no version of {model_name!r} holds the alias {alias!r}", fix="promote a version first"
            )
        before = [
            item
            for item in versions(client, model_name)
            if int(item.version) < int(holder.version) and _passed(item) and not item.tags.get(ROLLED_BACK)
        ]
        if not before:
            raise RegistryError(
                f"{model_name!r} has no passed version before version {holder.version}",
                expected="an earlier version tagged gate=passed that was not rolled back",
            )
        client.set_model_version_tag(model_name, holder.version, ROLLED_BACK, "true")
        client.set_registered_model_alias(model_name, alias, before[-1].version)
        return int(before[-1].version)


def versions(client: MlflowClient, model_name: str) -> list[ModelVersion]:
    """All versions of a model, oldest first; none where the model does not exist."""
    found: list[ModelVersion] = []
    token = None
    while True:
        page = client.search_model_versions(f"name='{model_name}'", page_token=token)
        found += page
        token = page.token
        if not token:
            return sorted(found, key=lambda item: int(item.version))


def aliased_version(client: MlflowClient, model_name: str, alias: str) -> ModelVersion | None:
    """The version that holds an alias, or None; MLflow raises another code for every kind of absence."""
    models = client.search_registered_models(f"name='{model_name}'")
    version = models[0].aliases.get(alias) if models else None
    return client.get_model_version(model_name, version) if version is not None else None


def _passed(version: ModelVersion) -> bool:
    return version.tags.get("gate") == "passed"
