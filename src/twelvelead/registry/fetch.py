"""A registered version as a folder: adapter, CNN, scorecard, verdict side by side, fetched once and kept."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from twelvelead.data.digest import file_sha256, model_sha256
from twelvelead.errors import Error, RegistryError
from twelvelead.progress import say
from twelvelead.registry.champion import CHAMPION, holder
from twelvelead.registry.lineage import CNN_SHA256, fingerprint_of, read_json
from twelvelead.registry.promote import BASELINE, versions
from twelvelead.registry.tracking import session

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

FILES = ("scorecard.json", "lineage.json")
Tags = dict[str, str]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A version on this machine.

    Attributes:
        name: Of the registered model.
        version: Its number.
        alias: Through which it was asked for, or "".
        folder: Holds adapter/, evaluation/, verdict.json, and baseline/ unless the version is too old.
        tags: As registered.
    """

    name: str
    version: int
    alias: str
    folder: Path
    tags: Tags


def seated(name: str, alias: str = CHAMPION, uri: str = "") -> int | None:
    """The version that holds an alias; None where there is no such model or nobody holds it.

    Raises:
        RegistryError: The registry cannot be reached.
    """
    with session(uri) as client:
        found = holder(client, name, alias)
        return None if found is None else int(found.version)


def fetch(name: str, wanted: int | str, cache: Path, uri: str = "") -> Fetched:
    """Bring a version here.

    What lies in the cache is looked through again every time, and fetched anew where it was damaged.

    Args:
        name: Registered model.
        wanted: Its number, or an alias.
        cache: Folder under which versions are kept, by name, number and fingerprint.
        uri: Tracking URI; empty as for the register stage.

    Raises:
        RegistryError: There is no such version, it lacks something, or other bytes came than were judged.
    """
    with session(uri) as client:
        if isinstance(wanted, str):
            version = holder(client, name, wanted)
        else:
            version = next((one for one in versions(client, name) if int(one.version) == wanted), None)
        if version is None:
            known = ", ".join(str(one.version) for one in versions(client, name)) or "none"
            raise RegistryError(
                f"{name!r} has no version {wanted!r}", expected=f"one of its versions: {known}",
                fix="look at `twelvelead history`",
            )  # fmt: skip
        number, tags = int(version.version), dict(version.tags)
        alias = wanted if isinstance(wanted, str) else ""
        folder = cache / name / f"{number}-{tags.get('fingerprint', 'unknown')[:16]}"
        if folder.is_dir() and (faults := _faults(folder, tags)):
            say(f"reader: {name} version {number} is fetched anew: {faults[0]}")
            shutil.rmtree(folder)
        if not folder.is_dir():
            _bring(client, version, folder)
        if CNN_SHA256 not in tags:
            say(f"reader: {name} version {number} came without its CNN; `twelvelead register` would add it")
        return Fetched(name, number, alias, folder, tags)


def _bring(client: MlflowClient, version: ModelVersion, folder: Path) -> None:
    """Fetch into a sibling folder, look it through, and rename: it is there whole or not at all."""
    import mlflow
    from mlflow.exceptions import MlflowException

    where, run = f"{version.name} version {version.version}", str(version.run_id)
    aside = folder.with_name(f".tmp-{os.getpid()}-{folder.name}")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        model = mlflow.artifacts.download_artifacts(
            f"models:/{version.name}/{version.version}", dst_path=str(aside / "model")
        )
        adapters = sorted(Path(model).glob("artifacts/adapter*"))
        if not adapters:
            raise RegistryError("the registered model holds no adapter", where=where)
        adapters[0].rename(aside / "adapter")
        (aside / "evaluation").mkdir()
        for file in FILES:
            client.download_artifacts(run, file, str(aside / "evaluation"))
        client.download_artifacts(run, "verdict.json", str(aside))
        if CNN_SHA256 in version.tags:
            client.download_artifacts(run, BASELINE, str(aside))
        shutil.rmtree(aside / "model")
        if faults := _faults(aside, version.tags):
            raise RegistryError(
                "what came is not what was judged\n  " + "\n  ".join(faults), where=where,
                fix="find out who changed the artifacts, and register the run again",
            )  # fmt: skip
        if not folder.is_dir():
            aside.rename(folder)
    except (MlflowException, OSError) as fault:
        raise RegistryError(
            f"cannot be fetched whole: {(str(fault).splitlines() or [type(fault).__name__])[0][:200]}",
            where=where, fix="register the run again",
        ) from None  # fmt: skip
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _faults(folder: Path, tags: Mapping[str, str]) -> list[str]:
    """Where a fetched folder is none of which the registry's tags and its own verdict speak.

    The tag `fingerprint` binds adapter and verdict, the verdict the scorecard, the scorecard the CNN.
    """
    try:
        verdict = read_json(folder / "verdict.json")
        evidence = read_json(folder / "evaluation" / "scorecard.json").get("evidence", {})
        adapter = model_sha256(folder / "adapter")
        found = [
            ("adapter", tags.get("adapter_sha256"), adapter),
            ("adapter and verdict", tags.get("fingerprint"), fingerprint_of(adapter, verdict)),
            ("scorecard", verdict.get("scorecard_sha256"),
             file_sha256(folder / "evaluation" / "scorecard.json")),
        ]  # fmt: skip
        if CNN_SHA256 in tags:
            here = model_sha256(folder / BASELINE)
            found += [("CNN", tags[CNN_SHA256], here), ("CNN", evidence.get(BASELINE), here)]
    except (Error, OSError) as fault:
        return [str(fault)]
    return [
        f"{name}: its SHA-256 is {here[:12]}…, and {str(named)[:12]}… was judged"
        for name, named, here in dict.fromkeys(found)
        if named != here
    ]
