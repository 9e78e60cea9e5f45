"""Patients and their records: what they have, when they came, and in which fold they are.

Shares are those of PTB-XL. Half of the records follow the natural frequencies, half are drawn with rare
label sets boosted; `RecordPlan.sampling_weight` undoes that in a weighted count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from twelvelead.simulate import folds
from twelvelead.simulate.columns import (
    axis_column,
    draw_person,
    draw_visit,
    quality_columns,
    stadium_column,
)
from twelvelead.simulate.labels import RHYTHM_CODES, again, allowed, draw_codes, draw_findings
from twelvelead.simulate.plan import POPULATION, Finding, RecordPlan, filenames, in_ptbxl_order, stream
from twelvelead.simulate.record import noise_of, settle
from twelvelead.simulate.report import write
from twelvelead.simulate.statements import RECIPES

RECORDS_PER_PATIENT = 21799 / 18869
FLOOR_SHARE = 0.048  # of all records: at least 12 positives in each of folds 9 and 10 of 3,000 records
FLOOR = 18  # and one or two in each of them of 300
POOL = 4  # label sets drawn for each one that the boosted half keeps
FIRST_DAY, DAYS = datetime(1984, 11, 9), 6080
VARIED_SEEDS = 1 << 32  # keeps the streams of `draw_varied` apart from those of every population


@dataclass(slots=True)
class _Draft:
    """A record before it has a number."""

    patient: int
    labels: frozenset[str]
    findings: tuple[Finding, ...] = ()
    written: dict[str, float] = field(default_factory=dict)
    stage: str = ""
    taken: datetime = FIRST_DAY
    visit: dict[str, Any] = field(default_factory=dict)


def draw_population(records: int, seed: int) -> list[RecordPlan]:
    """Plan a data set.

    Args:
        records: How many records; patients are about 13 % fewer.
        seed: The same seed gives the same plans, and with them the same bytes.

    Returns:
        Plans with ecg_id 1 … records, in order of recording date.
    """
    rng = stream(seed, POPULATION)
    sets, weigh = _label_sets(round(records / RECORDS_PER_PATIENT), rng)
    drafts = [_Draft(patient, labels) for patient, labels in enumerate(sets)]
    for patient in rng.integers(len(sets), size=records - len(sets)):
        drafts.append(_Draft(int(patient), again(sets[patient], rng)))
    for draft in drafts:
        draft.findings, draft.written, draft.stage = draw_findings(draft.labels, rng)
    _raise_to_floor(drafts, rng)
    _place_and_date(drafts, sets, rng)
    drafts.sort(key=lambda draft: draft.taken)
    bands = [f"age {min(int(draft.visit['age']), 90) // 15}" for draft in drafts]
    fold = folds.assign(
        [draft.patient for draft in drafts],
        [
            frozenset({*d.written, f"sex {d.visit['sex']}", band})
            for d, band in zip(drafts, bands, strict=True)
        ],
        rng,
    )
    return [
        _finish(draft, number, fold[number - 1], weigh(draft.labels), seed, rng)
        for number, draft in enumerate(drafts, start=1)
    ]


def draw_varied(n: int, seed: int) -> list[RecordPlan]:
    """Single records that spread physiology widely, for learning to measure rather than to diagnose.

    Rates 35–160, axes −80…+120, QRS 75–170 ms, PR 110–320 ms, ectopic beats, irregular rhythms, Q waves,
    voltages and T waves of all kinds; statements in any combination that the exclusions allow.
    """
    rng = stream(seed + VARIED_SEEDS, POPULATION)
    shapes = [code for code in RECIPES if code not in (*RHYTHM_CODES, "NORM", "PVC")]
    rhythm_share = np.array([0.35, 0.30, 0.20, 0.15])
    plans = []
    for number in range(1, n + 1):
        codes = {RHYTHM_CODES[int(rng.choice(4, p=rhythm_share))]}
        for code in rng.permutation(shapes)[: int(rng.integers(0, 4)) if rng.random() < 0.6 else 0]:
            codes |= {str(code)} if allowed(frozenset({*codes, str(code)})) else set()
        codes |= {"PVC"} if rng.random() < 0.2 else set()
        stage = str(rng.choice(["I", "II", "III"]))
        draft = _Draft(number - 1, frozenset(codes), stage=stage, taken=FIRST_DAY + timedelta(minutes=number))
        draft.findings = tuple(Finding(code, rng.uniform(0.2, 1.3), False, stage) for code in sorted(codes))
        draft.written = {code: 0.0 if code in RHYTHM_CODES else 100.0 for code in codes}
        person = draw_person(draft.labels, rng) | {"age": float(rng.integers(18, 90))}
        draft.visit = draw_visit(person, 0.0, rng)
        plans.append(
            _finish(draft, number, 1 + number % folds.FOLDS, 1.0, seed + VARIED_SEEDS, rng, varied=True)
        )
    return plans


def _label_sets(
    patients: int, rng: np.random.Generator
) -> tuple[list[frozenset[str]], Callable[[frozenset[str]], float]]:
    """Label sets, half natural and half boosted by 1/√(count of the rarest statement), and their weights."""
    pool = [draw_codes(rng) for _ in range(POOL * max(patients, 250))]
    counts = Counter(code for labels in pool for code in labels)
    boost = np.array([max(counts[code] ** -0.5 for code in labels) if labels else 0.0 for labels in pool])
    mean = float(boost.mean())
    natural = pool[: patients // 2]
    rest = np.arange(patients // 2, len(pool))
    share = boost[rest] / boost[rest].sum()
    chosen = rng.choice(rest, size=patients - len(natural), replace=False, p=share)

    def weigh(labels: frozenset[str]) -> float:
        rarest = max((max(counts[code], 1) ** -0.5 for code in labels), default=0.0)
        return 1 / (0.5 + 0.5 * rarest / mean)

    return natural + [pool[k] for k in chosen], weigh


def _raise_to_floor(drafts: list[_Draft], rng: np.random.Generator) -> None:
    """Turn plain normal records into carriers of any statement that has too few positives to be judged."""
    floor = min(max(FLOOR, round(FLOOR_SHARE * len(drafts))), len(drafts) // 12)
    visits = Counter(draft.patient for draft in drafts)
    plain = [
        place
        for place, draft in enumerate(drafts)
        if draft.labels <= {"NORM", "SR"} and visits[draft.patient] == 1
    ]
    plain = [plain[k] for k in rng.permutation(len(plain))]
    keep = len(plain) // 4
    for code in RECIPES:
        while sum(code in draft.written for draft in drafts) < floor and len(plain) > keep:
            draft = drafts[plain.pop()]
            draft.labels = draw_codes(rng, anchor=code)
            draft.findings, draft.written, draft.stage = draw_findings(draft.labels, rng)


def _place_and_date(drafts: list[_Draft], sets: list[frozenset[str]], rng: np.random.Generator) -> None:
    persons = [draw_person(labels, rng) for labels in sets]
    first = [FIRST_DAY + timedelta(days=float(rng.uniform(0, DAYS))) for _ in sets]
    seen: set[int] = set()
    for draft in drafts:
        later = timedelta(days=float(rng.exponential(300))) if draft.patient in seen else timedelta(0)
        seen.add(draft.patient)
        draft.taken = first[draft.patient] + later
        draft.visit = draw_visit(persons[draft.patient], later.days / 365.25, rng)


def _finish(
    draft: _Draft,
    number: int,
    fold: int,
    weight: float,
    seed: int,
    rng: np.random.Generator,
    *,
    varied: bool = False,
) -> RecordPlan:
    """Number the record, settle its signal, and fill the columns that follow from the signal."""
    visit = dict(draft.visit)
    english = visit.pop("english")
    visit["validated_by_human"] = visit["validated_by_human"] or fold >= 9
    low, high = filenames(number)
    infarct = draft.stage if draft.written.keys() & {"IMI", "ASMI"} else ""
    plan = RecordPlan(
        ecg_id=number,
        patient_id=float(draft.patient + 1),
        recording_date=f"{draft.taken:%Y-%m-%d %H:%M:%S}",
        report="",
        scp_codes=in_ptbxl_order(draft.written),
        heart_axis=None,
        infarction_stadium1=stadium_column(infarct, rng),
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
        sampling_weight=weight,
        seed=seed,
        varied=varied,
        **visit,
    )
    plan, seen = settle(plan)
    axis = axis_column(seen.axis_deg, plan.site, rng)
    report = write(plan.scp_codes, axis, english=english, machine=plan.initial_autogenerated_report)
    quality = quality_columns(noise_of(plan), seen.ectopic_beats, rng)
    return replace(plan, heart_axis=axis, report=report, **quality)
