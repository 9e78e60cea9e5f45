"""An artifact made elsewhere, brought here: from a run's folder, S3, a DVC revision or a publication."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from twelvelead.data.digest import dvc_md5
from twelvelead.data.revision import bring, is_revision, parse
from twelvelead.data.storage import Bucket, download_prefix
from twelvelead.errors import SetupError
from twelvelead.stages.publish import PUBLICATION, link_or_copy, restore

MARKS = shutil.ignore_patterns(".*.etag")  # what data.storage keeps beside a download


def fetch(artifact: str, place: str, output: Path) -> dict[str, Any]:
    """Copy one artifact to `output`, whole or not at all.

    Args:
        artifact: Its name, such as pages or verdict.json.
        place: What holds it by that name: a folder (a run's own, or its artifacts/), an s3:// prefix, the
            folder of a DVC revision (dvc:REPO#REVISION:PATH), or a publication.json, local or on S3.
        output: Where it shall lie.

    Returns:
        Its DVC hash.

    Raises:
        ParamsError: The place is malformed.
        SetupError: It is not there, or the place cannot be read.
        DataError: A published artifact came back with other bytes.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    if output.exists():
        raise SetupError("there is something already", where=str(output), fix="name another place")
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".tmp-fetch-") as folder:
        whole = Path(folder) / "whole"
        if place.endswith(".json"):
            restore(_publication(place, artifact, Path(folder)), artifact, whole)
        else:
            found = _found(artifact, place, Path(folder))
            if found.is_dir():
                shutil.copytree(found, whole, copy_function=link_or_copy, ignore=MARKS)
            else:
                link_or_copy(str(found), str(whole))
        whole.rename(output)
    return {"artifact": artifact, "md5": dvc_md5(output)}


def _found(artifact: str, place: str, folder: Path) -> Path:
    if place.startswith("s3://"):
        if Path(artifact).suffix:
            Bucket(place, folder).fetch([artifact])
            return folder / artifact
        return download_prefix(f"{place.rstrip('/')}/{artifact}", folder)
    if is_revision(place):
        parse(place)
        return bring(f"{place.rstrip('/')}/{artifact}", folder)[0]
    for base in (Path(place) / "artifacts", Path(place)):
        if (base / artifact).exists():
            return base / artifact
    known = sorted(item.name for item in Path(place).glob("*")) if Path(place).is_dir() else []
    raise SetupError(
        f"there is no artifact {artifact!r}",
        where=place,
        expected=f"one of {', '.join(known[:20])}"
        if known
        else f"a folder, s3:// prefix, dvc: or {PUBLICATION}",
    )


def _publication(place: str, artifact: str, folder: Path) -> Path:
    """Where it lies here, and the one pointer that is needed; on S3 a whole run may lie beside them."""
    if not place.startswith("s3://"):
        return Path(place)
    prefix, _, name = place.rpartition("/")
    bucket = Bucket(prefix, folder / "publication")
    bucket.fetch([name])
    if bucket.has(f"{artifact}.dvc"):
        bucket.fetch([f"{artifact}.dvc"])
    return folder / "publication" / name
