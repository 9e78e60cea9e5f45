"""What a sentence says about a record: the meaning that answers are made of and read back into."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from twelvelead.instruct.case import Case
from twelvelead.instruct.wording import level


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that is said.

    Attributes:
        kind: "statement" (value: a likelihood of `wording.LEVELS`, or False: denied), "subclass",
            "superclass" and "group" (True or False), "value" (number in the fact's unit), "band" ("below",
            "within", "above" the normal range), "sign" (bool), "axis" and "stage" (True or False), "noise"
            (leads with blanks between; "" none; with a lead behind the target's slash: bool).
        target: Code, class, fact column, axis class, stage or kind of noise.
        value: See kind.
    """

    kind: str
    target: str
    value: float | str | bool = True


def stated(case: Case, codes: Iterable[str]) -> tuple[Claim, ...]:
    """The claims that a case makes by stating these codes, in their order."""
    return tuple(Claim("statement", code, level(case.codes[code])) for code in codes)
