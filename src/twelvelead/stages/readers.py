"""Which reader is meant: a folder, a version of the registry, or the one that is at hand."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from twelvelead.errors import RegistryError, SetupError
from twelvelead.progress import say

if TYPE_CHECKING:
    from twelvelead.serving.identity import Identity

MODEL, ALIAS = "twelvelead-reader", "champion"
EMBEDDED = Path("models/reader")
_REGISTERED = re.compile(r"(?:models:/)?(?P<name>[\w .-]+?)(?:@(?P<alias>[\w-]+)|/(?P<version>\d+))?")


def find_reader(model: str = "") -> Identity:
    """Who shall read.

    Args:
        model: A folder (reader, run, artifacts, adapter); or NAME, NAME@ALIAS or NAME/VERSION of the
            registry, NAME alone meaning its champion; or "": the champion of the registry that
            MLFLOW_TRACKING_URI names, if it has one, else the embedded reader.

    Raises:
        SetupError: There is none.
        RegistryError: The registry has no such version, or cannot be reached.
    """
    from twelvelead.serving.identity import read_identity
    from twelvelead.serving.reader import waiting_threads_sleep

    waiting_threads_sleep()
    if model and Path(model).is_dir():
        return read_identity(Path(model))
    if model:
        return registered(*_named(model))
    if os.environ.get("MLFLOW_TRACKING_URI"):
        try:
            return registered(MODEL, ALIAS)
        except RegistryError as fault:
            if has_embedded():
                say(f"reader: no champion ({fault.what}); taking the embedded one")
    return at_hand()


def followed(model: str = "") -> tuple[str, str] | None:
    """The registered model and the alias that are meant; None for a folder, a version, or the one at hand.

    Raises:
        SetupError: It is none of these.
    """
    if not model:
        return (MODEL, ALIAS) if os.environ.get("MLFLOW_TRACKING_URI") else None
    if Path(model).is_dir():
        return None
    name, wanted = _named(model)
    return (name, wanted) if isinstance(wanted, str) else None


def _named(model: str) -> tuple[str, int | str]:
    match = _REGISTERED.fullmatch(model)
    if match is None or os.sep in model.removeprefix("models:/").rpartition("/")[0]:
        raise SetupError("is neither a folder nor a registered model", where=model, fix=HOW)
    return match["name"], int(match["version"]) if match["version"] else match["alias"] or ALIAS


HOW = (
    "name one with --model: a run's folder (make run), one that `twelvelead reader RUN -o FOLDER` packed, or "
    " a registered model (NAME, NAME@ALIAS, NAME/VERSION) with MLFLOW_TRACKING_URI set"
)


def registered(name: str, wanted: int | str) -> Identity:
    """A version of the registry, fetched at need."""
    from twelvelead.models.mllama import cache_folder
    from twelvelead.registry.fetch import fetch
    from twelvelead.serving.identity import read_identity

    found = fetch(name, wanted, cache_folder() / "readers")
    identity = read_identity(found.folder, "registry")
    return identity.registered(found.name, str(found.version), found.alias, found.tags)


def at_hand() -> Identity:
    """The embedded reader.

    Raises:
        SetupError: There is none.
    """
    from twelvelead.serving.identity import read_identity

    if not has_embedded():
        raise SetupError("there is no model to read with", where=str(EMBEDDED), fix=HOW)
    return read_identity(embedded(), "embedded")


def has_embedded() -> bool:
    """Whether there is one."""
    from twelvelead.serving.identity import READER

    return (embedded() / READER).is_file()


def embedded() -> Path:
    """The reader kept in the repository: of the folder we are in, else of the checkout."""
    if EMBEDDED.is_dir():
        return EMBEDDED
    return Path(__file__).resolve().parents[3] / EMBEDDED
