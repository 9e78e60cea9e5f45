"""A conversation about one page, as it travels between Twelvelead and the formats of others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from twelvelead.errors import DataError

Turns = tuple[tuple[str, str], ...]
# Columns of an instruction shard beside its messages. Exports carry them along; a foreign item has none.
TEXTS = (
    "sample_id",
    "page_id",
    "record_id",
    "patient_id",
    "family",
    "format",
    "code",
    "answer_source",
    "template",
)
NUMBERS = ("fold", "seed")
ROLES = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant"}
# Where a picture's path or an id names its record: 07190_hr-0.png (PTB-XL's file names), s44111511 and
# mimic-44111511 (MIMIC-IV-ECG's studies). A bare number is no name: CODE-15 % counts its records too.
_PTBXL = re.compile(r"(?<!\d)(\d{5})_[hl]r(?![a-z0-9])")
_MIMIC = re.compile(r"(?:/s|\bmimic-)(\d{8})(?!\d)")


@dataclass(frozen=True, slots=True)
class Named:
    """A record that an item names, and the source whose record it must be ("" for an export of ours)."""

    source: Literal["", "ptb-xl", "mimic-iv-ecg"]
    record_id: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """Questions about one picture and their answers.

    Attributes:
        id: The item's id; foreign ids may repeat.
        image: Path of the picture as the item writes it; "" where the format has none.
        turns: (question, answer) in order; the picture belongs before the first question.
        about: Provenance columns that are known, sample_id aside.
        records: Records the item may be about, likeliest first.
    """

    id: str
    image: str
    turns: Turns
    about: Mapping[str, str | int] = field(default_factory=dict)
    records: tuple[Named, ...] = ()

    @classmethod
    def from_row(cls, row: Mapping[str, Any], image: str = "") -> Conversation:
        """The conversation of a row of an instruction shard.

        Raises:
            DataError: Its messages are no conversation about one picture.
        """
        where = f"sample {row['sample_id']!r}"
        about = {name: row[name] for name in (*TEXTS[1:], *NUMBERS) if row.get(name) is not None}
        return cls(str(row["sample_id"]), image, turns_of(row["messages"], where), about)

    def messages(self) -> list[dict[str, Any]]:
        """The conversation as chat messages, the picture first and once."""
        said: list[dict[str, Any]] = []
        for number, (question, answer) in enumerate(self.turns):
            picture = [] if number else [{"type": "image", "text": ""}]
            said.append({"role": "user", "content": [*picture, {"type": "text", "text": question}]})
            said.append({"role": "assistant", "content": [{"type": "text", "text": answer}]})
        return said


def own_columns(item: Mapping[str, Any], where: str) -> dict[str, str | int]:
    """The provenance columns of an item that Twelvelead exported, sample_id aside; none for a foreign item.

    Raises:
        DataError: One has the wrong type.
    """
    if "page_id" not in item or "record_id" not in item:
        return {}
    found: dict[str, str | int] = {}
    for name in (*TEXTS[1:], *NUMBERS):
        value, kind = item.get(name), int if name in NUMBERS else str
        if value is None:
            continue
        if not isinstance(value, kind):
            raise DataError(f"{name} is {value!r}", where=where, expected=f"a {kind.__name__}")
        found[name] = value
    return found


def named_records(own: Mapping[str, str | int], *places: str) -> tuple[Named, ...]:
    """The records that an item's own columns, picture path or id name."""
    if own:
        return (Named("", str(own["record_id"])),)
    text = " ".join(places).replace("\\", "/")
    found = [Named("mimic-iv-ecg", name) for name in _MIMIC.findall(text)]
    found += [Named("ptb-xl", name) for name in _PTBXL.findall(text)]
    return tuple(dict.fromkeys(found))


def pairs(spoken: Sequence[tuple[str, str]], where: str) -> Turns:
    """Questions with their answers from (role, text) in order.

    Args:
        spoken: Roles in any known spelling; texts without image marks.
        where: For messages.

    Raises:
        DataError: A role is unknown, turns do not alternate, a text is empty, or an answer is missing.
    """
    if not spoken:
        raise DataError("the conversation has no turns", where=where)
    for number, (role, text) in enumerate(spoken):
        known = ROLES.get(role.lower())
        if known is None:
            spellings = "human or user, gpt or assistant"
            raise DataError(f"turn {number + 1} is by {role!r}", where=where, expected=spellings)
        if known != ("assistant" if number % 2 else "user"):
            raise DataError(
                f"turn {number + 1} is by {role!r}", where=where, expected="questions and answers in turn"
            )
        if not text.strip():
            raise DataError(f"turn {number + 1} is empty", where=where)
    if len(spoken) % 2:
        raise DataError("the last question has no answer", where=where)
    texts = [text for _, text in spoken]
    return tuple(zip(texts[::2], texts[1::2], strict=True))


def turns_of(messages: Any, where: str) -> Turns:
    """The turns of chat messages, contents as text or as parts.

    Raises:
        DataError: They do not alternate, a text is missing, or not exactly one picture stands first.
    """
    if not isinstance(messages, Sequence) or isinstance(messages, str):
        raise DataError("there are no messages", where=where, expected="a list under 'messages'")
    spoken = []
    for number, message in enumerate(messages):
        if not isinstance(message, Mapping) or "role" not in message:
            raise DataError(f"turn {number + 1} has no role", where=where, expected="role and content")
        content = message.get("content")
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if not isinstance(parts, Sequence) or not all(isinstance(part, Mapping) for part in parts):
            raise DataError(f"turn {number + 1} has no content", where=where, expected="text or parts")
        kinds = [part.get("type") for part in parts]
        pictures = kinds.count("image")
        if pictures and (number or pictures > 1 or kinds[0] != "image"):
            raise DataError(
                f"turn {number + 1} shows {pictures} pictures or shows one behind its text",
                where=where,
                expected="one picture, at the start of the first turn",
            )
        texts = [part.get("text") for part in parts if part.get("type") == "text"]
        if len(texts) != 1 or not isinstance(texts[0], str):
            raise DataError(f"turn {number + 1} holds {len(texts)} texts", where=where, expected="one")
        spoken.append((str(message["role"]), texts[0]))
    return pairs(spoken, where)
