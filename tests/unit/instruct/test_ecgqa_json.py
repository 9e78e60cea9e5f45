"""ECG-QA's items: answers are lists, one ECG a question, and round trips keep all of an item."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvelead.errors import DataError
from twelvelead.instruct import ecgqa_json
from twelvelead.instruct.conversation import Conversation, Named

WORDS = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters=";"), min_size=1, max_size=30
).filter(lambda text: text.strip() and text not in ecgqa_json._ECGQA_WORDS)
ITEM = st.fixed_dictionaries(
    {
        "template_id": st.integers(1, 70),
        "question_id": st.integers(0, 9999),
        "sample_id": st.integers(0, 10**6),
        "question_type": st.sampled_from(["single-verify", "single-choose", "single-query"]),
        "attribute_type": st.sampled_from(["scp_code", "noise", "heart_axis", "numeric_feature"]),
        "question": WORDS,
        "answer": st.lists(
            WORDS | st.sampled_from(["yes", "no", "not sure", "none"]), min_size=1, max_size=4
        ),
        "ecg_id": st.lists(st.integers(1, 21837), min_size=1, max_size=1),
        "attribute": st.lists(WORDS, min_size=1, max_size=3),
    }
)
VERIFY = {
    "template_id": 1,
    "question_id": 0,
    "sample_id": 7,
    "question_type": "single-verify",
    "attribute_type": "scp_code",
    "question": "Is there evidence of non-diagnostic t abnormalities on this ECG?",
    "answer": ["yes"],
    "ecg_id": [12662],
    "attribute": ["non-diagnostic t abnormalities"],
}


@given(item=ITEM)
def test_an_item_of_theirs_comes_back_as_it_was(item: dict[str, Any]) -> None:
    read = ecgqa_json.parse(item, "here")
    record = f"{item['ecg_id'][0]:05d}"
    assert read.records == (Named("ptb-xl", record),)
    there = Conversation(read.id, "", read.turns, {**read.about, "record_id": record})
    written = ecgqa_json.to_item(there, item["sample_id"])
    assert {name: written[name] for name in item} == item


@given(
    question=WORDS,
    answers=st.lists(WORDS | st.sampled_from(["Yes", "No", "None"]), min_size=1, max_size=3),
    form=st.sampled_from(["closed", "verify", "choose", "query"]),
    number=st.integers(0, 10**6),
)
def test_a_sample_of_ours_comes_back_with_its_provenance(
    question: str, answers: list[str], form: str, number: int
) -> None:
    answer = "; ".join(answers)
    about = {"record_id": "f-1", "page_id": "f-1-0", "fold": 9, "format": form, "template": "ecgqa.verify.3"}
    ours = Conversation("f-1-0-004", "", ((question, answer),), about)
    assert ecgqa_json.parse(ecgqa_json.to_item(ours, number), "") == Conversation(
        "f-1-0-004", "", ((question, answer),), about, (Named("", "f-1"),)
    )


def test_a_question_on_one_statement_is_known_by_its_code() -> None:
    read = ecgqa_json.parse(VERIFY, "")
    assert read.turns == ((VERIFY["question"], "Yes"),)
    assert read.about["code"] == "NDT"
    assert read.about["family"] == "ecgqa"
    assert read.about["format"] == "verify"
    assert read.about["answer_source"] == "ecgqa.scp_code:non-diagnostic t abnormalities"


def test_a_sentence_that_verifies_says_its_word_and_comes_back_whole() -> None:
    about = {"record_id": "1", "page_id": "1-0", "format": "verify", "answer_source": "scp_codes.SR"}
    ours = Conversation("a", "", (("Is it?", "No, there is no sign of it; none."),), about)
    item = ecgqa_json.to_item(ours, 0)
    assert item["answer"] == ["no"]
    assert ecgqa_json.parse(item, "").turns == ours.turns
    assert ecgqa_json.parse(item | {"answer": ["yes"]}, "").turns == (("Is it?", "Yes"),)


def test_a_label_of_ours_leaves_its_likelihood_beside_the_list() -> None:
    about = {"record_id": "1", "page_id": "1-0", "format": "query", "template": "ecgqa.query.3"}
    said = "third degree AV block (cannot be excluded); sinus rhythm"
    item = ecgqa_json.to_item(Conversation("a", "", (("Which?", said),), about), 0)
    assert item["answer"] == ["third degree AV block", "sinus rhythm"]
    assert item["answer_text"] == said
    assert ecgqa_json.parse(item, "").turns == (("Which?", said),)


def test_answers_with_commas_stay_whole() -> None:
    both = ["bigeminal pattern (unknown origin, supraventricular, or ventricular)", "sinus rhythm"]
    text = ecgqa_json.answer_text(both)
    assert ecgqa_json.answer_list(text) == both


def test_none_and_an_empty_list_mean_the_same() -> None:
    assert ecgqa_json.answer_text([]) == ecgqa_json.answer_text(["none"]) == "None"


def test_a_study_of_mimic_is_no_record_of_ptbxl() -> None:
    read = ecgqa_json.parse(VERIFY | {"ecg_id": [43402541]}, "")
    assert read.records == (Named("mimic-iv-ecg", "43402541"),)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"ecg_id": [17229, 20344], "question_type": "comparison_irrelevant-query"}, "compares two ECGs"),
        ({"ecg_id": []}, "ecg_id is []"),
        ({"ecg_id": ["x"]}, "ecg_id is 'x'"),
        ({"question": " "}, "has no question"),
        ({"answer": "yes"}, "answer is 'yes'"),
        ({"answer": ["a; b"]}, "the answer 'a; b' is empty or holds '; '"),
        ({"question_type": "double-verify"}, "question_type is 'double-verify'"),
    ],
)
def test_a_faulty_item_is_refused_with_the_reason(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DataError, match="item 4 of 3") as refused:
        ecgqa_json.parse(VERIFY | change, "item 4 of 3")
    assert refused.value.what == sentence


@pytest.mark.parametrize(
    ("turns", "form", "sentence"),
    [
        ((("a?", "b"), ("c?", "d")), "query", "has several turns"),
        ((("Write a report.", "Sinus rhythm."),), "report", "is of format 'report'"),
        ((("Which?", "B. sinus rhythm"),), "choice", "is of format 'choice'"),
        ((("Which?", "a;b"),), "query", "has an answer that is no list"),
    ],
)
def test_what_their_format_cannot_say_is_named(turns: Any, form: str, sentence: str) -> None:
    ours = Conversation("a", "", turns, {"record_id": "1", "format": form})
    with pytest.raises(ecgqa_json.CannotExpress) as refused:
        ecgqa_json.to_item(ours, 0)
    assert refused.value.what == sentence
