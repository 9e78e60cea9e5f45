"""Move the champion alias by hand: to a version that passed its gate, or back to the one before."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twelvelead.errors import RegistryError
from twelvelead.gate.policy import load
from twelvelead.progress import say
from twelvelead.registry import belonging, champion, second_opinion
from twelvelead.registry.challenge import Challenge, challenge
from twelvelead.registry.champion import (
    CHALLENGER,
    CHAMPION,
    PROMOTED_AT,
    PROMOTED_OVER,
    ROLLED_BACK,
    holder,
    number,
)
from twelvelead.registry.lineage import CNN_SHA256, home, read_json
from twelvelead.registry.tracking import session

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

PREDICTIONS = "predictions.parquet"
AGAIN = "register the run again"
BASELINE = "baseline"  # the CNN's folder among a run's artifacts


def promote(
    model_name: str,
    version: int,
    uri: str = "",
    alias: str = CHAMPION,
    policy: Path | None = None,
    expected: int | None = None,
) -> int:
    """Give the alias to a version that passed its gate, if everything it was passed on is still true.

    The verdict, the scorecard, the predictions, the adapter and, where the version carries it, the CNN are
    fetched and must belong together; the policy now in force must be that of the verdict and pass the
    scorecard again; the present champion must not be better on the same records; and it must still be there
    when the alias moves.

    Args:
        model_name: Registered model.
        version: Its version.
        uri: Tracking URI; empty as for the register stage.
        alias: The alias to move.
        policy: The policy in force; None for mlflow/gate.yaml of this checkout.
        expected: The version that the caller believes to hold the alias; None for whoever does.

    Returns:
        The version that now holds the alias.

    Raises:
        RegistryError: There is no such version, its gate tag is not "passed", or one of the above fails.
    """
    with session(uri) as client, tempfile.TemporaryDirectory() as folder:
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
                fix=f"train a better one; it was refused because: {reasons}"
                if reasons
                else "judge it by a policy that may promote: `make run` with mlflow/gate.yaml",
            )
        before = holder(client, model_name, alias)
        if expected is not None and number(before) != expected:
            raise RegistryError(
                f"the {alias} is version {number(before)}, not {expected}", fix="look at `twelvelead history`"
            )
        if number(before) == version:
            drop_challenger(client, model_name, chosen)  # which a killed promotion had left to do
            return version
        verdict = _examine(client, chosen, Path(folder), policy or home() / "mlflow" / "gate.yaml")
        outcome = against(client, chosen, before, verdict, Path(folder))
        if not outcome.holds:
            raise RegistryError(
                f"version {version} is worse than the {alias}: {outcome.sentence}",
                fix="`twelvelead rollback` if the champion itself is at fault",
            )
        if chosen.tags.get(ROLLED_BACK):
            client.delete_model_version_tag(model_name, chosen.version, ROLLED_BACK)
        champion.move(client, model_name, alias, chosen, number(before))
        drop_challenger(client, model_name, chosen)
        return version


def challenger(model_name: str, uri: str = "") -> int:
    """The version that holds the alias `challenger`.

    Raises:
        RegistryError: None does.
    """
    with session(uri) as client:
        found = number(holder(client, model_name, CHALLENGER))
    if not found:
        raise RegistryError(
            f"no version of {model_name!r} is challenger",
            fix="name a version; `twelvelead history` lists them",
        )
    return int(found)


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
        RegistryError: Nothing holds the alias, no earlier version held it, or it changed meanwhile.
    """
    with session(uri) as client:
        now = holder(client, model_name, alias)
        if now is None:
            raise RegistryError(
                f"no version of {model_name!r} holds the alias {alias!r}", fix="promote a version first"
            )
        before = [
            item
            for item in versions(client, model_name)
            if int(item.version) != int(now.version)
            and _passed(item)
            and not item.tags.get(ROLLED_BACK)
            and (str(item.version) == now.tags.get(PROMOTED_OVER) or _before(item, now))
        ]
        if not before:
            raise RegistryError(
                f"{model_name!r} has no passed version before version {now.version}",
                expected="an earlier champion that was not rolled back",
            )
        over = [item for item in before if str(item.version) == now.tags.get(PROMOTED_OVER)]
        # Of the others one may be tagged and never have held the alias: its promotion was killed in between.
        last = max(over or before, key=lambda item: (item.tags.get(PROMOTED_AT, ""), int(item.version)))
        champion.move(client, model_name, alias, last, int(now.version), leaving={ROLLED_BACK: "true"})
        return int(last.version)


def against(
    client: MlflowClient,
    candidate: ModelVersion,
    before: ModelVersion | None,
    verdict: dict[str, Any],
    folder: Path,
    predictions: Path | None = None,
) -> Challenge:
    """Compare a version with the present champion, from the tables that lie with their runs.

    Args:
        client: Of the store.
        candidate: The version.
        before: The champion, or None.
        verdict: The candidate's.
        folder: Where fetched files may go.
        predictions: The candidate's table, if it is at hand.
    """
    if before is None:
        return Challenge(True, "there was no champion before")
    name = int(before.version)
    old = _fetch(client, before, PREDICTIONS, folder / "champion")
    new = predictions or _fetch(client, candidate, PREDICTIONS, folder / "candidate")
    if old is None or new is None:
        return Challenge(True, f"not comparable with champion version {name}: its predictions are gone")
    scorecard = _fetch(client, candidate, "scorecard.json", folder / "candidate")
    codes = read_json(scorecard)["data"]["compared"] if scorecard else []
    margin = float(verdict.get("champion_margin", 0.0))
    return challenge(new, old, codes, str(verdict.get("candidate", "lora")), margin, name)


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


def drop_challenger(client: MlflowClient, model_name: str, version: ModelVersion) -> None:
    """Take the challenger alias from a version that became champion."""
    if number(holder(client, model_name, CHALLENGER)) == int(version.version):
        client.delete_registered_model_alias(model_name, CHALLENGER)


def _examine(client: MlflowClient, version: ModelVersion, folder: Path, policy: Path) -> dict[str, Any]:
    """Fetch what a version was passed on and check that it belongs together; returns the verdict."""
    import mlflow

    where = f"{version.name} version {version.version}"
    evaluation = folder / "candidate"
    for name in ("verdict.json", "scorecard.json", "predictions.parquet", "predictions_fold9.parquet",
                 "controls.parquet"):  # fmt: skip
        _fetch(client, version, name, evaluation)
    if not (evaluation / "verdict.json").is_file() or not (evaluation / "scorecard.json").is_file():
        raise RegistryError("its verdict or scorecard is gone", where=where, fix=AGAIN)
    verdict = read_json(evaluation / "verdict.json")
    model = mlflow.artifacts.download_artifacts(
        f"models:/{version.name}/{version.version}", dst_path=str(folder)
    )
    adapter = next(iter(sorted(Path(model).glob("artifacts/adapter*"))), None)
    if adapter is None:
        raise RegistryError("the registered model holds no adapter", where=where)
    baseline = None
    if CNN_SHA256 in version.tags:
        baseline = _fetch(client, version, BASELINE, folder / "cnn")
        if baseline is None:
            raise RegistryError("the CNN it was judged against is gone", where=where, fix=AGAIN)
    belonging.check(verdict, evaluation, adapter, baseline, where)
    belonging.check_policy(verdict, evaluation, policy, where)
    second_opinion.check(client.get_run(str(version.run_id)).data.metrics, load(policy), where)
    return verdict


def _fetch(client: MlflowClient, version: ModelVersion, name: str, folder: Path) -> Path | None:
    from mlflow.exceptions import MlflowException

    folder.mkdir(parents=True, exist_ok=True)
    if (folder / name).exists():
        return folder / name
    try:
        return Path(client.download_artifacts(str(version.run_id), name, str(folder)))
    except (MlflowException, OSError) as fault:
        say(f"{version.name} version {version.version}: no {name}: {str(fault).strip()[:200]}")
        return None


def _before(version: ModelVersion, now: ModelVersion) -> bool:
    """Whether a version was champion before the present one; one that only challenged never was."""
    return PROMOTED_AT in version.tags and version.tags[PROMOTED_AT] < now.tags.get(PROMOTED_AT, "~")


def _passed(version: ModelVersion) -> bool:
    return version.tags.get("gate") == "passed"
