"""A reader behind HTTP: the command `serve`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from twelvelead.errors import Error, SetupError
from twelvelead.progress import say

if TYPE_CHECKING:
    from twelvelead.serving.reader import Reader
    from twelvelead.serving.swap import Seat, Source

LOOPBACK = ("127.0.0.1", "::1", "localhost")
DRAIN_S = 60.0
TOKEN = "TWELVELEAD_TOKEN"
LEAST_TOKEN = 16
CONNECTIONS = 512
HEAD_BYTES = 16 << 10  # of a request before its body
PATIENCE_S = 10.0
EMBEDDED = "embedded"


def serve(
    model: str = "", *, host: str = "127.0.0.1", port: int = 8080, token_file: Path | None = None,
    keep_feedback: Path | None = None, run: Path | None = None, every_s: float = 30.0, waiting: int = 64,
    threads: int = 0,
) -> None:  # fmt: skip
    """Serve until SIGTERM; then what runs is finished and what comes is refused with 503.

    Args:
        model: See `readers.find_reader`. An alias of the registry is looked at again and again.
        host: Address to listen at; other than loopback only with a token.
        port: TCP port.
        token_file: Holds the token; TWELVELEAD_TOKEN otherwise.
        keep_feedback: File that feedback is appended to; without it none is kept.
        run: Folder of a run whose worst disagreements are shown.
        every_s: Seconds between looks at the registry.
        waiting: Requests that may be inside at once.
        threads: Torch threads; 0 for all cores.

    Raises:
        SetupError: There is no model, a package is missing, or the address is open to all without a token.
    """
    try:
        import uvicorn

        from twelvelead.serving.app import create_app
    except ModuleNotFoundError as fault:
        raise SetupError(f"{fault.name} is not installed", fix="pip install 'twelvelead[serve]'") from None
    from twelvelead.serving.house import Settings
    from twelvelead.serving.limits import Limits
    from twelvelead.serving.transfer import impatient

    token = _token(token_file)
    if not token and host not in LOOPBACK:
        raise SetupError(
            "anybody could send here", where=f"--host {host}", expected="a token, or --host 127.0.0.1",
            fix=f"set {TOKEN} or --token-file",
        )  # fmt: skip
    settings = Settings(
        source_of(model, every_s, threads), Limits(waiting=waiting), token, keep_feedback, run,
        chambers=max(min(os.cpu_count() or 1, 4), 1),
    )  # fmt: skip
    app = create_app(settings)
    config = uvicorn.Config(
        app, host=host, port=port, access_log=False, log_level="warning", limit_concurrency=CONNECTIONS,
        timeout_keep_alive=5, timeout_graceful_shutdown=int(DRAIN_S), server_header=False, ws="none",
        http=impatient(PATIENCE_S), h11_max_incomplete_event_size=HEAD_BYTES,
    )  # fmt: skip
    say(f"serve: http://{host}:{port}/ · {'with a token' if token else 'this machine only, no token'}")

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            """Close the door first; the sockets stay open for 503s until everybody inside is done."""
            door = app.state.house.door
            if door.closed:
                super().handle_exit(sig, frame)
                return
            door.closed = True
            say("serve: shutting down; what runs is finished, what comes is refused")
            asyncio.get_running_loop().create_task(self._drained(door, sig))

        async def _drained(self, door: Any, sig: int) -> None:
            for _ in range(int(DRAIN_S / 0.1)):
                if not door.inside:
                    break
                await asyncio.sleep(0.1)
            super().handle_exit(sig, None)

    try:
        Server(config).run()
    except KeyboardInterrupt:
        _end_beneath(app.state.house.seat, 130)
        raise
    except SystemExit as ended:
        if ended.code:
            raise SetupError(
                "cannot listen there", where=f"{host}:{port}", expected="a port that nobody else uses",
                fix="name another by --port, or stop what listens there",
            ) from None  # fmt: skip
    _end_beneath(app.state.house.seat, 0)


def _end_beneath(seat: Seat, code: int) -> None:
    """End at once if a model is being loaded: torch crashes where Python's own end comes over it."""
    if seat.busy:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def source_of(model: str, every_s: float, threads: int) -> Source:
    """Where the service's readers come from: a folder or a version is read once, an alias is followed.

    With no model named, the embedded reader stands in until the registry has a champion; from then on what is
    in charge stays there, whatever the registry says or does not say.

    Raises:
        SetupError: There is no model, or nobody holds the alias that was named.
        RegistryError: A registry was named, with a model, and cannot be reached.
    """
    from twelvelead.gate.verdict import PASSED
    from twelvelead.serving.reader import load_reader, waiting_threads_sleep
    from twelvelead.serving.swap import Source
    from twelvelead.stages.readers import ALIAS, at_hand, find_reader, followed, has_embedded, registered

    waiting_threads_sleep()
    seat = followed(model)
    if seat is None:
        identity = find_reader(model)
        return Source(lambda: identity.version, lambda named: load_reader(identity, threads=threads))
    from twelvelead.registry.fetch import seated

    name, alias = seat
    stands_in, told = not model and has_embedded(), ""

    def holder() -> str:
        version = seated(name, alias)
        if version is None:
            raise SetupError(f"nobody holds the alias {alias!r} of {name!r}", fix="twelvelead promote")
        return str(version)

    def look() -> str:
        nonlocal told
        try:
            return holder()
        except Error as fault:
            if not stands_in:
                raise
            if told != fault.what:
                say(f"reader: no champion ({fault.what}); the embedded one stands in")
            told = fault.what
            return EMBEDDED

    def load(named: str) -> Reader:
        nonlocal stands_in
        if named == EMBEDDED:
            return load_reader(at_hand(), threads=threads)
        identity = registered(name, int(named)).registered(name, named, alias, {})
        if alias == ALIAS and identity.decision != PASSED:
            raise SetupError(
                f"its verdict is {identity.decision!r}", where=f"{name} version {named}",
                expected=f"a version that passed its gate, as `twelvelead promote` demands of every {alias}",
                fix=f"name the version, {name}/{named}, to serve it all the same",
            )  # fmt: skip
        reader = load_reader(identity, threads=threads)
        stands_in = False
        return reader

    if not stands_in:
        holder()  # whoever mistyped a name or an address is told now
    return Source(look, load, every_s)


def _token(file: Path | None) -> str:
    if file is not None:
        try:
            token = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as fault:
            raise SetupError(f"cannot be read: {fault}", where=str(file)) from None
    else:
        token = os.environ.get(TOKEN, "").strip()
        if not token:
            return ""
    if len(token) < LEAST_TOKEN:
        raise SetupError(
            f"the token has {len(token)} characters", where=str(file or TOKEN),
            expected=f"{LEAST_TOKEN} at least", fix="openssl rand -hex 32",
        )  # fmt: skip
    return token
