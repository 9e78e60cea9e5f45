"""The process in which uploads are opened, so that a file that hangs or crashes it takes only it down.

`Chamber` is this side, `main` the other. The child has a bounded address space, writes no core, dies by
itself if it takes too long, and is replaced after anything unusual. What it says is JSON and
blobs, never a pickle.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from twelvelead.errors import Error, SetupError
from twelvelead.serving import message
from twelvelead.serving.folder import OwnFolder
from twelvelead.serving.limits import Limits
from twelvelead.serving.recording import draw
from twelvelead.serving.refusal import Refusal
from twelvelead.serving.sheet import Box, Geometry, Sheet, Upload
from twelvelead.serving.source import sheets

START_S = 120.0  # numba may have to compile on a new machine
GRACE_S = 10.0  # of the child's own clock beyond ours
REQUESTS = 2000  # then a fresh child: whatever decoders leak stays small
# All that the child gets of our environment: keys of stores and tokens are no business of a decoder.
KNOWN = ("PATH", "HOME", "LANG", "TZ", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE",
         "NUMBA_CACHE_DIR", "NUMBA_DISABLE_JIT", "COVERAGE_PROCESS_START")  # fmt: skip


class Chamber:
    """One child process; calls from several threads wait for each other.

    Args:
        limits: What is too much.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.started = 0
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._folder: OwnFolder | None = None
        self._left = 0

    def start(self) -> None:
        """Have the child ready before the first upload."""
        with self._lock:
            self._ready()

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._end()

    def open(
        self, files: Sequence[Upload], page: Mapping[str, Any], *, only: int = 0, scaled: bool = False
    ) -> list[Sheet | Refusal]:
        """See `source.sheets`.

        Raises:
            Refusal: Nothing can be read; also "timeout" where it took too long.
            SetupError: The machine lacks something.
        """
        with self._lock:
            child = self._ready()
            request = {
                "names": [one.name for one in files],
                "page": dict(page),
                "only": only,
                "scaled": scaled,
            }
            deadline = time.monotonic() + self.limits.decode_s
            try:
                assert child.stdin is not None
                assert child.stdout is not None
                put = message.into(child.stdin.fileno(), deadline)
                message.write(put, request, [one.data for one in files])
                answer, blobs = message.read(message.until(child.stdout.fileno(), deadline))
            except TimeoutError:
                self._end()
                raise Refusal(
                    "timeout",
                    f"the file was not open after {self.limits.decode_s:g} s",
                    fix="send a smaller or simpler one",
                ) from None
            except (EOFError, OSError, ValueError):
                self._end()
                raise Refusal(
                    "unreadable", "the file broke the decoder", expected="an intact file of ordinary size"
                ) from None
            self._left -= 1
            if self._left <= 0 or answer.get("spent"):
                self._end()
        if "setup" in answer:
            raise SetupError(**answer["setup"])
        if "refused" in answer:
            raise Refusal.from_tree(answer["refused"])
        return [_unpacked(tree, blobs) for tree in answer["sheets"]]

    def _ready(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is None:
            return self._child
        self._end()
        self._folder = OwnFolder()
        command = [sys.executable, "-m", "twelvelead.serving.chamber", str(self.limits.memory_bytes),
                   str(self.limits.decode_s)]  # fmt: skip
        environment = {name: value for name in KNOWN if (value := os.environ.get(name)) is not None} | {
            "TMPDIR": self._folder.name, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }  # fmt: skip
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, bufsize=0,
            start_new_session=True,  # a Ctrl-C is for us; the child ends when its pipe does
        )  # fmt: skip
        self._left, self.started = REQUESTS, self.started + 1
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        os.set_blocking(self._child.stdin.fileno(), False)  # one that takes nothing is given up too
        try:
            message.read(message.until(self._child.stdout.fileno(), time.monotonic() + START_S))
        except (TimeoutError, EOFError, OSError, ValueError):
            self._end()
            raise SetupError(
                "the process that opens uploads did not start", where="twelvelead.serving.chamber",
                fix="read its message above; it needs the extra 'serve', and memory",
            ) from None  # fmt: skip
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
            child.kill()
            child.wait()
        if self._folder is not None:
            self._folder.remove()
            self._folder = None


def main(memory_bytes: int, decode_s: float) -> None:
    """The child's side: answer requests until the pipe ends."""
    import resource

    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what decoders print must not get between the messages
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError):  # where memory ends, the kernel shall take this one and not the server
        Path("/proc/self/oom_score_adj").write_text("1000")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _warm()
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    limits = Limits(decode_s=decode_s)
    message.write(out.write, {"ready": True}, [])
    out.flush()
    take = message.from_stream(sys.stdin.buffer)
    while True:
        try:
            request, blobs = message.read(take)
        except (
            EOFError
        ):  # the server is gone, perhaps killed: what was not its to remove any more goes with us
            shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
            return
        signal.setitimer(signal.ITIMER_REAL, decode_s + GRACE_S)  # SIGALRM ends us, were we left alone
        answer, sent = _answered(request, blobs, limits)
        signal.setitimer(signal.ITIMER_REAL, 0)
        message.write(out.write, answer, sent)
        out.flush()


def _answered(request: Any, blobs: list[bytes], limits: Limits) -> tuple[dict[str, Any], list[bytes]]:
    files = [Upload(name, data) for name, data in zip(request["names"], blobs, strict=True)]
    sent: list[bytes] = []
    try:
        found = sheets(files, request["page"], limits, only=request["only"], scaled=request["scaled"])
        return {"sheets": [_packed(one, sent) for one in found]}, sent
    except Refusal as fault:
        return {"refused": fault.tree()}, []
    except SetupError as fault:
        tree = {"what": fault.what, "where": fault.where, "expected": fault.expected, "fix": fault.fix}
        return {"setup": tree}, []
    except MemoryError:
        return {"refused": Refusal("too_large", "the file unfolds to more than there is room for").tree(),
                "spent": True}, []  # fmt: skip
    except Exception as fault:  # a decoder raised what nobody foresaw: one upload is lost, the child replaced
        what = f"the file cannot be opened ({type(fault).__name__})"
        return {"refused": Refusal("unreadable", what).tree(), "spent": True}, []


def _warm() -> None:
    """Import and compile what the first upload would otherwise wait for."""
    from twelvelead.ecg.measure import measure
    from twelvelead.ecg.record import Record
    from twelvelead.params import Synthesize

    beat = np.zeros((12, 5000), np.float32)
    beat[:, ::400] = 1.0
    measure(beat, 500.0)
    drawn, _ = draw(Record("warm", beat, 500.0), Synthesize().model_dump(mode="json"))
    with contextlib.suppress(Error):
        list(sheets([Upload("", drawn.data)], {}, Limits(), scaled=True))
    with contextlib.suppress(ImportError):
        import pypdfium2  # noqa: F401


def _packed(one: Sheet | Refusal, blobs: list[bytes]) -> dict[str, Any]:
    if isinstance(one, Refusal):
        return {"refused": one.tree()}
    tree = asdict(replace(one, picture=b"", signal_mv=None))
    del tree["picture"], tree["signal_mv"]
    blobs.append(one.picture)
    tree["picture_at"] = len(blobs) - 1
    if one.signal_mv is not None:
        blobs.append(np.ascontiguousarray(one.signal_mv, "<f4").tobytes())
        tree["signal_at"] = len(blobs) - 1
    return tree


def _unpacked(tree: dict[str, Any], blobs: list[bytes]) -> Sheet | Refusal:
    if "refused" in tree:
        return Refusal.from_tree(tree["refused"])
    picture = blobs[tree.pop("picture_at")]
    signal_at = tree.pop("signal_at", None)
    signal_mv = None
    if signal_at is not None:
        signal_mv = np.frombuffer(blobs[signal_at], "<f4").reshape(12, -1)
    geometry = tree.pop("geometry")
    if geometry is not None:
        boxes = tuple(Box(**box) for box in geometry.pop("lead_boxes"))
        geometry = Geometry(**geometry, lead_boxes=boxes)
    tree["warnings"] = tuple(tree["warnings"])
    return Sheet(**tree, picture=picture, geometry=geometry, signal_mv=signal_mv)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
