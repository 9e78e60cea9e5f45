"""A small grammar of wording: few productions, many sentences, and the same text read back.

    "Does {ecg} [show|reveal] [any |]{name}?"

`[a|b|]` is one of its branches, `{word}` another rule of the grammar or, where there is none of that name, a
slot that the caller fills. Branches may hold rules, slots and further branches.
"""

from __future__ import annotations

import math
import re
import zlib
from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol, TypeVar

_T = TypeVar("_T")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Draws(Protocol):
    """A stream of uniform numbers: `numpy.random.Generator` or, five times faster, `random.Random`."""

    def random(self) -> float:
        """The next number of [0, 1)."""


@dataclass(frozen=True, slots=True)
class _Name:
    """A rule or slot that stands in a production."""

    name: str


@dataclass(frozen=True, slots=True)
class _Branches:
    """One of several sequences, each as likely."""

    of: tuple[tuple[_Node, ...], ...]


_Node = str | _Name | _Branches


@dataclass(frozen=True, slots=True)
class _Rule:
    productions: tuple[tuple[_Node, ...], ...]
    ids: tuple[str, ...]
    limits: tuple[float, ...]  # running sums of the weights


class Grammar:
    """Rules by name, each with weighted productions.

    Args:
        rules: Name → productions; a production is its text, or (weight, text) where it is not 1.
        common: Rules of another grammar that these may use.

    Raises:
        ValueError: Brackets do not match, two productions of a rule are the same, or one holds its rule.
    """

    def __init__(
        self, rules: Mapping[str, Sequence[str | tuple[float, str]]], common: Grammar | None = None
    ) -> None:
        self._rules: dict[str, _Rule] = dict(common._rules) if common else {}
        for name, productions in rules.items():
            pairs = [(1.0, one) if isinstance(one, str) else one for one in productions]
            ids = tuple(_id(text) for _, text in pairs)
            if len(set(ids)) < len(ids):
                raise ValueError(f"rule {name!r} has two productions of the same id: reword one")
            if any(f"{{{name}}}" in text for _, text in pairs):
                raise ValueError(f"rule {name!r} holds a slot of its own name: name one of them otherwise")
            self._rules[name] = _Rule(
                tuple(_parse(text) for _, text in pairs),
                ids,
                tuple(accumulate(weight for weight, _ in pairs)),
            )
        self._patterns: dict[str, tuple[re.Pattern[str], ...]] = {}

    def __contains__(self, rule: str) -> bool:
        return rule in self._rules

    def expand(self, rule: str, slots: Mapping[str, str], rng: Draws) -> tuple[str, str]:
        """A sentence of a rule, and the id of its production.

        An id is drawn from the production's text: it stays when others are added, moved or dropped.

        Raises:
            KeyError: A production names a slot that was not given.
        """
        one = self._rules[rule]
        number = min(bisect(one.limits, rng.random() * one.limits[-1]), len(one.ids) - 1)
        said: list[str] = []
        self._write(one.productions[number], slots, rng, said)
        return "".join(said), one.ids[number]

    def ids(self, rule: str) -> tuple[str, ...]:
        """The ids of a rule's productions."""
        return self._rules[rule].ids

    def count(self, rule: str) -> int:
        """How many sentences a rule makes of the same slots."""
        return sum(self._count(nodes) for nodes in self._rules[rule].productions)

    def slots(self, rule: str) -> set[str]:
        """The slots that a rule may need."""
        return {
            name for nodes in self._rules[rule].productions for name in self._slots(nodes) if name not in self
        }

    def read(self, rule: str, text: str) -> Iterator[tuple[tuple[str, str], ...]]:
        """The slots (name, text) that make the text of a rule, once for each production that can.

        Letters may be large or small. A slot's text is as short as the rest allows.
        """
        if rule not in self._patterns:
            self._patterns[rule] = tuple(
                re.compile(self._pattern(nodes, [0]), re.IGNORECASE)
                for nodes in self._rules[rule].productions
            )
        for pattern in self._patterns[rule]:
            found = pattern.fullmatch(text)
            if found:
                yield tuple(
                    (name.rpartition("_")[0], value)
                    for name, value in found.groupdict().items()
                    if value is not None
                )

    def _write(self, nodes: tuple[_Node, ...], slots: Mapping[str, str], rng: Draws, said: list[str]) -> None:
        for node in nodes:
            if type(node) is str:
                said.append(node)
            elif type(node) is _Branches:
                self._write(node.of[int(rng.random() * len(node.of))], slots, rng, said)
            elif type(node) is _Name:
                given = slots.get(node.name)
                if given is not None:
                    said.append(given)
                    continue
                one = self._rules[node.name]
                number = min(bisect(one.limits, rng.random() * one.limits[-1]), len(one.ids) - 1)
                self._write(one.productions[number], slots, rng, said)

    def _count(self, nodes: tuple[_Node, ...]) -> int:
        return math.prod(
            sum(self._count(branch) for branch in node.of)
            if isinstance(node, _Branches)
            else self.count(node.name)
            if isinstance(node, _Name) and node.name in self._rules
            else 1
            for node in nodes
        )

    def _slots(self, nodes: tuple[_Node, ...]) -> Iterator[str]:
        for node in nodes:
            if isinstance(node, _Branches):
                for branch in node.of:
                    yield from self._slots(branch)
            elif isinstance(node, _Name):
                yield from self.slots(node.name) if node.name in self._rules else (node.name,)

    def _pattern(self, nodes: tuple[_Node, ...], used: list[int]) -> str:
        parts = []
        for node in nodes:
            if isinstance(node, str):
                parts.append(re.escape(node))
            elif isinstance(node, _Branches):
                parts.append("(?:" + "|".join(self._pattern(branch, used) for branch in node.of) + ")")
            elif node.name in self._rules:
                inner = (self._pattern(one, used) for one in self._rules[node.name].productions)
                parts.append("(?:" + "|".join(inner) + ")")
            else:
                used[0] += 1
                parts.append(f"(?P<{node.name}_{used[0]}>.+?)")
        return "".join(parts)


def pick(options: Sequence[_T], rng: Draws) -> _T:
    """One of the options, each as likely."""
    return options[int(rng.random() * len(options))]


def sentence(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def _id(text: str) -> str:
    number, said = zlib.crc32(text.encode()) % 36**4, ""
    for _ in range(4):
        number, digit = divmod(number, 36)
        said += _DIGITS[digit]
    return said


def _parse(text: str) -> tuple[_Node, ...]:
    nodes, rest = _sequence(text, 0)
    if rest < len(text):
        raise ValueError(f"a bracket closes that was never opened, at character {rest} of {text!r}")
    return nodes


def _sequence(text: str, at: int) -> tuple[tuple[_Node, ...], int]:
    """Nodes from `at` up to the end, or to a bracket or bar that ends a branch."""
    nodes: list[_Node] = []
    while at < len(text) and text[at] not in "|]":
        if text[at] == "{":
            end = text.index("}", at)
            nodes.append(_Name(text[at + 1 : end]))
            at = end + 1
        elif text[at] == "[":
            branches, stop = [], "|"
            while stop == "|":
                branch, at = _sequence(text, at + 1)
                if at >= len(text):
                    raise ValueError(f"a bracket is never closed in {text!r}")
                branches.append(branch)
                stop = text[at]
            nodes.append(_Branches(tuple(branches)))
            at += 1
        else:
            end = min((found for mark in "{[|]" if (found := text.find(mark, at)) >= 0), default=len(text))
            nodes.append(text[at:end])
            at = end
    return tuple(nodes), at
