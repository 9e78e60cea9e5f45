"""Which statements a record carries: label sets with PTB-XL's prevalences, companions and dialects.

Statements are drawn one after another, each by a logistic rule of the reader and of the companions drawn
before it. The rules are solved on a large sample, so that every prevalence, every reader's share and every
listed pair comes out as counted; exclusions are bars, not small chances.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from twelvelead.ecg.statement import STATEMENTS
from twelvelead.simulate.cooccurrence import (
    FEW,
    HABITS,
    LASTING,
    MECHANISMS,
    MOST_BESIDE_FEW,
    NOTHING,
    PACED_ALONE,
    PARTNERS,
    PTBXL_RECORDS,
    READERS,
    RHYTHM_CODES,
    SINUS_VARIANTS,
    UNSTATED,
)

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

SAMPLE = 65_536  # records on which the rules are solved; the rarest statement stands on 30 of them
SAMPLE_SEED = 21837
ROUNDS, CLOSE = 60, 1e-4  # of the iteration, and the relative error at which it ends
LARGEST_LOG_ODDS = 10.0

COLUMN = {code: place for place, code in enumerate((*STATEMENTS, UNSTATED, NOTHING))}
_STATED = np.array([code not in RHYTHM_CODES for code in STATEMENTS] + [False, False])
_FEW = [COLUMN[code] for code in sorted(FEW)]


@dataclass(frozen=True, slots=True)
class LabelSets:
    """Label sets of many records.

    Attributes:
        reader: (n,) index in READERS.
        has: (n, 73) what a record carries, by COLUMN: the statements, UNSTATED and NOTHING.
    """

    reader: Ints
    has: Bools

    def __len__(self) -> int:
        return len(self.reader)

    def take(self, rows: Ints) -> LabelSets:
        """Some of the sets, in that order."""
        return LabelSets(self.reader[rows], self.has[rows])

    def codes(self, row: int) -> frozenset[str]:
        """The statements of one record."""
        return frozenset(code for code, there in zip(STATEMENTS, self.labels[row], strict=True) if there)

    @property
    def labels(self) -> Bools:
        """(n, 71) the statements alone."""
        return self.has[:, : len(STATEMENTS)]


def joined(*parts: LabelSets) -> LabelSets:
    """One after the other."""
    return LabelSets(
        np.concatenate([part.reader for part in parts]), np.concatenate([part.has for part in parts])
    )


@dataclass(frozen=True, slots=True)
class Rule:
    """Log odds of a statement: by reader, plus what each companion adds.

    Attributes:
        column: The statement.
        companions: Columns that change its odds.
        barred: Columns beside which it never stands.
        silent: Readers who never write it.
        of_reader, of_companion: The log odds, in the order of READERS and of `companions`.
    """

    column: int
    companions: tuple[int, ...]
    barred: tuple[int, ...]
    silent: tuple[int, ...]
    of_reader: Floats
    of_companion: Floats


def draw_sets(records: int, rng: np.random.Generator) -> LabelSets:
    """Label sets in the natural proportions; counts of statements miss their shares by less than one."""
    rules, _ = calibrated()
    sets = _begin(records, rng)
    for rule in rules:
        _apply(rule, sets, rng)
    return sets


def draw_again(earlier: LabelSets, rng: np.random.Generator) -> LabelSets:
    """Label sets of later records of the same patients: lasting findings stay, passing ones come and go.

    As passing statements are drawn after the lasting ones, the proportions stay the natural ones.
    """
    rules, _ = calibrated()
    sets = LabelSets(earlier.reader.copy(), earlier.has.copy())
    passing = [rule for rule in rules if rule.column not in {COLUMN[code] for code in LASTING}]
    sets.has[:, [rule.column for rule in passing]] = False
    flutter_in_sinus = earlier.has[:, COLUMN["AFLT"]] & earlier.has[:, COLUMN["SR"]]
    sets.has[:, COLUMN["SR"]] = flutter_in_sinus
    sets.has[:, COLUMN[NOTHING]] = ~sets.has[:, _STATED].any(axis=1)
    for rule in passing:
        _apply(rule, sets, rng)
    return sets


@lru_cache(maxsize=1)
def calibrated() -> tuple[tuple[Rule, ...], LabelSets]:
    """The rules, and the sample on which they were solved (about two seconds, once a process)."""
    rng = np.random.Generator(np.random.PCG64(SAMPLE_SEED))
    sets = _begin(SAMPLE, rng)
    rules = []
    for code in HABITS:
        if (code,) in MECHANISMS or code in ("AFLT", "PSVT"):
            continue  # drawn as a mechanism
        rule = _solve(code, sets)
        rules.append(rule)
        _apply(rule, sets, rng)
    return tuple(rules), sets


def _begin(records: int, rng: np.random.Generator) -> LabelSets:
    """Readers and the mechanisms of rhythm that are not sinus; everything else is still to be drawn."""
    readers = list(READERS)
    share = np.array(list(READERS.values()))
    reader = _shuffled_shares(share / share.sum(), records, rng)
    has = np.zeros((records, len(COLUMN)), dtype=bool)
    free = np.ones(records, dtype=bool)
    for codes, count in MECHANISMS.items():
        by_reader = np.array(HABITS[codes[0]].readers)
        chance = count / PTBXL_RECORDS * by_reader / share * share.sum()
        place = (reader + len(readers) * free).astype(np.int64)
        odds = np.concatenate([np.zeros(len(readers)), chance / max(free.mean(), 1e-9)])
        chosen = _systematic(odds, place, rng)
        for code in codes:
            has[chosen, COLUMN[code]] = True
        free &= ~chosen
    has[:, COLUMN[NOTHING]] = True
    return LabelSets(reader, has)


def _solve(code: str, sets: LabelSets) -> Rule:
    """The rule whose counts on the sample are those of PTB-XL: iterative scaling over distinct situations."""
    habit, column = HABITS[code], COLUMN[code]
    listed = [other for other, share in habit.companions.items() if share]
    never = {other for other, share in habit.companions.items() if not share}
    barred = tuple(sorted(COLUMN[other] for other in PARTNERS.get(code, frozenset()) | never))
    silent = tuple(k for k, share in enumerate(habit.readers) if not share)
    companions = tuple(COLUMN[other] for other in listed)
    rule = Rule(column, companions, barred, silent, np.zeros(len(READERS)), np.zeros(len(listed)))
    situation, first = _situations(rule, sets)
    count = np.bincount(situation).astype(np.float64)
    open_ = ~_closed(rule, sets)[first]
    wanted = _share(code, sets) * len(sets)
    total = float(wanted / max(count[open_].sum(), 1.0))
    log_odds = np.full(len(first), np.log(total / (1 - min(total, 0.99))))
    marks = [sets.reader[first] == k for k in range(len(READERS))]
    marks += [sets.has[first, other] for other in rule.companions]
    targets = [*(wanted * share for share in habit.readers), *(wanted * habit.companions[o] for o in listed)]
    added = np.zeros(len(marks))
    rows = [np.flatnonzero(mark & open_) for mark in marks]
    for _ in range(ROUNDS):
        worst = 0.0
        for k, (where, target) in enumerate(zip(rows, targets, strict=True)):
            chance = 1 / (1 + np.exp(-log_odds[where]))
            expected = count[where] * chance
            reached, slope = float(expected.sum()), float((expected * (1 - chance)).sum())
            step = (target - reached) / max(slope, 0.3 * target, 1e-9)
            step = float(np.clip(added[k] + np.clip(step, -2, 2), -LARGEST_LOG_ODDS, LARGEST_LOG_ODDS))
            log_odds[where] += step - added[k]
            worst = max(worst, abs(target - reached) / max(target, 1.0) if step != added[k] else 0.0)
            added[k] = step
        if worst < CLOSE:
            break
    base = float(np.log(total / (1 - min(total, 0.99))))
    return replace(rule, of_reader=base + added[: len(READERS)], of_companion=added[len(READERS) :])


def _share(code: str, sets: LabelSets) -> float:
    """Prevalence; an unstated rhythm is what sinus rhythm leaves over of the records without mechanism."""
    if code != UNSTATED:
        return STATEMENTS[code].n / PTBXL_RECORDS
    sinus = PTBXL_RECORDS - sum(MECHANISMS.values())
    stated = sum(STATEMENTS[other].n for other in SINUS_VARIANTS if other != UNSTATED)
    return (sinus - stated - STATEMENTS["SR"].n + MECHANISMS["AFLT", "SR"]) / PTBXL_RECORDS


def _apply(rule: Rule, sets: LabelSets, rng: np.random.Generator) -> None:
    """Draw one statement for all records, in place; after the last variant the rest of sinus is plain."""
    situation, first = _situations(rule, sets)
    log_odds = rule.of_reader[sets.reader[first]]
    for other, added in zip(rule.companions, rule.of_companion, strict=True):
        log_odds = log_odds + added * sets.has[first, other]
    chance = np.where(_closed(rule, sets)[first], 0.0, 1 / (1 + np.exp(-log_odds)))
    drawn = _systematic(chance, situation, rng)
    sets.has[:, rule.column] = drawn
    if _STATED[rule.column]:
        sets.has[:, COLUMN[NOTHING]] &= ~drawn
    if rule.column == COLUMN[UNSTATED]:
        others = [COLUMN[codes[0]] for codes in MECHANISMS] + [COLUMN[code] for code in SINUS_VARIANTS]
        sets.has[:, COLUMN["SR"]] |= ~sets.has[:, others].any(axis=1)


def _closed(rule: Rule, sets: LabelSets) -> Bools:
    """Records that cannot carry the statement."""
    barred = list(rule.barred)
    if rule.column in {COLUMN[code] for code in SINUS_VARIANTS}:
        barred += [COLUMN[codes[0]] for codes in MECHANISMS] + [COLUMN[code] for code in SINUS_VARIANTS]
        barred.remove(rule.column)
    closed = np.asarray(sets.has[:, barred].any(axis=1) | np.isin(sets.reader, rule.silent))
    if _STATED[rule.column]:
        paced = np.flatnonzero(sets.has[:, COLUMN["PACE"]])
        closed[paced[: round(PACED_ALONE * paced.size)]] = True
        few = np.flatnonzero(sets.has[:, _FEW].any(axis=1))
        beside = sets.has[few][:, _STATED].sum(axis=1) - sets.has[few, COLUMN["2AVB"]]
        closed[few] |= beside >= MOST_BESIDE_FEW
        if rule.column == COLUMN["2AVB"]:
            closed |= sets.has[:, _STATED].sum(axis=1) > MOST_BESIDE_FEW
    return closed


def _situations(rule: Rule, sets: LabelSets) -> tuple[Ints, Ints]:
    """Records that differ in nothing the rule looks at: (n,) number of each one's, and a member of each."""
    key = sets.reader * 2 + _closed(rule, sets)
    for other in rule.companions:
        key = key * 2 + sets.has[:, other]
    _, first, situation = np.unique(key, return_index=True, return_inverse=True)
    return situation, first


def _systematic(chance: Floats, situation: Ints, rng: np.random.Generator) -> Bools:
    """(n,) draws whose counts follow the chances as closely as whole numbers can, in each situation."""
    mixed = rng.permutation(situation.size)
    order = mixed[np.argsort(situation[mixed], kind="stable")]
    passed = np.floor(np.cumsum(chance[situation[order]]) + rng.random())
    drawn = np.zeros(situation.size, dtype=bool)
    drawn[order] = np.diff(passed, prepend=0.0) > 0
    return drawn


def _shuffled_shares(share: Floats, n: int, rng: np.random.Generator) -> Ints:
    edges = np.floor(np.cumsum(share) * n + 0.5).astype(np.int64)
    return rng.permutation(np.searchsorted(edges, np.arange(n), side="right").clip(max=len(share) - 1))
