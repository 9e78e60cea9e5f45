"""Dialogues of two to four turns about one page, composed from the other families."""

from __future__ import annotations

from collections.abc import Callable

from twelvelead.errors import DataError
from twelvelead.instruct import feature, morphology, report, rhythm
from twelvelead.instruct.case import Case
from twelvelead.instruct.foil import shuffled
from twelvelead.instruct.forms import uncapital
from twelvelead.instruct.grammar import Draws, pick
from twelvelead.instruct.sample import Item, Sample

MAKERS: dict[str, Callable[[Case, Item, Draws], Sample]] = {
    "feature": feature.make,
    "rhythm": rhythm.make,
    "morphology": morphology.make,
    "report": report.make,
}
LEADING_ON = ("", "", "And ", "Next: ", "Then: ", "One more: ", "Further, ", "Now ", "Also: ")
SHORTEST, LONGEST = 2, 4


def make(case: Case, item: Item, rng: Draws) -> Sample:
    """A conversation of the item's parts, or of parts drawn from what the case tells.

    Parts that are drawn are never closed: yes and no are balanced by the planner alone.

    Raises:
        DataError: The item has one part, more than four, or one of a family that is not in MAKERS.
    """
    parts = item.parts or drawn(case, rng)
    if not SHORTEST <= len(parts) <= LONGEST:
        raise DataError(f"a dialogue of {len(parts)} turns", where="Item.parts", expected="2 to 4")
    turns = [_turn(case, part, rng) for part in parts]
    first, *later = turns
    return Sample(
        item.family,
        "dialogue",
        "",
        first.question,
        first.answer,
        "+".join(turn.answer_source for turn in turns),
        "dialogue.dialogue." + "+".join(f"{part.family}.{part.format}" for part in parts),
        tuple((_led_on(turn.question, rng), turn.answer) for turn in later),
    )


def drawn(case: Case, rng: Draws) -> tuple[Item, ...]:
    """Two to four different things to ask about; an impression comes last."""
    options = [Item("rhythm", pick(("open", "fill"), rng), "group", "rhythm")]
    options += [
        Item("morphology", pick(("open", "fill"), rng), "superclass", one)
        for one in ("MI", "STTC", "CD", "HYP")
    ]
    options.append(Item("morphology", "open", "group", pick(("form", "diagnostic"), rng)))
    for name in ("rate_bpm", "pr_ms", "qrs_ms", "qtc_ms", "axis_deg"):
        if name in case.facts:
            options.append(Item("feature", pick(("open", "fill", "choice"), rng), "numeric", name))
    for name in ("irregular", "p_present"):
        if name in case.facts:
            options.append(Item("feature", "open", "sign", name))
    if case.axis:
        options.append(Item("feature", pick(("open", "choice"), rng), "axis"))
    count = SHORTEST + int(rng.random() * (LONGEST - SHORTEST + 1))
    chosen = shuffled(options, rng)[:count]
    if rng.random() < 0.3:
        chosen[-1] = Item("report", "report", target="impression")
    return tuple(chosen)


def _turn(case: Case, part: Item, rng: Draws) -> Sample:
    maker = MAKERS.get(part.family)
    if maker is None:
        raise DataError(
            f"a dialogue cannot hold a turn of {part.family!r}",
            where="Item.parts",
            expected=", ".join(MAKERS),
        )
    return maker(case, part, rng)


def _led_on(question: str, rng: Draws) -> str:
    word = pick(LEADING_ON, rng)
    return word + uncapital(question) if word else question
