"""Artifacts leave as a DVC version: pushed by content, each with the pointer file that brings it back.

No repository is needed where this runs. Whoever keeps one commits the pointers there; the pipeline keeps them
as an artifact and the registered version names the same hashes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from twelvelead.data.digest import dvc_md5
from twelvelead.data.revision import run_dvc
from twelvelead.errors import DataError, ParamsError, SetupError
from twelvelead.progress import say

PUBLICATION = "publication.json"
STORE = "store"


def publish(inputs: Mapping[str, Path], output: Path, remote: str = "") -> dict[str, Any]:
    """Write a pointer an artifact and publication.json; push to the remote, if one is named.

    Args:
        inputs: Path of each artifact, by name.
        output: Folder to make.
        remote: What `dvc remote add` takes, such as s3://bucket/dvc; credentials come from the environment.
            Empty: pointers only, for data that stays where it is.

    Returns:
        The remote, and DVC's hash of each artifact.

    Raises:
        ParamsError: There is a password in the remote's address, or a letter beyond ASCII; or a name is a
            path.
        SetupError: An artifact is missing, dvc is not installed, or the remote refuses. What has arrived
            there is not sent again.
        DataError: The bytes changed while they were sent.
    """
    _check(remote)
    for name, path in inputs.items():
        if not name or Path(name).name != name or name.startswith("."):
            raise ParamsError(
                f"{name!r} is no artifact's name", expected="such as pages; --at says where they lie"
            )
        if not path.exists():
            raise SetupError(
                f"artifact {name!r} is missing", where=str(path), fix="run the stage that makes it"
            )
    digests, pointers = {}, {}
    output.parent.mkdir(parents=True, exist_ok=True)
    # Beside the output, where artifacts lie too, so that they can be linked instead of copied.
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".tmp-publish-") as folder:
        if remote:
            open_store(Path(folder), remote)
        for name, path in inputs.items():
            pointer = f"{name}.dvc"
            digests[name] = dvc_md5(path)
            if remote:
                say(f"publish: {name} → {remote}")
                _link(path.resolve(), Path(folder) / name)
                run_dvc(["add", name], Path(folder), remote)
                # Not `add --to-remote`, which uploads everything anew each time and leaves it on S3 twice.
                run_dvc(["push", pointer], Path(folder), remote)
                text = (Path(folder) / pointer).read_text(encoding="utf-8")
                if (sent := yaml.safe_load(text)["outs"][0]["md5"]) != digests[name]:
                    raise DataError(f"{name} changed while it was sent", expected=digests[name], where=sent)
            else:
                text = pointer_to(name, path, digests[name])
            pointers[pointer] = text
    _write(output, pointers, {"remote": remote, "artifacts": digests})
    return {"remote": remote, **{f"md5.{name}": digest for name, digest in digests.items()}}


def _link(path: Path, to: Path) -> None:
    """The artifact in the workspace without its bytes: DVC makes them read-only, which they are to us too."""
    if path.is_dir():
        shutil.copytree(path, to, copy_function=link_or_copy)
    else:
        link_or_copy(str(path), str(to))


def link_or_copy(source: str, to: str) -> None:
    """Artifacts are never written to, so two may share a file; across file systems they cannot."""
    try:
        os.link(os.path.realpath(source), to)
    except OSError:
        shutil.copyfile(source, to)


def _check(remote: str) -> None:
    if re.search(r"://[^/@\s]*:[^/@\s]*@", remote):
        raise ParamsError(
            "a password in the remote's address would be published with it",
            where="--remote",
            fix="leave it out; credentials come from the environment",
        )
    if not remote.isascii():  # DVC would say so too, but as an error of its own
        raise ParamsError("DVC keeps no address with such letters", where="--remote", expected="ASCII")


def _write(output: Path, pointers: Mapping[str, str], told: Mapping[str, Any]) -> None:
    """All pointers, and publication.json last: a folder that has one is whole, and of one publication."""
    output.mkdir(parents=True, exist_ok=True)
    (output / PUBLICATION).unlink(missing_ok=True)
    for old in output.glob("*.dvc"):
        if old.name not in pointers:
            old.unlink()
    for name, text in pointers.items():
        (output / name).write_text(text, encoding="utf-8")
    half = output / f".tmp-{PUBLICATION}"
    half.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    half.replace(output / PUBLICATION)


def restore(publication: Path, name: str, output: Path) -> None:
    """Bring a published artifact back.

    Args:
        publication: A publication.json, with its pointer files beside it.
        name: The artifact.
        output: Where it shall lie.

    Raises:
        SetupError: It was not published, nothing was pushed, or the remote cannot be read.
        DataError: Other bytes came than were published.
    """
    told = _read(publication)
    if name not in told["artifacts"]:
        raise SetupError(
            f"{name!r} was not published", where=str(publication), expected=", ".join(told["artifacts"])
        )
    if not told["remote"]:
        raise SetupError("its artifacts were not pushed", where=str(publication), fix="publish with --remote")
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".tmp-restore-") as folder:
        open_store(Path(folder), told["remote"])
        pointer = publication.with_name(f"{name}.dvc")
        if not pointer.is_file():
            raise SetupError(f"its pointer {pointer.name} is not beside it", where=str(publication))
        (Path(folder) / pointer.name).write_text(pointer.read_text(encoding="utf-8"), encoding="utf-8")
        run_dvc(["pull", f"{name}.dvc"], Path(folder), told["remote"])
        if (came := dvc_md5(Path(folder) / name)) != told["artifacts"][name]:
            raise DataError(f"{name} came back changed", expected=told["artifacts"][name], where=came)
        (Path(folder) / name).rename(output)


def _read(publication: Path) -> dict[str, Any]:
    try:
        told = json.loads(publication.read_text(encoding="utf-8"))
        remote, artifacts = told["remote"], dict(told["artifacts"])
    except OSError as fault:
        raise SetupError(f"cannot be read: {fault.strerror}", where=str(publication)) from None
    except (ValueError, TypeError, KeyError):
        raise SetupError(
            "is no publication",
            where=str(publication),
            expected=f"the {PUBLICATION} that `twelvelead publish` or a pipeline wrote",
        ) from None
    return {"remote": str(remote), "artifacts": artifacts}


def open_store(folder: Path, remote: str) -> None:
    """Make a folder a DVC workspace without git, with one remote. Nothing is copied where a link will do.

    DVC's --quiet hides its errors too, so it is not asked for: what it prints is read here alone.
    """
    run_dvc(["init", "--no-scm"], folder, remote)
    run_dvc(["config", "cache.type", "hardlink,copy"], folder, remote)
    run_dvc(["remote", "add", "--default", STORE, remote], folder, remote)


def pointer_to(name: str, path: Path, md5: str) -> str:
    """The pointer file as `dvc add` writes it."""
    files = [item for item in path.rglob("*") if item.is_file()] if path.is_dir() else [path]
    out: dict[str, Any] = {"md5": md5, "size": sum(item.stat().st_size for item in files)}
    if path.is_dir():
        out["nfiles"] = len(files)
    return yaml.safe_dump({"outs": [{**out, "hash": "md5", "path": name}]}, sort_keys=False)
