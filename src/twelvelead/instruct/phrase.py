"""Phrases read back: lists of statements, measured values, leads and other words of an answer's slots.

Each reader takes the whole text of a slot or refuses it; a word that it does not know is never skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from twelvelead.ecg.lead import LEADS
from twelvelead.instruct.answer import COPULAS, JOINTS, LEAD_SETS, NOTHING
from twelvelead.instruct.case import axis_class, normal_range, rounded, unit
from twelvelead.instruct.claim import Claim
from twelvelead.instruct.measure_words import (
    AXIS_WORDS,
    BAND_WORDS,
    MEASURE_OF,
    NOISE_WORDS,
    RANGE_TEXTS,
    SIGN_WORDS,
    STAGE_WORDS,
    UNITS,
)
from twelvelead.instruct.wording import HEDGE_LEVEL, HEDGES, THINGS, TOPICS, bare

Claims = tuple[Claim, ...]


def _any(words: Iterable[str]) -> str:
    """A pattern of any of the words, the longest first."""
    return "|".join(re.escape(word) for word in sorted(set(words), key=lambda word: (-len(word), word)))


def _key(words: dict[str, tuple[str, ...]]) -> dict[str, str]:
    return {bare(name)[1].casefold(): key for key, names in words.items() for name in names}


_BARE = {bare(name)[1]: key for name, key in THINGS.items()}
_STATEMENTS = {name: target for name, (kind, target) in _BARE.items() if kind == "statement"}
_FINDING = re.compile(
    rf"(?:an? )?(?:(?P<before>{_any(word for before, _ in HEDGES.values() for word in before)}) )?"
    rf"(?P<name>{_any(_STATEMENTS)})"
    rf"(?: \((?P<behind>{_any(word for _, behind in HEDGES.values() for word in behind)})\))?",
    re.IGNORECASE,
)
_JOINT = re.compile(rf",? (?:{_any(joint.strip() for joint in JOINTS)}) |, ", re.IGNORECASE)
_VALUE = re.compile(
    rf"(?:the )?(?P<fact>{_any(MEASURE_OF)})(?:{_any(COPULAS)})"
    rf"(?P<number>-?\d+(?:\.\d)?)(?P<unit>{_any(word for words in UNITS.values() for word in words)})"
    r"(?: \((?P<band>[^()]*)\))?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(-?\d+(?:\.\d)?)(.*)")
_UNIT_OF = {word: name for name, words in UNITS.items() for word in words}
_LEAD_OF = {lead.casefold(): lead for lead in LEADS}
_AXIS_OF, _STAGE_OF, _NOISE_OF = _key(AXIS_WORDS), _key(STAGE_WORDS), _key(NOISE_WORDS)
_SIGN_OF = {words.casefold(): key for key, several in SIGN_WORDS.items() for words in several}
_TOPIC_OF = {words.casefold(): key for key, several in TOPICS.items() for words in several}


def findings(text: str) -> Claims | None:
    """Statements with their likelihoods: "LVH (possible), sinus rhythm and PVCs"."""
    claims = []
    for found in _split(_FINDING, text) or ():
        before, behind = found["before"], found["behind"]
        if before and behind:
            return None
        likelihood = HEDGE_LEVEL[(before or behind).casefold()] if before or behind else 100.0
        claims.append(Claim("statement", _STATEMENTS[found["name"].casefold()], likelihood))
    return tuple(claims) or None


def lacking(text: str) -> Claims | None:
    """What is denied: a statement, class or task group, with or without its article."""
    key = _BARE.get(bare(text.casefold())[1])
    return (Claim(*key, value=False),) if key else None


def topic(words: str) -> tuple[str, str] | None:
    """Kind and target of a topic."""
    return _TOPIC_OF.get(words.casefold())


def is_nothing(text: str) -> bool:
    """Whether it says that there is no finding."""
    return text.casefold() in NOTHING


def values(text: str) -> Claims | None:
    """Measured values, each with its band where that is said: "PR 210 ms (prolonged) and QRS 95 ms"."""
    claims: list[Claim] = []
    for found in _split(_VALUE, text) or ():
        fact = MEASURE_OF[found["fact"].casefold()]
        value = amount(fact, found["number"] + (found["unit"] or ""))
        if value is None:
            return None
        claims.append(Claim("value", fact, value))
        if found["band"] is not None:
            said = band(fact, value, found["band"])
            if said is None:
                return None
            claims.append(said)
    return tuple(claims) or None


def amount(fact: str, text: str) -> float | None:
    """A number with the unit of a fact, rounded as that fact is."""
    found = _NUMBER.fullmatch(text)
    if not found or _UNIT_OF.get(found[2]) != unit(fact):
        return None
    value = float(found[1])
    return value if rounded(fact, value) == value else None


def band(fact: str, value: float, text: str) -> Claim | None:
    """What is said in brackets behind a value; None if it contradicts that or cites another range."""
    if fact == "axis_deg":
        named = axis(text)
        return named[0] if named and named[0].target == axis_class(value) else None
    word, _, cited = text.partition(", ")
    place = next((key for key, words in BAND_WORDS.get(fact, {}).items() if word.casefold() in words), None)
    if place is None:
        return None
    if cited:
        _, _, bounds = cited.rpartition(
            "normal range " if cited.startswith("normal range ") else cited.split()[0] + " "
        )
        if cited.split()[0] not in ("normal", "reference") or bounds not in RANGE_TEXTS[fact]:
            return None
    ranges = [normal_range(fact, sex) for sex in ("male", "female")]
    places = {
        "below" if value < low else "above" if value > high else "within"
        for low, high in filter(None, ranges)
    }
    return Claim("band", fact, place) if place in places else None


def axis(text: str) -> Claims | None:
    """A class of the axis."""
    name = _AXIS_OF.get(bare(text.casefold())[1])
    return (Claim("axis", name),) if name else None


def stage(text: str) -> Claims | None:
    """A stage of infarction."""
    name = _STAGE_OF.get(bare(text.casefold())[1])
    return (Claim("stage", name),) if name else None


def noise(text: str) -> str | None:
    """A kind of noise."""
    return _NOISE_OF.get(bare(text.casefold())[1])


def sign(text: str) -> Claims | None:
    """Regularity, or how P waves stand to QRS complexes."""
    key = _SIGN_OF.get(text.casefold())
    return (Claim("sign", *key),) if key else None


def leads(text: str) -> tuple[str, ...] | None:
    """Leads in one phrase: "leads V1, V2 and V3", "all leads"."""
    if text.casefold() in LEAD_SETS:
        return LEAD_SETS[text.casefold()]
    text = text.casefold().removeprefix("leads ").removeprefix("lead ")
    named = [_LEAD_OF.get(word) for word in re.split(", | and ", text)]
    return tuple(lead for lead in named if lead) if all(named) else None


def measure_in(text: str) -> str | None:
    """The one measured fact that a question names; None where it names none or several."""
    found = {MEASURE_OF[match.casefold()] for match in _NAMED.findall(text)}
    return found.pop() if len(found) == 1 else None


_NAMED = re.compile(rf"(?<!\w)(?:{_any(MEASURE_OF)})(?!\w)", re.IGNORECASE)


def _split(pattern: re.Pattern[str], text: str) -> list[re.Match[str]] | None:
    """Matches of the pattern that make up the text, with joints between them; None if they do not."""
    found: list[re.Match[str]] = []
    at = 0
    while True:
        one = pattern.match(text, at)
        if not one:
            return None
        found.append(one)
        at = one.end()
        if at == len(text):
            return found
        joint = _JOINT.match(text, at)
        if not joint:
            return None
        at = joint.end()
