"""A grammar writes many sentences of few productions, and reads what it wrote."""

import random
from collections import Counter

import pytest

from twelvelead.instruct import dialogue, ecgqa, feature, morphology, report_words, rhythm
from twelvelead.instruct.answer import ANSWERS
from twelvelead.instruct.grammar import Grammar
from twelvelead.instruct.wording import NAMES


def test_branches_rules_and_slots_are_written_and_read_back():
    grammar = Grammar(
        {"ask": ["[does|would] {ecg} show [any |]{name}?"], "ecg": ["this ECG", "the [page|sheet]"]}
    )
    assert grammar.count("ask") == 2 * 3 * 2
    assert grammar.slots("ask") == {"name"}
    rng = random.Random(1)
    texts = {grammar.expand("ask", {"name": "LVH"}, rng)[0] for _ in range(400)}
    assert len(texts) == 12
    for text in texts:
        assert [dict(slots)["name"].removeprefix("any ") for slots in grammar.read("ask", text)] == ["LVH"]
    assert list(grammar.read("ask", "does it show LVH?")) == []


def test_weights_are_kept():
    grammar = Grammar({"say": [(9, "often"), "rarely"]})
    rng = random.Random(2)
    said = Counter(grammar.expand("say", {}, rng)[0] for _ in range(2000))
    assert 0.87 < said["often"] / 2000 < 0.93


def test_an_id_belongs_to_the_text_of_a_production_not_to_its_place():
    first = Grammar({"say": ["[one|1] of {x}", "two of {x}"]})
    later = Grammar({"say": [(5, "three of {x}"), "two of {x}", "[one|1] of {x}"]})
    assert first.ids("say") == tuple(reversed(later.ids("say")[1:]))
    assert first.ids("say") == ("m68b", "tx9p")


@pytest.mark.parametrize("text", ["[open", "closed]", "{say}"])
def test_broken_productions_are_refused(text):
    with pytest.raises(ValueError, match=r"bracket|own name"):
        Grammar({"say": [text]})


@pytest.mark.parametrize("family", [feature, rhythm, morphology, ecgqa])
def test_each_rule_has_thousands_of_sentences(family):
    for rule in family.QUESTIONS._rules:
        form = rule.split(".")[0]
        if form in ("closed", "open", "choice", "verify", "choose", "query") and "." in rule:
            least = {"closed": 20_000, "verify": 1_000}.get(form, 1_000)
            tail = (
                family.QUESTIONS.count("briefly") + family.QUESTIONS.count("at_length")
                if form == "closed"
                else 1
            )
            assert family.QUESTIONS.count(rule) * tail > least, rule


def test_answers_and_reports_vary():
    assert report_words.REPORTS.count("") > 5_000
    assert ANSWERS.count("present") * min(len(words) for words in NAMES.values()) > 1_000
    assert len(dialogue.LEADING_ON) > 5


def test_each_statement_has_three_names_and_no_name_two_statements():
    names = Counter(
        name.casefold().removeprefix("an ").removeprefix("a ") for words in NAMES.values() for name in words
    )
    assert max(names.values()) == 1
    assert min(len(words) for words in NAMES.values()) >= 3
    assert len(NAMES) == 71
