"""Where a record lies in files while it is read: in memory if there is a choice, and gone afterwards."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

MEMORY = Path("/dev/shm")
FOLDER, OWNED = "twelvelead-", ".owned"
YOUNG_S = 60.0


class OwnFolder:
    """A folder for what a record needs as files; whoever dies without removing it leaves that to the next.

    A lock says that it is in use: unlike a process id it means the same in every container that shares
    /dev/shm.
    """

    def __init__(self) -> None:
        where = MEMORY if os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir())
        _sweep(where)
        self.name = tempfile.mkdtemp(prefix=FOLDER, dir=where)
        self._lock = os.open(Path(self.name, OWNED), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """With all that is in it."""
        shutil.rmtree(self.name, ignore_errors=True)
        os.close(self._lock)


def _sweep(where: Path) -> None:
    """Remove what killed servers left that took their children with them."""
    for marker in where.glob(f"{FOLDER}*/{OWNED}"):
        try:
            lock = os.open(marker, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            continue  # another user's, or gone by now
        try:
            if time.time() - os.fstat(lock).st_mtime < YOUNG_S:
                continue  # perhaps its owner has made it and not locked it yet
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(marker.parent, ignore_errors=True)
        except OSError:
            pass  # in use
        finally:
            os.close(lock)
