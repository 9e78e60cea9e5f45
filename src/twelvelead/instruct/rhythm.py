"""Rhythm: its statements, whether it is normal, how regular it is, how P waves and premature beats stand."""

from __future__ import annotations

from twelvelead.instruct import forms
from twelvelead.instruct.asking import ASKING
from twelvelead.instruct.case import Case
from twelvelead.instruct.feature import FILL, NUMBERS, SIGNS
from twelvelead.instruct.grammar import Draws, Grammar
from twelvelead.instruct.sample import Item, Sample

STATEMENTS = {
    "closed.statement": [
        "{opening}does {ecg} [show|display|demonstrate|reveal] {name}?",
        "{opening}is the rhythm [of|in|on] {ecg} [stated|described|to be read] as {name}?",
        "{opening}[is there|do you see|do you find|can you find] evidence of {name} [in|on] {ecg}?",
        "{opening}[would|do] you [diagnose|read|report|state] {name} [in|on|from] {ecg}?",
        "{opening}[could|can|may] {name} be [diagnosed|recognized|read] [in|on|from] {ecg}?",
        "{opening}{ecg}: {name}, or not?",
        "{opening}among the rhythm [statements|findings|entries] of {ecg}, is {name} one?",
    ],
    "closed.group": [
        "{opening}does {ecg} [show|display|reveal] {name}?",
        "{opening}[is there|do you see|do you find|can you find] {name} [in|on] {ecg}?",
        "{opening}is the rhythm [of|in|on] {ecg} anything other than plain sinus rhythm?",
        "{opening}does the rhythm [of|in|on] {ecg} [depart|differ] from plain sinus rhythm?",
        "{opening}[would|should] a rhythm strip of {ecg} be read as {name}?",
    ],
    "open.group": [
        "{opening}what is the {topic} [of|in|on] {ecg}?",
        "{opening}[which|what] {topic} does {ecg} [show|display|have]?",
        "{opening}[name|identify|state|describe|interpret] the {topic} [of|in|on] {ecg}.",
        "{opening}how would you [describe|read|classify|name] the {topic} [of|in|on] {ecg}?",
        "{opening}[which|what] rhythm statements [apply to|fit|belong to] {ecg}?",
        "{opening}[can|could|would] you [name|identify|describe] the {topic} [of|in|on] {ecg}?",
    ],
    "choice.statement": [
        "{opening}[which|what] of these is [a|one] rhythm [finding|statement] of {ecg}?",
        "{opening}which [option|answer|statement] [fits|describes|names] the rhythm [of|in|on] {ecg}?",
        "{opening}[how|as what] is the rhythm [of|in|on] {ecg} to be [read|described|classified]?",
        "{opening}[choose|pick|mark|find] the rhythm [of|in|on] {ecg}.",
        "{opening}the rhythm strip of {ecg} [shows|reveals|displays] which of these?",
    ],
}
QUESTIONS = Grammar({**STATEMENTS, **NUMBERS, **SIGNS, **FILL}, ASKING)


def make(case: Case, item: Item, rng: Draws) -> Sample:
    """A sample about the rhythm: kinds statement (of the rhythm group), group "rhythm", sign, numeric.

    Raises:
        DataError: The record does not tell it, or the item is of another kind.
    """
    return forms.make(QUESTIONS, case, item, rng)
