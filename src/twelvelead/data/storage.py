"""S3 prefixes as local folders. Credentials and endpoint come from the environment, never from params."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from twelvelead.errors import SetupError
from twelvelead.progress import say, track


def download_prefix(url: str, cache: Path) -> Path:
    """Copy every object under `s3://bucket/prefix` to a folder; what is there already is not fetched again.

    Args:
        url: The prefix.
        cache: Folder that holds one folder per prefix.

    Returns:
        The local folder.

    Raises:
        SetupError: The prefix is empty, or S3 cannot be reached or refuses.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    place = urlparse(url)
    bucket, prefix = place.netloc, place.path.strip("/")
    folder = cache / f"{Path(prefix).name or bucket}-{hashlib.sha256(url.encode()).hexdigest()[:12]}"
    try:
        client = boto3.client("s3")
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=f"{prefix}/" if prefix else ""
        )
        found = [item for page in pages for item in page.get("Contents", []) if not item["Key"].endswith("/")]
        if not found:
            raise SetupError("no objects under this prefix", where=url, fix="check bucket and prefix")
        wanted = [item for item in found if not _have(folder / _name(item, prefix), item)]
        say(f"{url}: {len(found)} objects, {len(wanted)} to fetch")
        for item in track(wanted, total=len(wanted), title="download", unit="objects"):
            _fetch(client, bucket, item, folder / _name(item, prefix))
    except (BotoCoreError, ClientError) as fault:
        fix = "check AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        raise SetupError(f"S3 cannot be read: {fault}", where=url, fix=fix) from fault
    return folder


def _name(item: dict[str, Any], prefix: str) -> str:
    name = str(item["Key"]).removeprefix(prefix).lstrip("/")
    if ".." in Path(name).parts:
        raise SetupError("an object's name leaves the folder", where=str(item["Key"]))
    return name


def _have(path: Path, item: dict[str, Any]) -> bool:
    mark = path.with_name(f".{path.name}.etag")
    same = path.is_file() and path.stat().st_size == item["Size"]
    return same and mark.is_file() and mark.read_text() == item["ETag"]


def _fetch(client: Any, bucket: str, item: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".tmp-{path.name}")
    client.download_file(bucket, item["Key"], str(aside))
    aside.replace(path)
    path.with_name(f".{path.name}.etag").write_text(item["ETag"])
