"""The command line: one command a stage or errand, and those that look at a run."""

from __future__ import annotations

import sys

from twelvelead.cli import asking, judging, machine, making, moving, reading, registry, sheets
from twelvelead.cli.root import app
from twelvelead.errors import Error

__all__ = ["app", "asking", "judging", "machine", "main", "making", "moving", "reading", "registry", "sheets"]


def main() -> None:
    """Run the command line; our own errors become one message on stderr and their exit code."""
    try:
        app(standalone_mode=True)
    except Error as fault:
        sys.stderr.write(f"twelvelead: {type(fault).__name__}: {fault}\n")
        sys.exit(fault.exit_code)
