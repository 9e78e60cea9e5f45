"""Which label sets a data set holds: as in PTB-XL, or with rare ones boosted, so that each can be judged.

Every set's chance is known, so `sampling_weight` recovers the natural proportions in weighted counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twelvelead.simulate.cooccurrence import READERS
from twelvelead.simulate.labels import Bools, Floats, Ints, LabelSets, calibrated, draw_sets, joined

FLOORS = ((10_000, 25, 10), (3_000, 10, 3), (400, 3, 1), (0, 1, 1))
"""From so many records on: positives of each statement in folds 1–8, and in each of folds 9 and 10."""
SPARE = 2
MOST_EXTRA = 0.5  # share of the patients who may be chosen for a rare statement alone …
EXTRA_PATIENTS = 700  # … and this share of a small data set is as many as it has of so many
NATURAL_FROM = 10_000  # records from which on "auto" follows nature


@dataclass(frozen=True, slots=True)
class Floor:
    """The fewest positives of a statement, counted in patients."""

    train: int  # in folds 1–8 together
    test: int  # in each of folds 9 and 10

    @property
    def total(self) -> int:
        """In all folds, with some to spare: carriers of two rare statements cannot be in two folds."""
        return self.train + 2 * self.test + self.spare

    @property
    def spare(self) -> int:
        """Of those, the ones to spare."""
        return SPARE if self.train or self.test else 0


def floor_of(records: int, *, boosted: bool) -> Floor:
    """What a data set of that size owes each statement; a natural one only what PTB-XL itself keeps."""
    if not boosted:
        return Floor(1, 1) if records >= NATURAL_FROM else Floor(0, 0)
    _, train, test = next(row for row in FLOORS if records >= row[0])
    return Floor(train, test)


def choose_sets(
    patients: int, floor: Floor, rng: np.random.Generator, *, boosted: bool
) -> tuple[LabelSets, Floats]:
    """The patients' first label sets.

    Args:
        patients: How many.
        floor: Fewest carriers of each statement; a smaller data set gets as near to it as it can.
        rng: Random stream.
        boosted: Half natural, half drawn by 1/√(count) of the rarest statement; else natural throughout.

    Returns:
        The sets in random order, and the sampling weight of each: natural chance over chance here.
    """
    pool = calibrated()[1]
    counts = pool.labels.sum(axis=0)
    rarity = np.where(counts > 0, 1 / np.sqrt(np.maximum(counts, 1)), 0.0)
    boost = (pool.labels * rarity).max(axis=1)
    sets = _base(patients, pool, boost, rng) if boosted else draw_sets(patients, rng)
    sets = sets.take(rng.permutation(patients))
    extra = np.empty(0, dtype=np.int64)
    asked = np.zeros(counts.size, dtype=np.int64)
    # Fewer base sets leave more gaps, so the number of extra ones is found by iteration; it only grows.
    for _ in range(20):
        short, wanted = _fill(sets.take(np.arange(patients - extra.size)), pool, floor, patients, rng)
        if short.size <= extra.size:
            break
        extra, asked = short, wanted
    whole = joined(sets.take(np.arange(patients - extra.size)), pool.take(extra))
    order = rng.permutation(patients)
    whole = whole.take(order)
    mine = (whole.labels * rarity).max(axis=1) / boost.mean()
    chance = (1 - extra.size / patients) * (0.5 + 0.5 * mine if boosted else np.ones(patients))
    seen = pool.labels[testable(pool)].sum(axis=0)
    added = (whole.labels * (asked / patients * len(pool) / np.maximum(seen, 1))).sum(axis=1)
    chance = chance + np.where(testable(whole), added, 0.0)
    return whole, 1 / chance


def testable(sets: LabelSets) -> Bools:
    """(n,) whether a human has read the record: nothing else comes into folds 9 and 10."""
    return sets.reader != list(READERS).index("machine")


def _base(patients: int, pool: LabelSets, boost: Floats, rng: np.random.Generator) -> LabelSets:
    natural = patients // 2
    chosen = rng.choice(len(pool), size=patients - natural, replace=False, p=boost / boost.sum())
    return joined(draw_sets(natural, rng), pool.take(chosen))


def _fill(
    sets: LabelSets, pool: LabelSets, floor: Floor, patients: int, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Rows of the pool that lift every statement to the floor, and how many were taken for each.

    Statements are lifted by one carrier a turn, the rarest first: where there is room for a part only, all
    get one before any gets two. Only carriers that folds 9 and 10 may hold are taken, so that they get
    theirs.
    """
    have, have_testable = sets.labels.sum(axis=0), sets.labels[testable(sets)].sum(axis=0)
    rarest_first = np.argsort(pool.labels.sum(axis=0), kind="stable")
    room = min(MOST_EXTRA, patients / EXTRA_PATIENTS) * patients
    carriers: dict[int, Ints] = {}
    rows: list[int] = []
    asked = np.zeros(have.size, dtype=np.int64)
    for level in range(1, floor.total + 1):
        for code in rarest_first:
            enough = have[code] >= level and have_testable[code] >= min(level, 2 * floor.test + floor.spare)
            if enough or len(rows) >= room:
                continue
            if code not in carriers:
                carriers[code] = rng.permutation(np.flatnonzero(pool.labels[:, code] & testable(pool)))
            row = int(carriers[code][asked[code] % carriers[code].size])
            rows.append(row)
            asked[code] += 1
            have, have_testable = have + pool.labels[row], have_testable + pool.labels[row]
    return np.array(rows, dtype=np.int64), asked


def later_visits(sets: LabelSets, records: int, rng: np.random.Generator) -> Ints:
    """Patients (rows of `sets`) of the records beyond the first ones; as rare a statement, as rarely again.

    One patient in ten comes back, half as many once more, and so on.
    """
    patients = len(sets)
    more = records - patients
    rarity = sets.labels / np.maximum(calibrated()[1].labels.sum(axis=0), 1)
    order = np.lexsort((rng.random(patients), rarity.argmax(axis=1)))
    visits: list[Ints] = []
    returning = order
    while more > 0:
        now = min(max(round(more * 2 / 3), 1), returning.size)
        steps = np.floor((np.arange(now) + rng.random()) * returning.size / now).astype(np.int64)
        returning = returning[steps.clip(max=returning.size - 1)]
        visits.append(returning)
        more -= now
    return np.concatenate(visits) if visits else np.empty(0, dtype=np.int64)
