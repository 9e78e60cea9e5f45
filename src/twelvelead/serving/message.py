"""Messages over a pipe: a JSON head and blobs. No pickles: what opens hostile files is not to be believed."""

from __future__ import annotations

import json
import os
import select
import struct
import time
from collections.abc import Callable
from typing import IO, Any

HEAD = struct.Struct(">QI")  # bytes of JSON, blobs
LENGTH = struct.Struct(">Q")
MOST_BLOBS = 10_000
MOST_BYTES = 2 << 30


def write(put: Callable[[bytes], Any], tree: Any, blobs: list[bytes]) -> None:
    """Send a message; `put` takes all it is given.

    Raises:
        OSError, TimeoutError: As `put`'s.
    """
    head = json.dumps(tree).encode()
    put(HEAD.pack(len(head), len(blobs)) + head + b"".join(LENGTH.pack(len(blob)) for blob in blobs))
    for blob in blobs:
        put(blob)


def read(take: Callable[[int], bytes]) -> tuple[Any, list[bytes]]:
    """Receive a message; `take` gives exactly so many bytes.

    Raises:
        EOFError, TimeoutError: As `take`'s.
        ValueError: It is no message.
    """
    size, count = HEAD.unpack(take(HEAD.size))
    if size > MOST_BYTES or count > MOST_BLOBS:
        raise ValueError("a message larger than any")
    tree = json.loads(take(size))
    lengths = [LENGTH.unpack(take(LENGTH.size))[0] for _ in range(count)]
    if sum(lengths) > MOST_BYTES:
        raise ValueError("a message larger than any")
    return tree, [take(length) for length in lengths]


def from_stream(stream: IO[bytes]) -> Callable[[int], bytes]:
    """`take` for a blocking stream."""

    def take(size: int) -> bytes:
        found = stream.read(size)
        if len(found) < size:
            raise EOFError("the other end is gone")
        return found

    return take


def into(descriptor: int, deadline: float) -> Callable[[bytes], None]:
    """`put` for a non-blocking pipe that gives up at a time of `time.monotonic`."""

    def put(data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([], [descriptor], [], left)[1]:
                raise TimeoutError("nobody takes it")
            rest = rest[os.write(descriptor, rest[: 1 << 20]) :]

    return put


def until(descriptor: int, deadline: float) -> Callable[[int], bytes]:
    """`take` for an unbuffered pipe that gives up at a time of `time.monotonic`."""

    def take(size: int) -> bytes:
        parts, missing = [], size
        while missing:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise TimeoutError("no answer in time")
            part = os.read(descriptor, min(missing, 1 << 20))
            if not part:
                raise EOFError("the other end is gone")
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    return take
