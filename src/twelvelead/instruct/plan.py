"""Which question is asked of which page: decided once for all pages of a split, before any word is drawn.

A model that sees the question alone must not be able to guess: each closed question (of each family) is asked
of as many pages where the answer is Yes as where it is No, whatever is common in the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twelvelead.instruct.askable import Askable
from twelvelead.instruct.cohort import Cohort, Mask
from twelvelead.instruct.limit import Limits
from twelvelead.instruct.repertoire import askables, forms_of
from twelvelead.instruct.sample import Item

FORM_SHARES: dict[str, dict[str, float]] = {
    "feature": {"closed": 0.4, "choice": 0.2, "fill": 0.15, "open": 0.25},
    "rhythm": {"closed": 0.4, "choice": 0.2, "fill": 0.15, "open": 0.25},
    "morphology": {"closed": 0.45, "choice": 0.25, "fill": 0.12, "open": 0.18},
    "ecgqa": {"verify": 0.5, "choose": 0.25, "query": 0.25},
}
TURN_SHARES = {"feature": 0.35, "rhythm": 0.2, "morphology": 0.45}  # of the turns of dialogues
TURNS = 3  # of a dialogue, on average
YES_SHARE = {"closed": 0.5, "verify": 0.5, "choice": 0.93, "choose": 0.85}
SOMETHING_SHARE = 0.93
"""Open questions, fills and queries ask mostly for something: "none" is true of nearly all pages."""
HARD_SHARE = 0.75  # of the No pages, if there are so many; the others keep No from meaning "nearly"
ROUNDS = 6  # times a page may be asked the same in the same form, in other words
Places = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Questions of n pages.

    Attributes:
        items: All different questions.
        starts: (n + 1,) where the questions of each page begin in `asked`.
        asked: Number in `items` of each question, page by page.
        turn: Whether it is asked in a dialogue.
    """

    items: tuple[Item, ...]
    starts: Places
    asked: Places
    turn: Mask

    def __len__(self) -> int:
        return len(self.starts) - 1

    def of(self, page: int) -> tuple[list[Item], list[Item]]:
        """The questions of a page: those that stand alone, and the turns of its dialogues."""
        places = range(self.starts[page], self.starts[page + 1])
        alone = [self.items[self.asked[place]] for place in places if not self.turn[place]]
        return alone, [self.items[self.asked[place]] for place in places if self.turn[place]]

    def cut(self, start: int, stop: int) -> Plan:
        """The plan of the pages from `start` up to `stop`."""
        low, high = self.starts[start], self.starts[stop]
        used, asked = np.unique(self.asked[low:high], return_inverse=True)
        return Plan(
            tuple(self.items[number] for number in used),
            self.starts[start : stop + 1] - low,
            asked.astype(np.int32),
            self.turn[low:high],
        )


def plan(
    cohort: Cohort, limits: Limits, questions: float, shares: Mapping[str, float], rng: np.random.Generator
) -> Plan:
    """Place about `questions` questions on each page, fewer where the pages do not tell enough.

    Args:
        cohort: The pages of a split.
        limits: Of numeric questions, see `limit.limits_of`.
        questions: Average number a page; a dialogue counts as one.
        shares: Family → weight in the mixture.
        rng: Decides which pages.
    """
    draft = _Draft(cohort, limits, rng)
    total = sum(shares.values())
    for family, share in sorted(shares.items()):
        wanted = questions * len(cohort) * share / total if total else 0.0
        if family == "report":
            draft.place(Item("report", "report", target="impression"), round(wanted))
        elif family == "dialogue":
            draft.talk(round(wanted))
        else:
            draft.fill(family, FORM_SHARES[family], wanted)
    return draft.plan()


class _Draft:
    """Places as they are taken; pages that have few questions are asked first."""

    def __init__(self, cohort: Cohort, limits: Limits, rng: np.random.Generator) -> None:
        self.cohort, self.limits, self.rng = cohort, limits, rng
        self.items: dict[Item, int] = {}
        self.taken: list[tuple[int, NDArray[np.intp], bool]] = []
        self.load = np.zeros(len(cohort))
        self.talking: Mask | None = None

    def fill(self, family: str, shares: Mapping[str, float], wanted: float) -> None:
        """Take places of a family's forms; what one form cannot use goes to the next."""
        missing = 0.0
        for form, share in shares.items():
            if form in forms_of(family):
                due = wanted * share + missing
                missing = due - self._take(family, form, due)

    def place(self, item: Item, count: int) -> None:
        """Put an item that every page can answer on the pages that have least."""
        while count > 0:
            chosen = self._least(np.arange(len(self.cohort)), count)
            self._note(item, chosen)
            count -= len(chosen)

    def talk(self, dialogues: int) -> None:
        """Take the turns of dialogues: on pages drawn for it, three for each dialogue of the page."""
        if not dialogues:
            return
        held = np.bincount(self.rng.permutation(dialogues) % len(self.cohort), minlength=len(self.cohort))
        held = held[self.rng.permutation(len(self.cohort))]
        alone, self.load = self.load, np.where(held > 0, -TURNS * held, 0.0)
        self.talking = held > 0
        for family, share in TURN_SHARES.items():
            self.fill(family, FORM_SHARES[family], TURNS * dialogues * share)
        self.talking, self.load = None, alone + held

    def plan(self) -> Plan:
        """All that was taken, page by page."""
        counts = [len(pages) for _, pages, _ in self.taken]
        page = np.concatenate([np.empty(0, np.intp), *(pages for _, pages, _ in self.taken)])
        asked = np.repeat(np.array([number for number, _, _ in self.taken], np.int32), counts)
        turn = np.repeat(np.array([talking for _, _, talking in self.taken], bool), counts)
        order = np.argsort(page, kind="stable")
        ends = np.cumsum(np.bincount(page, minlength=len(self.cohort)))
        return Plan(
            tuple(self.items), np.concatenate([[0], ends]).astype(np.int32), asked[order], turn[order]
        )

    def _take(self, family: str, form: str, wanted: float) -> int:
        kinds = forms_of(family)[form]
        found = askables(self.cohort, family, form, self.limits)  # type: ignore[arg-type]
        options = [self._reachable(one) for kind in found for one in found[kind]]
        weights = [kinds[kind] / len(found[kind]) for kind in found for _ in found[kind]]
        yes_share = YES_SHARE.get(form, SOMETHING_SHARE)
        room = np.array([_room(one, yes_share) for one in options])
        done = 0
        for _ in range(ROUNDS):
            counts = spread(wanted - done, np.array(weights), room, self.rng, pairs=yes_share == 0.5)
            for number in np.argsort(room, kind="stable"):  # what few pages can answer chooses first
                done += self._ask(options[number], int(counts[number]), yes_share)
            if not counts.any() or wanted - done < 2:
                break
        return done

    def _reachable(self, one: Askable) -> Askable:
        if self.talking is None:
            return one
        return replace(one, yes=one.yes & self.talking, no=one.no & self.talking)

    def _ask(self, one: Askable, count: int, yes_share: float) -> int:
        wanted = count * yes_share
        yes = int(wanted) + int(self.rng.random() < wanted - int(wanted))
        no = min(count - yes, int(one.no.sum()))
        chosen = [self._least(np.flatnonzero(one.yes), yes if one.no.any() else count)]
        hard = np.flatnonzero(one.no & one.hard) if one.hard is not None else np.empty(0, np.intp)
        chosen.append(self._least(hard, round(no * HARD_SHARE)))
        easy = one.no.copy()
        easy[chosen[1]] = False
        chosen.append(self._least(np.flatnonzero(easy), no - len(chosen[1])))
        pages = np.concatenate(chosen)
        self._note(one.item, pages)
        return len(pages)

    def _least(self, pages: NDArray[np.intp], count: int) -> NDArray[np.intp]:
        """Those of the pages that have fewest questions so far, equal ones by chance."""
        key = self.load[pages] + self.rng.random(len(pages))
        if count < len(pages):
            pages = pages[np.sort(np.argpartition(key, count)[:count])] if count > 0 else pages[:0]
        return pages

    def _note(self, item: Item, pages: NDArray[np.intp]) -> None:
        if len(pages):
            self.load[pages] += 1
            number = self.items.setdefault(item, len(self.items))
            self.taken.append((number, pages, self.talking is not None))


def _room(one: Askable, yes_share: float) -> int:
    """How many pages can be asked once, with so many of them a Yes."""
    yes, no = int(one.yes.sum()), int(one.no.sum())
    if yes_share == 0.5:
        return 2 * min(yes, no)
    return min(int(yes / yes_share), yes + no)


def spread(
    wanted: float,
    weights: NDArray[np.float64],
    room: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    pairs: bool = False,
) -> NDArray[np.int64]:
    """Whole numbers in proportion to weights, none above its room, that sum to `wanted` or fill all room.

    Args:
        wanted: The sum.
        weights: (n,) what each should have a share of.
        room: (n,) the most each can have.
        rng: Decides what fractions become.
        pairs: Even numbers only: as many Yes as No.
    """
    unit = 2 if pairs else 1
    most = (room // unit).astype(np.float64)
    share, left, open_ = np.zeros(len(weights)), max(wanted, 0.0) / unit, most > 0
    while left > 1e-9 and open_.any():
        step = left * weights * open_ / (weights * open_).sum()
        taken = np.minimum(step, most - share)
        share += taken
        left -= taken.sum()
        open_ &= share < most - 1e-9
    order = rng.permutation(len(share))  # fractions add up along a random order: the sum stays what it was
    ends = np.floor(np.cumsum(share[order]) + rng.random() + 1e-6)
    counts = np.zeros(len(share), np.int64)
    counts[order] = np.diff(np.concatenate([[0.0], ends]))
    found: NDArray[np.int64] = np.minimum(counts, most.astype(np.int64)) * unit
    return found
