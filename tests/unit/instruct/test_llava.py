"""LLaVA's items: any spelling is read, one is written, and what was written is read back the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvelead.errors import DataError
from twelvelead.instruct import llava
from twelvelead.instruct.conversation import Conversation, Named

TEXT = st.text(min_size=1, max_size=80).filter(lambda text: text.strip() and "<image>" not in text)
TURNS = st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4).map(tuple)
OWN = {
    "page_id": "00007-0",
    "record_id": "00007",
    "patient_id": "41",
    "fold": 3,
    "family": "rhythm",
    "format": "open",
    "code": "",
    "answer_source": "rate_bpm",
    "template": "rhythm.open.4",
    "seed": 1,
}


def turns(*said: tuple[str, str], role: str = "from", text: str = "value") -> list[dict[str, str]]:
    return [{role: who, text: what} for who, what in said]


def item(*said: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {"id": "mimic-44111511", "image": "mimic/p1127/s44111511/44111511-0.png"} | {
        "conversations": turns(*said),
        **more,
    }


QUESTION, ANSWER = ("human", "<image>\nWhat is the rate?"), ("gpt", "72 bpm")


@given(turns=TURNS, name=TEXT, path=TEXT)
def test_what_is_written_is_read_back_the_same(turns: Any, name: str, path: str) -> None:
    written = llava.to_item(Conversation(name, path, turns, OWN))
    assert llava.parse(written, "here") == Conversation(name, path, turns, OWN, (Named("", "00007"),))
    spoken = [turn["value"] for turn in written["conversations"]]
    assert sum(text.count("<image>") for text in spoken) == 1
    assert spoken[0].startswith("<image>\n")


@given(turns=TURNS)
def test_every_spelling_means_the_same(turns: Any) -> None:
    said = [line for pair in turns for line in zip(("human", "gpt"), pair, strict=True)]
    new = {"human": "User", "gpt": "assistant"}
    there = [("human", f"<image>\n{said[0][1]}"), *said[1:]]
    behind = [("human", f"{said[0][1]}\n<image>"), *said[1:]]
    spellings = [
        {"conversations": [{"from": who, "value": what} for who, what in there]},
        {"conversation": [{"from": new[who], "value": what} for who, what in said]},
        {"conversations": [{"role": new[who], "content": what} for who, what in behind]},
        {"messages": [{"role": new[who], "content": what} for who, what in there]},
    ]
    for spelling in spellings:
        assert llava.parse({"id": "a", "image": "a.png", **spelling}, "").turns == turns


@pytest.mark.parametrize(
    ("path", "name", "record"),
    [
        (
            "mimic/p1127/p11273115/s44111511/44111511-0.png",
            "mimic-44111511",
            Named("mimic-iv-ecg", "44111511"),
        ),
        ("test_images/ptb_test_v4/07190_hr-0.png", "ptb-report-07190_hr-0", Named("ptb-xl", "07190")),
        ("gen_images\\ptb-xl-gen\\records500\\00123_lr.png", "x", Named("ptb-xl", "00123")),
        ("cod15_v4/12345-0.png", "code15-12345", None),  # a bare number may be anybody's
    ],
)
def test_paths_and_ids_name_the_record(path: str, name: str, record: Named | None) -> None:
    found = llava.parse(item(QUESTION, ANSWER, image=path, id=name), "").records
    assert found[:1] == ((record,) if record else ())


def test_rows_of_ecgbench_name_their_picture_in_another_column() -> None:
    row = item(QUESTION, ANSWER, image={"bytes": b"", "path": None}, image_path="ptbxl/00123_hr-0.png")
    assert llava.parse(row, "").image == "ptbxl/00123_hr-0.png"


@pytest.mark.parametrize(
    ("faulty", "sentence"),
    [
        (item(("human", "<image>\n<image>\nWhich?"), ANSWER), "says <image> 2 times"),
        (item(QUESTION, ANSWER, ("human", "<image>\nAnd?"), ANSWER), "says <image> 2 times"),
        (item(("human", "What is <image> here?"), ANSWER), "says <image> inside a text"),
        (item(("human", "Which?"), ANSWER, ("human", "<image>\nAnd?"), ANSWER), "behind the first turn"),
        (item(QUESTION), "the last question has no answer"),
        (item(QUESTION, ANSWER, ANSWER), "turn 3 is by 'gpt'"),
        (item(("system", "Be kind."), ("human", "Rate?"), ANSWER), "turn 1 is by 'system'"),
        (item(QUESTION, ("gpt", " \n")), "turn 2 is empty"),
        (item(("human", "<image>\n"), ANSWER), "turn 1 is empty"),
        (item(), "the conversation has no turns"),
        (item(QUESTION, ("gpt", None)), "turn 2 lacks its role or its text"),  # type: ignore[arg-type]
        ({"id": 1, "image": "a.png", "text": "?"}, "has no conversation"),
        (item(QUESTION, ANSWER, image=None), "has no picture"),
        (item(QUESTION, ANSWER, image=["a.png", "b.png"]), "shows 2 pictures"),
        (item(QUESTION, ANSWER, page_id="1-0", record_id="1", fold="3"), "fold is '3'"),
    ],
)
def test_a_faulty_item_is_refused_by_its_number_and_id(faulty: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DataError, match="item 12 \\(id 'mimic-44111511'\\)") as refused:
        llava.parse(faulty, "a.json item 12 (id 'mimic-44111511')")
    assert sentence in refused.value.what


def test_a_text_that_says_image_itself_is_not_written() -> None:
    with pytest.raises(DataError, match="turn 3 or its answer says <image>"):
        llava.to_item(Conversation("a", "a.png", (("What?", "That."), ("And?", "See <image>."))))
