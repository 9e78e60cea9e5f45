"""LLaVA's conversation format, as ECGInstruct, PULSE and ECGBench spell it.

An item is `{"id", "image", "conversations": [{"from": "human", "value": "<image>\\n…"}, {"from": "gpt", …}]}`
(haotian-liu/LLaVA, docs/Finetune_Custom_Data.md). PULSE's report test file writes `conversation`, `user`,
`assistant` and no `<image>`; others put the mark behind the question. All are read; one spelling is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twelvelead.errors import DataError
from twelvelead.instruct.conversation import Conversation, named_records, own_columns, pairs

IMAGE = "<image>"
KEYS = ("conversations", "conversation", "messages")


def to_item(conversation: Conversation) -> dict[str, Any]:
    """The item of a conversation, `<image>` once, its provenance columns beside.

    Raises:
        DataError: A text holds `<image>` itself, so that a reader would look for a second picture.
    """
    spoken = []
    for number, (question, answer) in enumerate(conversation.turns):
        if IMAGE in question or IMAGE in answer:
            raise DataError(f"turn {2 * number + 1} or its answer says {IMAGE}", where=conversation.id)
        mark = "" if number else f"{IMAGE}\n"
        spoken += [{"from": "human", "value": mark + question}, {"from": "gpt", "value": answer}]
    item = {"id": conversation.id, "image": conversation.image, "conversations": spoken}
    return item | dict(conversation.about)


def parse(item: Mapping[str, Any], where: str) -> Conversation:
    """The conversation of an item, in any of the spellings.

    Raises:
        DataError: It has no conversation or no picture, `<image>` more than once or inside a text, or turns
            that do not alternate.
    """
    turns = next((item[key] for key in KEYS if isinstance(item.get(key), list)), None)
    if turns is None:
        raise DataError("has no conversation", where=where, expected=f"a list under {' or '.join(KEYS)}")
    spoken = [_turn(turn, number, where) for number, turn in enumerate(turns, start=1)]
    count = sum(text.count(IMAGE) for _, text in spoken)
    if count > 1:
        raise DataError(f"says {IMAGE} {count} times", where=where, expected="once: one page a conversation")
    if count:
        role, first = spoken[0]
        spoken[0] = role, _without_mark(first, where)
    own = own_columns(item, where)
    name, image = str(item.get("id", "")), _image(item, where)
    return Conversation(name, image, pairs(spoken, where), own, named_records(own, image, name))


def _turn(turn: Any, number: int, where: str) -> tuple[str, str]:
    if isinstance(turn, Mapping):
        role, text = turn.get("from", turn.get("role")), turn.get("value", turn.get("content"))
        if isinstance(role, str) and isinstance(text, str):
            return role, text
    raise DataError(f"turn {number} lacks its role or its text", where=where, expected="'from' and 'value'")


def _without_mark(text: str, where: str) -> str:
    start, end = text.lstrip(), text.rstrip()
    if start.startswith(IMAGE):
        rest = start.removeprefix(IMAGE)
        return rest.removeprefix("\r\n" if rest.startswith("\r\n") else "\n")
    if end.endswith(IMAGE):
        return end.removesuffix(IMAGE).removesuffix("\n")
    inside = "inside a text" if IMAGE in text else "behind the first turn"
    raise DataError(f"says {IMAGE} {inside}", where=where, expected="at the start of the first human turn")


def _image(item: Mapping[str, Any], where: str) -> str:
    """The picture's path; ECGBench's rows hold the picture under `image` and its path under `image_path`."""
    found = item.get("image")
    if isinstance(found, list) and len(found) > 1:
        raise DataError(f"shows {len(found)} pictures", where=where, expected="one page a conversation")
    for path in (found[0] if isinstance(found, list) and found else found, item.get("image_path")):
        if isinstance(path, str) and path:
            return path
    raise DataError("has no picture", where=where, expected="a path under 'image'")
