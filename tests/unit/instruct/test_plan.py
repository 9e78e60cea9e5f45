"""The planner on hand-made cohorts: balance, hard negatives, shares, pages that tell what is asked."""

import math
import random
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twelvelead.ecg.lead import LEADS
from twelvelead.ecg.statement import STATEMENTS
from twelvelead.instruct.askable import related
from twelvelead.instruct.case import NOISES, STAGES, WAVES, Case
from twelvelead.instruct.cohort import BANDS, CODES, Cohort
from twelvelead.instruct.limit import limits_of
from twelvelead.instruct.plan import plan, spread
from twelvelead.instruct.sample import FREE_FAMILIES
from twelvelead.instruct.shards import MAKERS, conversations

EVEN = dict.fromkeys(FREE_FAMILIES, 1.0)
CLOSED = ("closed", "verify")


def make_rows(count=400, seed=1):
    """Records with statements, values and remarks at random, some of each unknown."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        codes = [CODES[i] for i in rng.permutation(len(CODES))[: rng.integers(0, 5)]]
        row = {"record_id": f"{number:05d}", "fold": 1, "age": 50.0}
        row["statements"] = [
            {"code": code, "likelihood": float(rng.choice([0, 15, 50, 100]))} for code in codes
        ]
        row["sex"] = ("male", "female", "")[number % 3]
        for name, middle in (
            ("rate_bpm", 80),
            ("pr_ms", 160),
            ("qrs_ms", 100),
            ("qtc_ms", 430),
            ("axis_deg", 30),
        ):
            row[name] = np.float32(math.nan if rng.random() < 0.1 else rng.normal(middle, middle / 3))
        row["ectopic_beats"] = np.float32(rng.poisson(0.5))
        row["irregular"], row["p_present"] = (np.float32(rng.random() < 0.4) for _ in range(2))
        row["heart_axis"] = ("MID", "LAD", "ALAD", None)[number % 4]
        row["infarction_stadium1"] = (None, "Stadium II", "Stadium III", "unknown", None)[number % 5]
        for kind in NOISES:
            row[kind] = rng.choice([None, "I,V3", " , alles", "?"])
        for wave in WAVES:
            row[wave] = None if number % 7 == 0 else rng.normal(0.3, 0.4, 12).astype(np.float32)
        rows.append(row)
    return rows


ROWS = make_rows()
COHORT = Cohort.of(ROWS)
CASES = [Case.from_row(row, row["record_id"]) for row in ROWS]


def make_plan(questions=40.0, shares=EVEN, seed=3, cohort=COHORT):
    return plan(cohort, limits_of(COHORT), questions, shares, np.random.default_rng(seed))


def test_a_cohort_says_what_its_cases_say():
    taken = COHORT.take(np.arange(len(ROWS))[::-1])
    for number, case in enumerate(reversed(CASES)):
        assert [CODES[i] for i in np.flatnonzero(taken.codes[number])] == list(case.codes)
        for name, column in taken.values.items():
            value = case.value(name)
            assert value == column[number] if value is not None else math.isnan(column[number])
        for name, column in taken.bands.items():
            assert ("", *BANDS)[column[number] + 1] == case.band(name)
        assert ("", *STAGES)[taken.stage[number] + 1] == case.stage
        for place, kind in enumerate(NOISES):
            leads = case.noise.get(kind)
            noise = taken.noise[number, place]
            assert (noise == -1).all() if leads is None else tuple(np.array(LEADS)[noise == 1]) == leads


def test_each_closed_question_has_as_many_yes_as_no_pages_in_every_family():
    made = make_plan()
    answers = Counter()
    for page, case in enumerate(CASES):
        alone, turns = made.of(page)
        for place, items in (("alone", alone), ("turn", turns)):
            for item in items:
                if item.format in CLOSED:
                    holds = case.holds(item)
                    assert holds is not None, item
                    answers[place, item, holds] += 1
    asked = {(place, item) for place, item, _ in answers}
    assert len(asked) > 500
    assert {item.kind for _, item in asked} == {
        *("statement", "subclass", "superclass", "group"),
        *("axis", "stage", "noise", "sign", "numeric"),
    }
    for place, item in asked:
        assert answers[place, item, True] == answers[place, item, False] > 0


def test_every_planned_question_can_be_worded_and_few_answers_are_empty():
    made = make_plan(questions=60.0)
    empty, asked, families = 0, 0, Counter()
    for page, case in enumerate(CASES):
        rng = random.Random(page)
        alone, turns = made.of(page)
        for item in [*alone, *conversations(turns, rng)]:
            sample = MAKERS[item.family](case, item, rng)
            families[sample.family] += 1
            if item.format in ("query", "choose"):
                asked += 1
                empty += sample.answer == "None"
    assert set(families) == set(FREE_FAMILIES)
    assert sum(families.values()) == pytest.approx(60 * len(CASES), rel=0.15)
    assert empty < 0.2 * asked


def test_pages_get_about_the_same_number_of_questions():
    counts = [len(made[0]) + len(made[1]) / 3 for made in map(make_plan(20.0).of, range(len(CASES)))]
    assert np.mean(counts) == pytest.approx(20, rel=0.1)
    assert np.std(counts) < 3


def test_a_no_is_taken_from_pages_that_are_easily_mistaken():
    """Half the pages without ISCAL have ISCAS, of its subclass: they get three quarters of the No."""
    codes = [["ISCAL"]] * 20 + [["ISCAS"]] * 60 + [["NORM"]] * 120
    rows = [
        {"record_id": f"{n}", "fold": 1, "statements": [{"code": c, "likelihood": 100.0} for c in own]}
        for n, own in enumerate(codes)
    ]
    cohort = Cohort.of(rows)
    holds = cohort.codes[:, CODES.index("ISCAL")]
    assert related(cohort, holds, ("ISCAL",)).tolist() == [own == ["ISCAS"] for own in codes]
    made = make_plan(4.0, {"morphology": 1.0}, cohort=cohort)
    no = [
        page
        for page in range(20, 200)
        for item in made.of(page)[0]
        if item.format == "closed" and item.kind == "statement" and item.target == "ISCAL"
    ]
    assert len(no) >= 8
    assert sum(page < 80 for page in no) >= 0.7 * len(no)


def test_what_nearly_means_the_same_is_no_hard_negative():
    codes = [["LVH", "VCLVH"]] * 10 + [["VCLVH"]] * 10 + [["NORM"]] * 40
    rows = [
        {"record_id": f"{n}", "fold": 1, "statements": [{"code": c, "likelihood": 100.0} for c in own]}
        for n, own in enumerate(codes)
    ]
    cohort = Cohort.of(rows)
    assert not related(cohort, cohort.codes[:, CODES.index("LVH")], ("LVH",)).any()


def test_the_plan_is_its_seed_and_cuts_say_the_same():
    one, two, other = make_plan(), make_plan(), make_plan(seed=4)
    assert (one.items, one.asked.tolist()) == (two.items, two.asked.tolist())
    assert one.asked.tolist() != other.asked.tolist()
    part = one.cut(100, 140)
    assert [part.of(page) for page in range(40)] == [one.of(page) for page in range(100, 140)]


def test_no_questions_or_no_shares_make_an_empty_plan():
    for made in (make_plan(0.0), make_plan(5.0, {})):
        assert [made.of(page) for page in range(len(made))] == [([], [])] * len(CASES)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.01, 10), st.integers(0, 50)), min_size=1, max_size=30),
    st.integers(0, 800),
    st.booleans(),
)
def test_spread_fills_what_there_is_room_for(options, wanted, pairs):
    weights, room = (np.array(column) for column in zip(*options, strict=True))
    counts = spread(wanted, weights.astype(float), room, np.random.default_rng(1), pairs=pairs)
    assert (counts <= room).all()
    assert (counts >= 0).all()
    unit = 2 if pairs else 1
    assert (counts % unit == 0).all()
    assert abs(counts.sum() - min(wanted, (room // unit * unit).sum())) <= unit + len(options) * (
        wanted > room.sum()
    )


def test_dialogues_have_two_to_four_different_turns_and_none_is_lost():
    item = make_plan().items[0]
    for count in range(12):
        turns = [replace(item, lead=f"{n}") for n in range(count)]
        made = list(conversations(turns, random.Random(count)))
        told = [part for one in made for part in (one.parts or (one,)) if part.target != "impression"]
        assert sorted(told, key=lambda one: int(one.lead)) == turns
        assert all(2 <= len(one.parts) <= 4 for one in made if one.parts)
        assert count == 1 or all(one.parts for one in made)


def test_every_statement_can_be_asked_about():
    rows = [
        {"record_id": code, "fold": 1, "statements": [{"code": code, "likelihood": 100.0}]}
        for code in STATEMENTS
    ]
    made = make_plan(30.0, {"morphology": 2.0, "rhythm": 1.0}, cohort=Cohort.of(rows))
    assert {item.target for item in made.items if item.kind == "statement" and item.format == "closed"} == {
        *STATEMENTS
    }
