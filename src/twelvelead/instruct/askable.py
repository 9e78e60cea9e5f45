"""What can be asked of which pages: questions before they are worded, and the pages of their Yes and No.

For a question that is not closed, "yes" are the pages that have something to answer, "no" those that have
nothing ("none of these", an empty list).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twelvelead.ecg.lead import LEADS
from twelvelead.ecg.statement import STATEMENTS
from twelvelead.instruct.case import EXPECTED, GROUPS, NOISES, STAGES, SUBCLASSES, SUPERCLASSES
from twelvelead.instruct.cohort import CODES, Cohort, Mask, some
from twelvelead.instruct.foil import NEAR_IN_MEANING
from twelvelead.instruct.sample import Item

LIFT, LEAST_TOGETHER = 1.5, 3
"""A statement goes along with another if it is named so many times more often beside it than elsewhere."""


@dataclass(frozen=True, slots=True, eq=False)
class Askable:
    """A question, before it is put into words, and the pages it may be asked of.

    Attributes:
        item: What is asked.
        yes, no: (n,) pages where it holds, and where it does not; where neither, the page does not tell.
        hard: (n,) pages that are easily mistaken: a "no" is taken from these first.
    """

    item: Item
    yes: Mask
    no: Mask
    hard: Mask | None = None


def related(cohort: Cohort, holds: Mask, own: tuple[str, ...]) -> Mask:
    """Pages that do not hold something but carry a statement of its kin, or one that often goes with it.

    Kin are the statements of the same subclass, or of the same group where there are no subclasses. A
    statement of another class that says nearly the same (LVH, voltage criteria for LVH) is no kin: whoever
    names one may well have left out the other.

    Args:
        cohort: The pages.
        holds: (n,) where it is so.
        own: Statements that make it so.
    """
    pages, positive = len(cohort), int(holds.sum())
    beside = cohort.codes[holds].sum(axis=0)
    elsewhere = cohort.codes.sum(axis=0)
    together = (beside >= LEAST_TOGETHER) & (beside * pages > LIFT * elsewhere * max(positive, 1))
    kin = np.array([any(_kin(code, one) for one in own) for code in CODES])
    near = np.array([any(_near(code, one) for one in own) for code in CODES])
    mine = np.isin(CODES, own)
    columns = (kin | (together & ~near)) & ~mine
    found: Mask = ~holds & cohort.codes[:, columns].any(axis=1) & ~cohort.codes[:, near & ~kin].any(axis=1)
    return found


def _kin(code: str, other: str) -> bool:
    one, two = STATEMENTS[code], STATEMENTS[other]
    if code in EXPECTED or other in EXPECTED:
        return False
    if two.subclass:
        return one.subclass == two.subclass
    return one.rhythm if two.rhythm else one.form and not one.diagnostic


def _near(code: str, other: str) -> bool:
    return code != other and any(code in group and other in group for group in NEAR_IN_MEANING)


def closed_item(
    kind: str, target: str = "", lead: str = "", low: float = -math.inf, high: float = math.inf
) -> Item:
    return Item("", "closed", kind, target, lead, low, high)


def of_statements(cohort: Cohort, keep: Callable[[str], bool]) -> Iterator[Askable]:
    for number, code in enumerate(CODES):
        if keep(code):
            yes = cohort.codes[:, number]
            yield Askable(closed_item("statement", code), yes, ~yes, related(cohort, yes, (code,)))


def of_classes(
    cohort: Cohort, kind: str, classes: Mapping[str, tuple[str, ...]], holds: Mask
) -> Iterator[Askable]:
    """Classes of more than one statement; one of a single statement would be that statement again."""
    for number, (name, codes) in enumerate(classes.items()):
        if len(codes) > 1:
            yes = holds[:, number]
            yield Askable(closed_item(kind, name), yes, ~yes, related(cohort, yes, codes))


def classes_to_choose(cohort: Cohort, kind: str, count: int, holds: Mask) -> Iterator[Askable]:
    """Classes as one of several options: there must be another that is wrong."""
    for number, name in enumerate(SUPERCLASSES if kind == "superclass" else SUBCLASSES):
        yes = holds[:, number]
        yield Askable(closed_item(kind, name), yes, ~yes & (holds.sum(axis=1) <= count - 3))


def of_groups(cohort: Cohort, names: tuple[str, ...]) -> Iterator[Askable]:
    for name in names:
        yes = cohort.findings[:, GROUPS.index(name)]
        yield Askable(closed_item("group", name), yes, ~yes)


def of_named(cohort: Cohort, kind: str, target: str) -> Askable:
    """An open question about a class or group: the expected statements are answers too."""
    own = [
        (STATEMENTS[code].superclass == target) if kind == "superclass" else getattr(STATEMENTS[code], target)
        for code in CODES
    ]
    yes = some(cohort.codes[:, np.array(own, bool)])
    return Askable(closed_item(kind, target), yes, ~yes)


def of_one(kind: str, names: tuple[str, ...], column: NDArray[np.int8]) -> Iterator[Askable]:
    for number, name in enumerate(names):
        yield Askable(closed_item(kind, name), column == number, (column >= 0) & (column != number))


def sure_stage(cohort: Cohort) -> NDArray[np.int8]:
    """A stage that is stated to be unknown is neither Yes nor No."""
    return np.where(cohort.stage == STAGES.index("unknown"), np.int8(-1), cohort.stage)


def known(kind: str, known: Mask, target: str = "") -> Askable:
    return Askable(closed_item(kind, target), known, np.zeros(len(known), bool))


def of_signs(cohort: Cohort) -> Iterator[Askable]:
    for name, column in cohort.signs.items():
        yield Askable(closed_item("sign", name), column == 1, column == 0)


def of_noises(cohort: Cohort) -> Iterator[Askable]:
    for number, kind in enumerate(NOISES):
        noise = cohort.noise[:, number]
        known, any_lead = noise[:, 0] >= 0, some(noise == 1)
        yield Askable(closed_item("noise", kind), any_lead, known & ~any_lead)


def of_noises_in(cohort: Cohort) -> Iterator[Askable]:
    for number, kind in enumerate(NOISES):
        elsewhere = some(cohort.noise[:, number] == 1)
        for place, lead in enumerate(LEADS):
            noise = cohort.noise[:, number, place]
            yield Askable(closed_item("noise", kind, lead), noise == 1, noise == 0, elsewhere & (noise == 0))


def of_noise_kinds(cohort: Cohort) -> Iterator[Askable]:
    for place, lead in enumerate(LEADS):
        noise = cohort.noise[:, :, place]
        noted = some(noise == 1)
        yield Askable(closed_item("noise", "", lead), noted, some(noise >= 0) & ~noted)
