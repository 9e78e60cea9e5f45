"""A registered version as a folder: adapter, scorecard and verdict side by side, fetched once and kept."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from twelvelead.errors import RegistryError
from twelvelead.registry.champion import CHAMPION, holder
from twelvelead.registry.promote import versions
from twelvelead.registry.tracking import session

FILES = ("scorecard.json", "lineage.json")
Tags = dict[str, str]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A version on this machine.

    Attributes:
        name: Of the registered model.
        version: Its number.
        alias: Through which it was asked for, or "".
        folder: Holds adapter/, evaluation/ and verdict.json.
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

    Args:
        name: Registered model.
        wanted: Its number, or an alias.
        cache: Folder under which versions are kept, by name, number and fingerprint.
        uri: Tracking URI; empty as for the register stage.

    Raises:
        RegistryError: There is no such version, or it lacks its adapter, scorecard or verdict.
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
        import mlflow
        from mlflow.exceptions import MlflowException

        number, tags = int(version.version), dict(version.tags)
        alias = wanted if isinstance(wanted, str) else ""
        folder = cache / name / f"{number}-{tags.get('fingerprint', 'unknown')[:16]}"
        found = Fetched(name, number, alias, folder, tags)
        if folder.is_dir():
            return found
        aside = folder.with_name(f".tmp-{os.getpid()}-{folder.name}")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        try:
            model = mlflow.artifacts.download_artifacts(
                f"models:/{name}/{number}", dst_path=str(aside / "model")
            )
            adapters = sorted(Path(model).glob("artifacts/adapter*"))
            if not adapters:
                raise RegistryError("the registered model holds no adapter", where=f"{name} version {number}")
            adapters[0].rename(aside / "adapter")
            (aside / "evaluation").mkdir()
            for file in FILES:
                client.download_artifacts(str(version.run_id), file, str(aside / "evaluation"))
            client.download_artifacts(str(version.run_id), "verdict.json", str(aside))
            shutil.rmtree(aside / "model")
            if not folder.is_dir():
                aside.rename(folder)
        except (MlflowException, OSError) as fault:
            raise RegistryError(
                f"cannot be fetched whole: {str(fault).splitlines()[0][:200]}",
                where=f"{name} version {number}", fix="register the run again",
            ) from None  # fmt: skip
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return found
