"""Patients and their records: what they have, when they came, and in which fold they are.

`draw_population` decides everything that one record owes to the others; `complete` settles one record's
signal and fills the columns that follow from it, in any order and any process.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np

from twelvelead.ecg.statement import STATEMENTS
from twelvelead.simulate import folds
from twelvelead.simulate.columns import (
    axis_column,
    draw_date,
    draw_person,
    draw_visit,
    reader_of,
    stadium_columns,
)
from twelvelead.simulate.cooccurrence import READERS, RHYTHM_CODES, allowed
from twelvelead.simulate.findings import STAGED, draw_findings, draw_likelihoods
from twelvelead.simulate.labels import draw_again, joined
from twelvelead.simulate.phrases import NOTHING_SAID
from twelvelead.simulate.plan import POPULATION, Finding, RecordPlan, filenames, in_ptbxl_order, stream
from twelvelead.simulate.quality import quality_columns
from twelvelead.simulate.record import noise_of, settle
from twelvelead.simulate.report import EDITED, NOT_ENGLISH, TRACE_ONLY, correction, write
from twelvelead.simulate.sampling import NATURAL_FROM, Floor, choose_sets, floor_of, later_visits
from twelvelead.simulate.statements import RECIPES

COMPLETE = 4  # a purpose of its own beside those of `plan`: the columns that follow from the signal
RECORDS_PER_PATIENT = 21799 / 18869
FIRST_DAY, LAST_DAY = datetime(1984, 11, 9), datetime(2001, 6, 11)
DAYS_BETWEEN, DAYS_SPREAD = 14.0, 2.3  # median and log-sd of the time to the next record of a patient
TEST_SHARE = {"machine": 0.0, "0": 0.155, "1": 0.095, "2": 0.171, "other": 0.146}
"""Share of a reader's records in each of folds 9 and 10: those hold nothing that no human has confirmed."""
VARIED_SEEDS = 1 << 32  # keeps the streams of `draw_varied` apart from those of every population
VARIED_RHYTHMS = {"SR": 0.35, "AFIB": 0.30, "STACH": 0.20, "SBRAD": 0.15}
UNVARIED = frozenset({*RHYTHM_CODES, "NORM", "PVC", "PAC", "PRC(S)", "2AVB", "3AVB", "WPW"})
"""No shapes of a beat, or not safe in any combination: they set the rhythm or the PR interval."""

Prevalence = Literal["auto", "natural", "boosted"]


@dataclass(slots=True)
class _Draft:
    """A record before it has a number."""

    patient: int
    reader: str
    labels: frozenset[str]
    weight: float = 1.0
    findings: tuple[Finding, ...] = ()
    written: dict[str, float] = field(default_factory=dict)
    taken: datetime = FIRST_DAY
    visit: dict[str, Any] = field(default_factory=dict)


def draw_population(records: int, seed: int, prevalence: Prevalence = "auto") -> list[RecordPlan]:
    """Plan a data set; `complete` fills what follows from a record's signal.

    Args:
        records: How many records; patients are about 13 % fewer.
        seed: The same seed gives the same plans, and with them the same bytes.
        prevalence: "natural" for PTB-XL's proportions, "boosted" to have more of what is rare, "auto" for
            natural from NATURAL_FROM records on and boosted below.

    Returns:
        Plans with ecg_id 1 … records, in order of recording date.
    """
    boosted = prevalence == "boosted" or (prevalence == "auto" and records < NATURAL_FROM)
    rng = stream(seed, POPULATION)
    floor = floor_of(records, boosted=boosted)
    drafts = _draw_drafts(records, floor, rng, boosted=boosted)
    for draft in drafts:
        draft.written = draw_likelihoods(draft.labels, rng)
        draft.findings = draw_findings(draft.written, rng)
    _place_and_date(drafts, rng)
    drafts.sort(key=lambda draft: draft.taken)
    fold = folds.assign(
        [draft.patient for draft in drafts],
        [_marks(draft) for draft in drafts],
        rng,
        test_share=_test_shares(drafts),
        least=dict.fromkeys(STATEMENTS, (floor.train, floor.test)),
    )
    return [
        _plan(draft, number, fold[number - 1], seed, varied=False)
        for number, draft in enumerate(drafts, start=1)
    ]


def complete(plan: RecordPlan) -> RecordPlan:
    """Settle a record's signal and fill the columns that follow from it.

    Pure: it depends on the plan alone. A complete plan stays as it is if completed again.

    Returns:
        The plan with `attempt`, heart_axis, infarction_stadium1 and 2, report, quality columns, extra_beats
        and pacemaker.
    """
    plan, seen = settle(plan)
    rng = stream(plan.seed, COMPLETE, plan.ecg_id)
    reader = reader_of(plan.site, plan.validated_by_human)
    written = frozenset(plan.scp_codes)
    axis = axis_column(seen.axis_deg, reader, rng)
    stage = next((finding.stage for finding in plan.findings if finding.code in STAGED & written), "")
    stadium = stadium_columns(stage, written, reader, rng)
    english = plan.site not in NOT_ENGLISH
    report = write(
        plan.scp_codes, axis, stadium[0], english=english, machine=plan.initial_autogenerated_report, rng=rng
    )
    if english and rng.random() < TRACE_ONLY.get(reader, 0.0):
        report = NOTHING_SAID[1]
    if rng.random() < EDITED.get(reader, 0.0):
        report += correction(plan.scp_codes, rng)
    quality = quality_columns(
        noise_of(plan), seen.ectopic_beats, seen.rhythm.early_beats, "PACE" in written, reader, rng
    )
    return replace(
        plan,
        heart_axis=axis,
        infarction_stadium1=stadium[0],
        infarction_stadium2=stadium[1],
        report=report,
        **quality,
    )


def draw_varied(n: int, seed: int) -> list[RecordPlan]:
    """Single records that spread physiology widely, for learning to measure rather than to diagnose.

    Rates 35–160, axes −80…+120, QRS 75–170 ms, PR 110–320 ms, ectopic beats, irregular rhythms, Q waves,
    voltages and T waves of all kinds; statements in any combination that the exclusions allow. The plans are
    complete.
    """
    rng = stream(seed + VARIED_SEEDS, POPULATION)
    shapes = [code for code in RECIPES if code not in UNVARIED]
    rhythms, share = list(VARIED_RHYTHMS), list(VARIED_RHYTHMS.values())
    readers = list(READERS)
    plans = []
    for number in range(1, n + 1):
        codes = {rhythms[int(rng.choice(len(rhythms), p=share))]}
        for code in rng.permutation(shapes)[: int(rng.integers(0, 4)) if rng.random() < 0.6 else 0]:
            codes |= {str(code)} if allowed(frozenset({*codes, str(code)})) else set()
        codes |= {"PVC"} if rng.random() < 0.2 else set()
        stage = str(rng.choice(["I", "II", "III"]))
        draft = _Draft(number - 1, readers[int(rng.integers(len(readers)))], frozenset(codes))
        draft.taken = FIRST_DAY + timedelta(minutes=number)
        draft.findings = tuple(
            Finding(code, rng.uniform(0.2, 1.3), False, stage if code in STAGED else "")
            for code in sorted(codes)
        )
        draft.written = {code: 0.0 if code in RHYTHM_CODES else 100.0 for code in sorted(codes)}
        person = draw_person(draft.labels, draft.reader, rng) | {"age": float(rng.integers(18, 90))}
        draft.visit = draw_visit(person, draft.reader, 0.0, rng)
        plan = _plan(draft, number, 1 + number % folds.FOLDS, seed + VARIED_SEEDS, varied=True)
        plans.append(complete(plan))
    return plans


def _draw_drafts(records: int, floor: Floor, rng: np.random.Generator, *, boosted: bool) -> list[_Draft]:
    """First records of all patients, then the later ones of some."""
    patients = max(round(records / RECORDS_PER_PATIENT), 1)
    first, weight = choose_sets(patients, floor, rng, boosted=boosted)
    again = later_visits(first, records, rng)
    patient = np.concatenate([np.arange(patients), again])
    sets = joined(first, draw_again(first.take(again), rng))
    readers = list(READERS)
    return [
        _Draft(int(who), readers[sets.reader[row]], sets.codes(row), float(weight[who]))
        for row, who in enumerate(patient)
    ]


def _place_and_date(drafts: list[_Draft], rng: np.random.Generator) -> None:
    """Persons and visits; a patient's records follow one another by days or by years."""
    persons: dict[int, dict[str, Any]] = {}
    first: dict[int, datetime] = {}
    last: dict[int, datetime] = {}
    for draft in drafts:
        who = draft.patient
        if who not in persons:
            persons[who] = draw_person(draft.labels, draft.reader, rng)
            first[who] = draft.taken = draw_date(draft.reader, rng)
        else:
            later = DAYS_BETWEEN * np.exp(rng.normal(0, DAYS_SPREAD))
            left = rng.random() * max((LAST_DAY - last[who]) / timedelta(days=1), 0.01)
            draft.taken = last[who] + timedelta(seconds=round(min(later, left) * 86400))
        last[who] = draft.taken
        years = (draft.taken - first[who]).days / 365.25
        draft.visit = draw_visit(persons[who], draft.reader, years, rng)


def _marks(draft: _Draft) -> frozenset[str]:
    """What the folds share out evenly."""
    age = f"age {min(int(draft.visit['age']), 90) // 15}"
    return frozenset({*draft.written, f"sex {draft.visit['sex']}", age, f"by {draft.reader}"})


def _test_shares(drafts: list[_Draft]) -> dict[str, float]:
    """Share of each reader's records in each of folds 9 and 10, which hold a tenth of all each."""
    by_reader = Counter(draft.reader for draft in drafts)
    expected = sum(TEST_SHARE[reader] * count for reader, count in by_reader.items())
    scale = len(drafts) / folds.FOLDS / max(expected, 1.0)
    return {f"by {reader}": min(scale * share, 0.4) for reader, share in TEST_SHARE.items()}


def _plan(draft: _Draft, number: int, fold: int, seed: int, *, varied: bool) -> RecordPlan:
    """Number the record; columns that follow from its signal stay empty."""
    low, high = filenames(number)
    return RecordPlan(
        ecg_id=number,
        patient_id=float(draft.patient + 1),
        recording_date=f"{draft.taken:%Y-%m-%d %H:%M:%S}",
        report="",
        scp_codes=in_ptbxl_order(draft.written),
        heart_axis=None,
        infarction_stadium1=None,
        infarction_stadium2=None,
        baseline_drift=None,
        static_noise=None,
        burst_noise=None,
        electrodes_problems=None,
        extra_beats=None,
        pacemaker=None,
        strat_fold=fold,
        filename_lr=low,
        filename_hr=high,
        findings=draft.findings,
        sampling_weight=draft.weight,
        seed=seed,
        varied=varied,
        **draft.visit,
    )
