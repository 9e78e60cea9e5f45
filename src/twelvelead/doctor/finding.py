"""One thing that was looked at: good, bad, or not to be seen from here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

State = Literal["good", "bad", "unseen"]
MARKS: dict[State, str] = {"good": "ok  ", "bad": "FAIL", "unseen": "?   "}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found.

    Attributes:
        name: What was looked at.
        state: "bad" keeps something of ours from running; "unseen" may be right, and could not be told.
        said: What was seen.
        fix: What to do, where it is not good.
    """

    name: str
    state: State
    said: str
    fix: str = ""

    @property
    def line(self) -> str:
        """For a terminal."""
        tail = f"\n        {self.fix}" if self.fix and self.state != "good" else ""
        return f"  {MARKS[self.state]}  {self.name}: {self.said}{tail}"


def good(name: str, said: str) -> Finding:
    """It is as it should be."""
    return Finding(name, "good", said)


def judged(name: str, holds: bool, said: str, fix: str) -> Finding:
    """Good if it holds, else bad."""
    return Finding(name, "good" if holds else "bad", said, fix)


def told(findings: Iterable[Finding]) -> str:
    """All lines, and one that counts them."""
    found = list(findings)
    bad, unseen = (sum(one.state == state for one in found) for state in ("bad", "unseen"))
    return "\n".join(
        [*(one.line for one in found), f"{len(found)} looked at, {bad} bad, {unseen} not to be seen"]
    )


def each(name: str, looks: Iterable[Callable[[], Finding]]) -> list[Finding]:
    """Run looks one by one; one that breaks is a bad finding, never the end of the others."""
    found = []
    for look in looks:
        try:
            found.append(look())
        except Exception as fault:  # a doctor that dies of what it finds helps nobody
            found.append(Finding(name, "bad", f"{type(fault).__name__}: {str(fault)[:200]}"))
    return found
