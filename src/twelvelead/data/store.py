"""Objects in S3, put and read one by one, by callers that wait for a server that is away."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from twelvelead.data.storage import ask, client, explained, name_under

PATIENCE_S = 600.0


@dataclass(frozen=True, slots=True)
class Found:
    """An object as a listing shows it.

    Attributes:
        size_bytes: Its size.
        written: When it was last put.
        etag: Another one says that it was put again.
    """

    size_bytes: int
    written: datetime
    etag: str


class Store:
    """Objects under `s3://bucket/prefix`, put and read one by one.

    Every call may raise SetupError, where the server refuses, and Error, where it stayed away.

    Args:
        url: The prefix.
        patience_s: How long a server may be away, from its first silence on.
    """

    def __init__(self, url: str, patience_s: float | None = None) -> None:
        place = urlparse(url)
        self.url, self.patience_s = url.rstrip("/"), PATIENCE_S if patience_s is None else patience_s
        self.bucket, self.prefix = place.netloc, f"{place.path.strip('/')}/"

    def put(self, name: str, content: Path | bytes) -> None:
        """Put a file or bytes; the object appears whole or not at all."""
        key = self.prefix + name
        if isinstance(content, Path):
            self._ask("written", self._client.upload_file, str(content), self.bucket, key)
        else:
            self._ask("written", self._client.put_object, Bucket=self.bucket, Key=key, Body=content)

    def read(self, name: str) -> bytes | None:
        """The bytes of a small object, or None."""

        def whole() -> bytes:
            content: bytes = self._client.get_object(Bucket=self.bucket, Key=self.prefix + name)[
                "Body"
            ].read()
            return content

        found: bytes | None = self._ask("read", whole)
        return found

    def fetch(self, name: str, file: Path) -> bool:
        """Write an object to a file, which may be left half written; False if there is none."""

        def bring() -> bool:
            self._client.download_file(self.bucket, self.prefix + name, str(file))
            return True

        return self._ask("read", bring) is not None

    def find(self, name: str) -> Found | None:
        """What is known of one object, or None."""
        head = self._ask("read", self._client.head_object, Bucket=self.bucket, Key=self.prefix + name)
        return Found(head["ContentLength"], head["LastModified"], head["ETag"]) if head else None

    def list(self, under: str = "") -> dict[str, Found]:
        """All objects whose names begin with `under`, by name."""

        def pages() -> dict[str, Found]:
            listing = self._client.get_paginator("list_objects_v2")
            items = (
                item
                for page in listing.paginate(Bucket=self.bucket, Prefix=self.prefix + under)
                for item in page.get("Contents", [])
            )
            return {
                name_under(item["Key"], self.prefix): Found(item["Size"], item["LastModified"], item["ETag"])
                for item in items
            }

        found: dict[str, Found] = self._ask("read", pages) or {}
        return found

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects, in this order; those that are not there are no fault."""
        for name in names:
            self._ask("written", self._client.delete_object, Bucket=self.bucket, Key=self.prefix + name)

    @cached_property
    def _client(self) -> Any:
        with explained(self.url):
            return client()

    def _ask(self, done: str, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        return ask(self.url, done, self.patience_s, function, *arguments, **named)
