"""The command line: one command a stage or errand, and those that look at a run."""

from __future__ import annotations

import errno
import sys

from twelvelead.cli import asking, judging, machine, making, moving, reading, registry, sheets
from twelvelead.cli.root import app
from twelvelead.errors import Error, SetupError

__all__ = ["app", "asking", "judging", "machine", "main", "making", "moving", "reading", "registry", "sheets"]


# What a disk or its owner refuses; a file that is missing is told where it is asked for, or is a bug of ours.
REFUSED = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT,
    errno.ENOTDIR, errno.EISDIR, errno.EEXIST,
}  # fmt: skip


def main() -> None:
    """Run the command line; our own errors become one message on stderr and their exit code."""
    try:
        app(standalone_mode=True)
    except Error as fault:
        end(fault)
    except OSError as fault:
        if fault.errno not in REFUSED or fault.filename is None:
            raise
        said, where = str(fault.strerror).lower(), str(fault.filename)
        end(SetupError(said, where=where, expected="a place to write to", fix="name another, or mend it"))


def end(fault: Error) -> None:
    """Say what is wrong and end in its code."""
    sys.stderr.write(f"twelvelead: {type(fault).__name__}: {fault}\n")
    sys.exit(fault.exit_code)
