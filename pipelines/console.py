"""KFP's local runner prints much; people want the stages' own lines. All of it goes into the run's log."""

from __future__ import annotations

import io
import re
from typing import TextIO

BEGIN, END = "Streamed logs:", "finished with status"
EXECUTOR = re.compile(r"^\[KFP Executor .*?INFO\]")
INDENT = "    "  # what kfp puts before every line of a step


class Console(io.TextIOBase):
    """A text stream that copies everything to a log and only a step's own lines to the terminal.

    Args:
        terminal: Where people look.
        log: Where everything is kept.
        verbose: True shows all of it on the terminal too.
    """

    def __init__(self, terminal: TextIO, log: TextIO, *, verbose: bool = False) -> None:
        self._terminal, self._log, self._verbose = terminal, log, verbose
        self._line = ""
        self._in_step = self._in_dump = False

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str) -> int:
        """Take any piece of text; whole lines are passed on."""
        self._log.write(text)
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            if self._verbose or self._is_ours(line):
                self._terminal.write(line.removeprefix(INDENT) + "\n")
        return len(text)

    def flush(self) -> None:
        """Flush both sides."""
        self._log.flush()
        self._terminal.flush()

    def _is_ours(self, line: str) -> bool:
        if BEGIN in line:
            self._in_step = True
            return False
        if END in line:
            self._in_step = False
        if not self._in_step or not line.strip():
            return False
        said = line.removeprefix(INDENT)
        if EXECUTOR.match(said):
            self._in_dump = said.endswith("Got executor_input:")
            return False
        if self._in_dump:  # a JSON object over many lines, closed by a brace in the first column
            self._in_dump = said.rstrip() != "}"
            return False
        return True
