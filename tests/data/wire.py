"""A wire to an S3 server that can be cut in the middle of a chosen transfer."""

from __future__ import annotations

import math
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from io import BufferedReader

HOST = "127.0.0.1"
LARGE = 100_000  # bytes of a transfer that counts: shards, not listings, marks or tables
PIECE = 65536


class Wire:
    """An HTTP proxy that lets some large transfers pass, tears the next in half, and stays down until mended.

    Large transfers pass one at a time however many the client starts, so it is always the same number that
    arrive whole.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._turn = threading.Lock()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._limit: float = math.inf
        self._cut = False
        self.whole = 0  # large transfers that passed since the wire was made, set to be cut, or mended
        self._listener = socket.create_server((HOST, 0))
        self.url = f"http://{HOST}:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_after(self, whole: float) -> None:
        """Tear the large transfer, up or down, that follows so many whole ones."""
        with self._lock:
            self._limit, self._cut, self.whole = whole, False, 0

    def mend(self) -> None:
        """Let everything pass again, and count anew."""
        self.cut_after(math.inf)

    def close(self) -> None:
        """Hang up for good."""
        self._hang_up()
        self._listener.close()

    def _hang_up(self) -> None:
        with self._lock:
            self._cut = True
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                cut = self._cut
                if not cut:
                    self._open.add(near)
            if cut:
                near.close()
            else:
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        far = socket.create_connection((HOST, self._target))
        with self._lock:
            self._open.add(far)
        with (
            near,
            far,
            near.makefile("rb") as asked,
            far.makefile("rb") as answered,
            suppress(OSError, EOFError),
        ):
            while not self._cut:
                self._exchange(near, far, asked, answered)
        with self._lock:
            self._open -= {near, far}

    def _exchange(
        self, near: socket.socket, far: socket.socket, asked: BufferedReader, answered: BufferedReader
    ) -> None:
        """One request and its answer."""
        request = _Head(asked)

        def upload() -> bool:
            far.sendall(request.raw)
            if request.fields.get("expect"):
                answer = _Head(answered)
                near.sendall(answer.raw)
                if answer.status != 100:
                    raise EOFError
            self._pass(request, asked, far)
            return download()

        def download() -> bool:
            answer = _Head(answered)
            bare = request.raw.startswith(b"HEAD ") or answer.status in (204, 304)
            near.sendall(answer.raw)
            if bare:
                return True
            if request.raw.startswith(b"GET ") and answer.length >= LARGE:
                self._one_at_a_time(lambda: self._pass(answer, answered, near))
            else:
                self._pass(answer, answered, near)
            return 200 <= answer.status < 300

        if request.length >= LARGE:
            self._one_at_a_time(upload)
        else:
            upload()

    def _one_at_a_time(self, transfer: Callable[[], bool]) -> None:
        with self._turn:
            if self._cut:
                raise EOFError
            if transfer():
                self.whole += 1

    def _pass(self, head: _Head, source: BufferedReader, target: socket.socket) -> bool:
        """The body that follows a head; of the one that is to be torn, half."""
        torn = head.length >= LARGE and self.whole >= self._limit
        left = head.length // 2 if torn else head.length
        while left:
            data = source.read1(min(left, PIECE))
            if not data:
                raise EOFError
            target.sendall(data)
            left -= len(data)
        if torn:
            self._hang_up()
            raise EOFError
        while head.chunked:
            line = source.readline()
            size = int(line.partition(b";")[0], 16)
            target.sendall(line + source.read(size) + source.readline())
            if not size:
                break
        return True


class _Head:
    """The first line and the fields of a request or an answer."""

    def __init__(self, source: BufferedReader) -> None:
        lines = [source.readline()]
        while lines[-1] not in (b"\r\n", b""):
            lines.append(source.readline())
        if lines[-1] == b"":
            raise EOFError
        self.raw = b"".join(lines)
        pairs = (line.decode("latin-1").partition(":") for line in lines[1:-1])
        self.fields = {name.strip().lower(): value.strip() for name, _, value in pairs}
        self.length = int(self.fields.get("content-length", "0"))
        self.chunked = self.fields.get("transfer-encoding", "").lower() == "chunked"
        self.status = int(lines[0].split()[1]) if lines[0].startswith(b"HTTP/") else 0
