"""S3: prefixes as local folders, and requests with patience.

Credentials and endpoint come from the environment, never from params.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from twelvelead.data.digest import file_sha256
from twelvelead.errors import Error, SetupError
from twelvelead.progress import say, track

THREADS = 16  # a record is two small files, so latency is what counts
ATTEMPTS = 6
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0


class Bucket:
    """Objects under `s3://bucket/prefix`; those asked for are kept in a folder, with their ETags.

    Args:
        url: The prefix.
        root: Folder for what is fetched; what a killed run left there is not fetched again.
        anonymous: Requests are not signed, as public buckets want it.
    """

    passing = True

    def __init__(self, url: str, root: Path, *, anonymous: bool = False) -> None:
        place = urlparse(url)
        self.name, self.root, self.anonymous = url, root, anonymous
        self.bucket, prefix = place.netloc, place.path.strip("/")
        self.prefix = f"{prefix}/" if prefix else ""
        self._etags: dict[str, str] = {}  # of every object listed so far, by name
        self._listed: set[str] = set()

    def names(self) -> list[str]:
        """All objects under the prefix, sorted, hidden ones left out."""
        self._list("")
        return sorted(name for name in self._etags if not any(p.startswith(".") for p in Path(name).parts))

    def has(self, name: str) -> bool:
        """Whether there is such an object. Whole folders are listed at once, and once."""
        folders = name.split("/")[:-1][:2]  # records500/00000, files/p1000: two or three pages of a listing
        if "" not in self._listed:
            self._list("/".join(folders) + "/" if folders else name)
        return name in self._etags

    def fetch(self, names: Iterable[str], sums: Mapping[str, str] | None = None) -> None:
        """Bring objects under `root`, many at a time; one whose SHA-256 is wrong is fetched once more.

        Raises:
            SetupError: S3 cannot be reached or refuses, or an object is not there.
        """
        wanted = [name for name in dict.fromkeys(names) if not self._have(name)]
        if not wanted:
            return
        sums = sums or {}

        def bring(name: str) -> None:
            self._download(name)
            if name in sums and file_sha256(self.root / name) != sums[name]:
                self._download(name)

        with explained(self.name), ThreadPoolExecutor(THREADS) as pool:
            futures = pool.map(bring, wanted)
            try:
                for _ in track(futures, total=len(wanted), title="download", unit="objects"):
                    pass
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    @cached_property
    def _client(self) -> Any:
        return client(self.anonymous)

    def _list(self, under: str) -> None:
        if under in self._listed:
            return
        with explained(self.name):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.prefix + under
            )
            for item in (item for page in pages for item in page.get("Contents", [])):
                if not item["Key"].endswith("/"):
                    self._etags[name_under(item["Key"], self.prefix)] = item["ETag"]
        self._listed.add(under)

    def _have(self, name: str) -> bool:
        """Whether the object as it is now was fetched before; what nobody listed is listed for it."""
        path = self.root / name
        mark = _mark(path)
        if not path.is_file() or not mark.is_file():
            return False
        return self.has(name) and mark.read_text(encoding="utf-8") == self._etags[name]

    def _download(self, name: str) -> None:
        from boto3.s3.transfer import TransferConfig

        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # processes of one machine, or nodes of one volume, may fetch the same at once
        aside = path.with_name(
            f".tmp-{uuid.uuid4().hex}-{path.name}.part"
        )  # no suffix that a reader looks for
        self._client.download_file(
            self.bucket, self.prefix + name, str(aside), Config=TransferConfig(max_concurrency=4)
        )
        aside.replace(path)
        if name in self._etags or self.has(name):
            _mark(path).write_text(self._etags[name], encoding="utf-8")


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
    place = urlparse(url)
    name = Path(place.path.strip("/")).name or place.netloc
    folder = cache / f"{name}-{hashlib.sha256(url.encode()).hexdigest()[:12]}"
    bucket = Bucket(url, folder)
    names = bucket.names()
    if not names:
        raise SetupError("no objects under this prefix", where=url, fix="check bucket and prefix")
    say(f"{url}: {len(names)} objects")
    bucket.fetch(names)
    return folder


def client(anonymous: bool = False) -> Any:
    """A client of S3, by the environment's address and credentials."""
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    config = Config(
        max_pool_connections=THREADS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        signature_version=UNSIGNED if anonymous else None,
    )
    return boto3.session.Session().client("s3", config=config)


def ask(
    url: str, done: str, patience_s: float, function: Callable[..., Any], *arguments: Any, **named: Any
) -> Any:
    """The answer to a request, repeated while the server cannot give one; None for what is not there.

    Args:
        url: What is told of a fault.
        done: What cannot be done then: read or written.
        patience_s: How long the server may be away, from its first silence on.
        function: Makes the request.

    Raises:
        SetupError: The server refuses.
        Error: It stayed away.
    """
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    begun, wait = time.monotonic(), FIRST_WAIT_S
    while True:
        try:
            return function(*arguments, **named)
        except (BotoCoreError, Boto3Error, ClientError) as fault:
            if _absent(fault):
                return None
            if not _may_pass(fault):
                raise SetupError(
                    f"S3 cannot be {done}: {fault}",
                    where=url,
                    fix="check AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they may",
                ) from fault
            if time.monotonic() - begun + wait > patience_s:
                raise Error(
                    f"S3 gave no answer for {patience_s:.0f} s: {fault}",
                    where=url,
                    fix="start again: what is there already is not sent or fetched again",
                ) from fault
            say(f"S3 cannot answer ({type(fault).__name__}); asked again in {wait:.0f} s")
        time.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT_S)


def _answer(fault: BaseException) -> dict[str, Any]:
    """What S3 answered to the request behind a fault; a failed upload wraps it."""
    for one in (fault, fault.__cause__, fault.__context__):
        if found := getattr(one, "response", None):
            answer: dict[str, Any] = found
            return answer
    return {}


def _absent(fault: BaseException) -> bool:
    """Whether there is no such object; a bucket that is not there is another matter."""
    code = _answer(fault).get("Error", {}).get("Code")
    return code in ("404", "NoSuchKey", "NotFound")


def _may_pass(fault: BaseException) -> bool:
    """Whether the same request may do later: the server was not reached, or had trouble of its own."""
    from botocore.exceptions import (
        NoCredentialsError,
        NoRegionError,
        ParamValidationError,
        PartialCredentialsError,
    )

    if isinstance(fault, NoCredentialsError | PartialCredentialsError | ParamValidationError | NoRegionError):
        return False
    status = _answer(fault).get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status is None or status == 429 or status >= 500


def _mark(path: Path) -> Path:
    return path.with_name(f".{path.name}.etag")


def name_under(key: str, prefix: str) -> str:
    """A key without its prefix; refused if it would leave the folder it is fetched to."""
    name = key.removeprefix(prefix)
    if ".." in Path(name).parts or name.startswith("/"):
        raise SetupError("an object's name leaves the folder", where=key)
    return name


@contextmanager
def explained(url: str) -> Iterator[None]:
    """What boto3 raises, as something a user can act on."""
    try:
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError
    except ModuleNotFoundError as fault:
        raise SetupError(
            f"{fault.name} is not installed", where=url, fix="pip install 'twelvelead[data]'"
        ) from None

    try:
        yield
    except (BotoCoreError, Boto3Error, ClientError) as fault:
        raise SetupError(
            f"S3 cannot be read: {fault}",
            where=url,
            fix="check AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or set ingest.anonymous for a public bucket",
        ) from fault
