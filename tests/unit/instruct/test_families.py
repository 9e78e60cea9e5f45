"""What holds for all families: many wordings, fair options, the same sample from the same seed."""

import random
import re
from collections import Counter

import pytest

from twelvelead.ecg.statement import STATEMENTS
from twelvelead.errors import DataError
from twelvelead.instruct import dialogue, ecgqa, feature, morphology, report, rhythm
from twelvelead.instruct.case import Case
from twelvelead.instruct.ecgqa_json import answer_list, answer_text
from twelvelead.instruct.foil import NEAR_IN_MEANING, foils, numbers
from twelvelead.instruct.sample import Item
from twelvelead.instruct.wording import names

ROW = {"record_id": "00042", "fold": 10, "sex": "female", "age": 61.0, "heart_axis": "ALAD"}
ROW |= {"rate_bpm": 71.6, "pr_ms": 212.0, "qrs_ms": 94.0, "qtc_ms": 455.0, "axis_deg": -52.0}
ROW |= {"irregular": 0.0, "p_present": 1.0, "premature_beats": 1.0, "infarction_stadium1": "Stadium II"}
CODES = {"IMI": 15.0, "LVH": 50.0, "LAFB": 100.0, "SR": 0.0, "PVC": 0.0}
CASE = Case.from_row(ROW | {"statements": [{"code": code, "likelihood": how} for code, how in CODES.items()]})
ASKED = [
    (morphology, Item("morphology", "closed", "statement", "IMI")),
    (morphology, Item("morphology", "closed", "statement", "CLBBB")),
    (morphology, Item("morphology", "closed", "superclass", "STTC")),
    (morphology, Item("morphology", "open", "superclass", "CD")),
    (morphology, Item("morphology", "fill", "group", "diagnostic")),
    (morphology, Item("morphology", "choice", "statement", "LVH")),
    (rhythm, Item("rhythm", "open", "group", "rhythm")),
    (rhythm, Item("rhythm", "closed", "statement", "AFIB")),
    (feature, Item("feature", "closed", "numeric", "pr_ms", low=200)),
    (feature, Item("feature", "open", "numeric", "qtc_ms")),
    (feature, Item("feature", "choice", "axis", "left")),
    (report, Item("report", "report")),
    (ecgqa, Item("ecgqa", "choose", "statement", "LVH")),
    (ecgqa, Item("ecgqa", "query", "superclass", "MI")),
    (dialogue, Item("dialogue", "dialogue")),
]


@pytest.mark.parametrize(("family", "item"), ASKED)
def test_the_same_seed_makes_the_same_sample_and_another_another(family, item):
    made = [family.make(CASE, item, random.Random(seed)) for seed in (1, 1, 2, 3, 4)]
    assert made[0] == made[1]
    assert len({sample.question for sample in made}) > 2
    assert all(sample.template.startswith(f"{item.family}.{item.format}.") for sample in made)


@pytest.mark.parametrize(("family", "item"), ASKED)
def test_no_sentence_dominates(family, item):
    """Of one fixed item no sentence fills a sixth; over all items that a data set mixes, none fills 1 %."""
    rng = random.Random(7)
    said = Counter()
    for _ in range(1200):
        sample = family.make(CASE, item, rng)
        texts = {sample.question.split("\n")[0]}
        if item.format in ("open", "report", "dialogue"):
            texts |= set(re.split(r"(?<=[.?!])\s+", sample.answer))
        said.update(texts - {"A.", "B.", "C.", "D.", "E."})
    assert said.most_common(1)[0][1] < 200
    questions = Counter(family.make(CASE, item, rng).question for _ in range(1200))
    assert questions.most_common(1)[0][1] <= 30


def test_a_question_does_not_tell_its_answer():
    """The words of a closed question are drawn before the answer is known: the same for yes and for no."""
    without = Case.from_row(ROW | {"statements": [{"code": "SR", "likelihood": 0.0}]})
    for item in (
        Item("morphology", "closed", "statement", "IMI"),
        Item("morphology", "closed", "superclass", "MI"),
    ):
        for seed in range(200):
            yes = morphology.make(CASE, item, random.Random(seed))
            no = morphology.make(without, item, random.Random(seed))
            assert yes.answer.startswith("Yes")
            assert no.answer.startswith("No")
            assert yes.question.split("?")[0] == no.question.split("?")[0]


def test_every_letter_is_right_as_often_as_another():
    rng = random.Random(3)
    item = Item("morphology", "choice", "statement", "LVH")
    made = [morphology.make(CASE, item, rng) for _ in range(3000)]
    four = [sample for sample in made if "\nE." not in sample.question]
    right = Counter(
        re.search(r"\b([A-E])\b(?!.*\b[A-E]\b)|([A-E])[.:)]", sample.answer)[0][0] for sample in four
    )
    assert set(right) == set("ABCD")
    assert all(0.2 < count / len(four) < 0.3 for count in right.values())


@pytest.mark.parametrize("code", list(STATEMENTS))
def test_a_foil_is_no_statement_of_the_record_nor_near_one(code):
    for seed in range(5):
        drawn = foils(CASE, "statement", code, 4, random.Random(seed))
        assert len(set(drawn)) == 4
        assert not set(drawn) & {*CODES, code}
        for group in NEAR_IN_MEANING:
            assert not (set(drawn) & set(group) and {*CODES, code} & set(group))


@pytest.mark.parametrize(
    ("name", "value"), [("pr_ms", 120.0), ("rate_bpm", 40.0), ("axis_deg", 175.0), ("axis_deg", -170.0)]
)
def test_numbers_to_choose_from_are_apart_and_possible(name, value):
    for seed in range(50):
        options = numbers(name, value, 5, random.Random(seed))
        assert options[0] == value
        assert len(set(options)) == 5
        assert min(options) > (-181 if name == "axis_deg" else 0)
        assert name != "axis_deg" or max(options) <= 180


def test_planned_foils_are_offered_and_those_that_hold_are_not():
    item = Item("morphology", "choice", "statement", "LVH", foils=("CLBBB", "IMI", "RVH"))
    for seed in range(30):
        question = morphology.make(CASE, item, random.Random(seed)).question.split("\n", 1)[1]
        assert any(name in question for name in names("statement", "CLBBB"))
        assert not any(name in question for name in names("statement", "IMI"))


def test_answers_of_ecgqa_are_lists_in_the_exchange_format():
    rng = random.Random(4)
    items = [
        Item("ecgqa", "query", "group", "diagnostic"),
        Item("ecgqa", "query", "superclass", "STTC"),
        Item("ecgqa", "query", "numeric", "above"),
        Item("ecgqa", "choose", "statement", "LVH"),
        Item("ecgqa", "verify", "stage", "II"),
    ]
    for item in items * 20:
        answer = ecgqa.make(CASE, item, rng).answer
        assert answer_text(answer_list(answer)) == answer
    assert ecgqa.make(CASE, items[1], rng).answer == "None"
    assert ecgqa.make(CASE, items[2], rng).answer == "PR interval"
    assert len(answer_list(ecgqa.make(CASE, items[0], rng).answer)) == 3


def test_what_the_record_does_not_tell_is_not_asked():
    unknown = Case("1", "1-0", 1, {"SR": 0.0})
    for family, item in [
        (feature, Item("feature", "closed", "numeric", "pr_ms", low=200)),
        (feature, Item("feature", "open", "axis")),
        (feature, Item("feature", "choice", "numeric", "pr_ms")),
        (morphology, Item("morphology", "open", "stage")),
        (ecgqa, Item("ecgqa", "query", "noise", "static_noise")),
        (ecgqa, Item("ecgqa", "choose", "axis", "left")),
    ]:
        with pytest.raises(DataError, match="does not tell"):
            family.make(unknown, item, random.Random(1))


def test_a_family_refuses_what_it_does_not_ask():
    with pytest.raises(DataError, match="no closed question"):
        rhythm.make(CASE, Item("rhythm", "closed", "stage", "II"), random.Random(1))
    with pytest.raises(DataError, match="2 to 4"):
        dialogue.make(
            CASE, Item("dialogue", "dialogue", parts=(Item("rhythm", "open", "group", "rhythm"),)), random
        )


def test_a_planned_dialogue_has_its_parts_in_order():
    parts = (
        Item("rhythm", "open", "group", "rhythm"),
        Item("morphology", "closed", "statement", "LVH"),
        Item("report", "report", target="impression"),
    )
    sample = dialogue.make(CASE, Item("dialogue", "dialogue", parts=parts), random.Random(5))
    assert sample.template == "dialogue.dialogue.rhythm.open+morphology.closed+report.report"
    assert sample.turns[0][1].startswith("Yes")
    assert len(sample.turns) == 2
    assert sample.answer_source == "scp_codes.group.rhythm+scp_codes.LVH+scp_codes+facts"
