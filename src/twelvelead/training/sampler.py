"""Which pages and questions make up each step: a function of seed and step alone.

So the cursor of a training is its step, a resumed run agrees with an unbroken one, and any number of
processes sees the same steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from twelvelead.models.packed import Question
from twelvelead.training.pages import Page

SEED_KEY = 6  # position of train_lora in the stage list
OTHERS_SHARE = 8  # one question in so many is none of the statements


def steps_per_epoch(pages: int, a_step: int) -> int:
    """Steps until every page was seen once; the last may be smaller."""
    return math.ceil(pages / a_step)


def rows_of(step: int, pages: int, a_step: int, seed: int) -> list[int]:
    """Page numbers of a step; every page comes once an epoch, in another order each time."""
    epoch, number = divmod(step, steps_per_epoch(pages, a_step))
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(SEED_KEY, epoch)))
    order = rng.permutation(pages)
    return [int(row) for row in order[number * a_step : (number + 1) * a_step]]


def stream(seed: int, step: int, place: int) -> np.random.Generator:
    """The random stream of the page at a place of a step, whichever process it falls to."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(SEED_KEY, 1, step, place)))


def choose(page: Page, count: int, rng: np.random.Generator) -> list[Question]:
    """The questions of one page in a step: statements, and one other in every eight if there is room.

    A page has some three of seventy statements. Those are asked every time, up to half of the room, then
    others: drawn evenly, nineteen answers in twenty would be No, and rare statements hardly ever Yes.
    That shifts probabilities, which calibration on fold 9 puts right, and not the order that AUC sees.
    """
    others = min(len(page.others), max(1, count // OTHERS_SHARE))
    room = min(count - others, len(page.statements))
    there = rng.permutation(sorted(page.present))[: (room + 1) // 2]
    absent = np.setdiff1d(np.arange(len(page.statements)), there)
    asked = [*there, *rng.permutation(absent)[: room - len(there)]]
    extra = rng.permutation(len(page.others))[:others]
    return [page.statements[i] for i in sorted(asked)] + [page.others[i] for i in extra]


def micro_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Cut sequences into batches of at most `budget` tokens, padding included.

    Args:
        lengths: Tokens of each sequence.
        budget: Most tokens of a batch (longest times count); 0 = no limit. A longer sequence goes alone.

    Returns:
        Numbers of the sequences, long ones together.
    """
    order = sorted(range(len(lengths)), key=lambda number: (-lengths[number], number))
    batches: list[list[int]] = []
    for number in order:
        if batches and (not budget or (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= budget):
            batches[-1].append(number)
        else:
            batches.append([number])
    return [sorted(batch) for batch in batches]
